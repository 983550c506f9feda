#include "policy/image_reference.h"

#include <array>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "policy/registry_host.h"
#include "tests/support/image_grammar.h"

namespace policy {

void PrintTo(const ImageReference& r, std::ostream* out) {
  *out << r.registry << " | " << r.repository << " | " << r.tag << " | " << r.digest;
}

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kHex64(64, 'f');
const std::string kDigest = "sha256:" + kHex64;

std::string ErrorOf(std::string_view text) {
  const auto reference = ParseImageReference(text);
  return reference ? "" : reference.error().ToString();
}

// What our parser must make of `text`, by the grammar.
void ExpectAgreement(const std::string& text) {
  const auto ours = ParseImageReference(text);
  ASSERT_EQ(support::DifferenceFromGrammar(ours, text), "") << text;
  if (!ours) {
    ASSERT_EQ(ours.error().code, base::ErrorCode::kInvalidArgument);
    ASSERT_FALSE(ours.error().remedy.empty()) << text;
  }
}

TEST(ImageReference, ComesOutAsDistributionReferenceHasIt) {
  std::ifstream file(ACR_TEST_DATA "/image_references.json");
  const auto cases = nlohmann::json::parse(file).at("cases");
  ASSERT_GT(cases.size(), 400u);
  for (const auto& c : cases) {
    const std::string input = c.at("input");
    SCOPED_TRACE(input);
    const auto reference = ParseImageReference(input);
    const bool refused = !c.at("valid").get<bool>() || c.value("empty_domain_quirk", false) || c.value("bare_image_id", false) ||
                         c.value("note", "").starts_with("TRUNCATED image id");
    ASSERT_EQ(reference.has_value(), !refused) << (reference ? "" : reference.error().message);
    if (refused) {
      continue;
    }
    EXPECT_EQ(reference->registry, FoldRegistryHost(c.at("registry").get<std::string>()));
    EXPECT_EQ(reference->repository, c.at("repository").get<std::string>());
    EXPECT_EQ(reference->tag, c.value("tag", ""));
    EXPECT_EQ(reference->digest, c.value("digest", ""));
    if (reference->registry == c.at("registry").get<std::string>()) {
      EXPECT_EQ(reference->Canonical(), c.at("canonical").get<std::string>());
    }
    const RegistryHost host = ClassifyRegistryHost(reference->registry);
    if (!c.contains("acr")) {
      EXPECT_TRUE(host.kind == RegistryHost::Kind::kOther || IsUnderRegistrySuffix(reference->registry));
    } else if (c["acr"]["kind"].get<std::string>() == "data_endpoint_not_a_registry" || !c["acr"].value("default_port", true)) {
      EXPECT_EQ(host.kind, RegistryHost::Kind::kInvalid);
    } else {
      EXPECT_EQ(host.login_server, c["acr"]["login_server"].get<std::string>());
    }
  }
}

// Every string over `atoms` of at most `longest` of them, against the grammar.
void CompareAll(const std::vector<std::string>& atoms, std::size_t longest) {
  std::vector<std::string> strings = {""};
  for (std::size_t length = 1; length <= longest; ++length) {
    std::vector<std::string> longer;
    for (const std::string& shorter : strings) {
      for (const std::string& atom : atoms) {
        longer.push_back(shorter + atom);
        ExpectAgreement(longer.back());
        ASSERT_FALSE(::testing::Test::HasFatalFailure());
      }
    }
    strings = std::move(longer);
  }
}

TEST(ImageReference, AgreesWithTheGrammarOnAllShortStrings) { CompareAll({"a", "A", "0", ".", "-", "_", ":", "/", "@"}, 4); }

TEST(ImageReference, AgreesWithTheGrammarOnAllShortPaths) { CompareAll({"a", ".", "-", "_", "/"}, 6); }

TEST(ImageReference, AgreesWithTheGrammarOnAllShortAddresses) { CompareAll({"[", "]", ":", "1", "/a"}, 5); }

TEST(ImageReference, AgreesWithTheGrammarOnStringsOfWholeParts) {
  CompareAll({"localhost", "docker.io", "index.docker.io", "sha256", "A", "/a", "a_b.c", ":5000", ":", "@", kDigest, "@" + kDigest}, 3);
}

TEST(ImageReference, OneRegistryHasOneName) {
  EXPECT_EQ(FoldRegistryHost("CONTOSO.azurecr.io:443"), "contoso.azurecr.io");
  EXPECT_EQ(FoldRegistryHost("contoso.azurecr.io:000443"), "contoso.azurecr.io");
  EXPECT_EQ(FoldRegistryHost("registry:05000"), "registry:5000");
  EXPECT_EQ(FoldRegistryHost("registry:00"), "registry:0");
  EXPECT_EQ(FoldRegistryHost("registry:4430"), "registry:4430");
  EXPECT_EQ(FoldRegistryHost("[FC00::443]"), "[fc00::443]");
  EXPECT_EQ(FoldRegistryHost("[FC00::1]:0443"), "[fc00::1]");
  for (const auto* host : {"Docker.io", "index.docker.io", "REGISTRY-1.docker.io:443", "registry.hub.docker.com", "hub.docker.com:0443"}) {
    EXPECT_EQ(FoldRegistryHost(host), "docker.io") << host;
  }
  EXPECT_EQ(FoldRegistryHost("docker.io:80"), "docker.io:80");
  EXPECT_EQ(FoldRegistryHost("evildocker.io"), "evildocker.io");
}

TEST(ImageReference, FoldingLeavesTheRepositoryAlone) {
  EXPECT_EQ(ParseImageReference("docker.io:443/nginx")->Canonical(), "docker.io/nginx:latest");
  EXPECT_EQ(ParseImageReference("docker.io/nginx")->Canonical(), "docker.io/library/nginx:latest");
}

TEST(ImageReference, DigestWinsOverTag) { EXPECT_EQ(ParseImageReference("a.b/c:1@" + kDigest)->Canonical(), "a.b/c@" + kDigest); }

TEST(ImageReference, LengthsAreBounded) {
  const std::string path(255, 'a');
  EXPECT_TRUE(ParseImageReference("a.b/" + path));
  EXPECT_FALSE(ParseImageReference("a.b/a" + path));
  EXPECT_TRUE(ParseImageReference(path.substr(8))) << "library/ counts";
  EXPECT_FALSE(ParseImageReference(path.substr(7)));
  EXPECT_TRUE(ParseImageReference("a:" + path.substr(0, 128)));
  EXPECT_FALSE(ParseImageReference("a:" + path.substr(0, 129)));
}

TEST(ImageReference, DigestsHaveTheirAlgorithmsExactLength) {
  for (const auto& [algorithm, size] : {std::pair<std::string, std::size_t>{"sha256", 64}, {"sha384", 96}, {"sha512", 128}}) {
    const std::string prefix = "a.b/c@" + algorithm + ":";
    EXPECT_TRUE(ParseImageReference(prefix + std::string(size, 'a')));
    EXPECT_FALSE(ParseImageReference(prefix + std::string(size - 1, 'a')));
    EXPECT_FALSE(ParseImageReference(prefix + std::string(size + 1, 'a')));
    EXPECT_FALSE(ParseImageReference(prefix + std::string(size, 'A')));
  }
  EXPECT_FALSE(ParseImageReference("a.b/c@sha1:" + std::string(40, 'a')));
  EXPECT_FALSE(ParseImageReference("a.b/c@"));
  EXPECT_FALSE(ParseImageReference("a.b/c@sha256"));
}

TEST(ImageReference, ImageIdsAreRefused) {
  for (const std::string& text :
       {kHex64, "sha256:" + kHex64, std::string("sha256:ffffffffffff"), std::string("sha256:f"), std::string("sha256"),
        std::string("sha512:abc"), std::string("docker.io/library/sha256:abc"), std::string("registry-1.docker.io/sha256:abc")}) {
    EXPECT_THAT(ErrorOf(text), AllOf(HasSubstr("image ID"), HasSubstr("HOST/REPOSITORY"))) << text;
  }
  EXPECT_EQ(ErrorOf("sha256/app"), "");
  EXPECT_EQ(ErrorOf("contoso.azurecr.io/sha256:abc"), "");
}

TEST(ImageReference, RefusalsSayWhatToWriteInstead) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("no image is named"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io/Shop/Cart:1"),
              AllOf(HasSubstr("must be lower-case"), HasSubstr("write \"shop/cart\" for \"Shop/Cart\"")));
  EXPECT_THAT(ErrorOf("https://contoso.azurecr.io/app"), HasSubstr("leave out the scheme"));
  EXPECT_THAT(ErrorOf("{{ .Values.image }}"), HasSubstr("not filled in"));
  EXPECT_THAT(ErrorOf("$(IMAGE)"), HasSubstr("not filled in"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io/app:1 "), HasSubstr("no tag"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io/app 1"), HasSubstr("white space"));
  EXPECT_THAT(ErrorOf("contoso_corp.azurecr.io/app:1"), AllOf(HasSubstr("no registry host"), HasSubstr("no '_'")));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io/"), HasSubstr("no repository"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io/a//b"), HasSubstr("empty path component"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io/a.-b"), HasSubstr("\".-b\""));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io/app@" + kDigest + "0"), HasSubstr("exactly 64"));
}

TEST(ImageReference, RefusalsOfHugeTextsAreShort) {
  EXPECT_LT(ErrorOf(std::string(100'000, 'A')).size(), 600u);
  EXPECT_LT(ErrorOf("a/" + std::string(100'000, '\x01')).size(), 600u);
}

// Each would take minutes in a scanner that goes back.
TEST(ImageReference, LongTextsAndNearMisses) {
  EXPECT_FALSE(ParseImageReference(std::string(100'000, 'a')));
  EXPECT_TRUE(ParseImageReference(std::string(100'000, 'a') + ".io/b"));
  std::string dashes;
  std::string dots;
  std::string slashes;
  for (int i = 0; i < 10'000; ++i) {
    dashes += "a-";
    dots += "a.";
    slashes += "a/";
  }
  for (const std::string& text : {dashes, dots, slashes}) {
    EXPECT_FALSE(ParseImageReference(text));
    EXPECT_FALSE(ParseImageReference("a.b/" + text + "A"));
    EXPECT_FALSE(ParseImageReference("a.b/c:" + text));
  }
  EXPECT_FALSE(ParseImageReference(dots + "/a"));
  EXPECT_TRUE(ParseImageReference(dots + "a/a"));
  EXPECT_FALSE(ParseImageReference(dots + "a:" + std::string(20'000, '0') + "x/a"));
  EXPECT_FALSE(ParseImageReference("a.b/" + std::string(20'000, '-') + "a"));
  EXPECT_FALSE(ParseImageReference("a.b/a" + std::string(20'000, '-')));
}

TEST(ImageReference, NulAndHighBytesAreRefused) {
  EXPECT_FALSE(ParseImageReference(std::string_view("a\0b", 3)));
  EXPECT_FALSE(ParseImageReference("contoso.azurecr.io/app\xff"));
  EXPECT_FALSE(ParseImageReference("\u212aontoso.azurecr.io/app"));
}

}  // namespace
}  // namespace policy
