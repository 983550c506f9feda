#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"
#include "policy/decision.h"
#include "tests/policy/decision_world.h"

namespace policy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;

std::string MessageOf(const World& world) { return DenialMessage(world.Decide(), world.admission, world.policy, world.now); }
std::vector<std::string> WarningsOf(const World& world) { return Warnings(world.Decide(), world.admission, world.policy, world.now); }

std::size_t LinesIn(const std::string& message) { return static_cast<std::size_t>(std::count(message.begin(), message.end(), '\n')) + 1; }

bool IsPlainText(std::string_view text) {
  while (!text.empty()) {
    const base::Utf8Character next = base::DecodeUtf8(text);
    if (!next.valid || (next.code_point < 0x20 && next.code_point != '\n') || next.code_point == 0x7f || next.code_point == 0x202e) {
      return false;
    }
    text.remove_prefix(next.bytes);
  }
  return true;
}

TEST(DenialMessage, SaysWhoWhatWhyAndHowToMendIt) {
  World world;
  world.Know("contoso.azurecr.io", {Compliant("customer-managed-key"), NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/shop/cart:1.4");
  EXPECT_EQ(MessageOf(world),
            "container \"cart\" image contoso.azurecr.io/shop/cart:1.4: registry contoso.azurecr.io does not meet private-link: "
            "privateEndpointConnections[*] where status is Approved is 0 (expected at least 1), observed 29 s ago; "
            "to mend: az acr update --name contoso --public-network-enabled false\n"
            "audit uid 00000000-0000-0000-0000-000000000001");
}

TEST(DenialMessage, WhatAzurePolicySaysIsAsOldAsItsEvaluation) {
  World world;
  Finding finding = NonCompliant("private-link");
  finding.source = FindingSource::kAzurePolicy;
  finding.azure = ComplianceOpinion{ComplianceState::kNonCompliant, world.now - 20h};
  world.Know("contoso.azurecr.io", {finding});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world),
              AllOf(HasSubstr("(expected at least 1), evaluated by Azure Policy 20 h ago; to mend"), Not(HasSubstr("observed"))));
  finding.azure.reset();
  finding.result = FindingResult::kUnknown;
  finding.reason = "Azure Policy has no state of it";
  world.Know("contoso.azurecr.io", {finding});
  EXPECT_THAT(MessageOf(world), AllOf(HasSubstr("Azure Policy has no state of it"), Not(HasSubstr("observed"))));
}

TEST(DenialMessage, UnknownReadsOtherwiseThanNonCompliant) {
  World world;
  world.Know("contoso.azurecr.io", {Unknown("private-link")});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world), AllOf(HasSubstr("could not be judged by private-link: the body has no member \"encryption\""),
                                      Not(HasSubstr("does not meet"))));
}

TEST(DenialMessage, WhatOnlyWarnsIsNotInIt) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("customer-managed-key", Effect::kWarn), NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world), Not(HasSubstr("customer-managed-key")));
  EXPECT_THAT(WarningsOf(world), ElementsAre("contoso.azurecr.io does not meet customer-managed-key: container cart"));
}

TEST(DenialMessage, RefusalsComeFirstThenSourcesThenRequirementsInThePolicysOrder) {
  World world;
  world.policy.stale_after = 10s;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link"), NonCompliant("customer-managed-key")});
  world.Use("contoso.azurecr.io/a", "one");
  world.Use("nginx", "two");
  world.Use("Bad/Name", "three");
  const std::string message = MessageOf(world);
  const std::vector<std::size_t> places = {
      message.find("Bad/Name"),     message.find("registry docker.io"), message.find("customer-managed-key"),
      message.find("private-link"), message.find("was last observed"),  message.find("audit uid")};
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end())) << message;
  EXPECT_NE(places.front(), std::string::npos);
  EXPECT_NE(places.back(), std::string::npos);
}

TEST(DenialMessage, ContainersWithTheSameTroubleShareALine) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a", "cart");
  world.Use("contoso.azurecr.io/a", "sidecar");
  EXPECT_THAT(MessageOf(world), StartsWith("containers cart, sidecar image contoso.azurecr.io/a: registry contoso.azurecr.io"));
  EXPECT_EQ(LinesIn(MessageOf(world)), 2u);
  world.Use("contoso.azurecr.io/b", "proxy");
  EXPECT_THAT(MessageOf(world), StartsWith("containers cart, sidecar, proxy: registry contoso.azurecr.io"));
  for (int i = 0; i < 20; ++i) {
    world.Use("contoso.azurecr.io/c", "another-container");
  }
  EXPECT_THAT(MessageOf(world), HasSubstr(" and 17 more: registry"));
}

TEST(DenialMessage, PlacesAreCalledWhatTheyAre) {
  World world;
  world.Use("a.io/a", "init").field.list = "spec.template.spec.initContainers";
  world.Use("b.io/a", "debug").field.list = "spec.ephemeralContainers";
  world.Use("c.io/a", "models").field = {"spec.volumes", 0, ".image.reference"};
  world.Use("d.io/a", "").field = {"spec.containers", 3, ".image"};
  EXPECT_THAT(MessageOf(world), AllOf(HasSubstr("init container \"init\" image a.io/a"), HasSubstr("ephemeral container \"debug\""),
                                      HasSubstr("volume \"models\""), HasSubstr("container \"spec.containers[3].image\"")));
}

TEST(DenialMessage, OtherRegistriesAndRulesSayWhatToUse) {
  World world;
  world.policy.sources = {SourceFor("quay.io/**", SourceAction::kDeny)};
  world.Use("nginx:1", "web");
  world.Use("quay.io/a/b", "job");
  EXPECT_THAT(MessageOf(world),
              AllOf(HasSubstr("container \"web\" image nginx:1: registry docker.io is neither an Azure Container Registry nor"),
                    HasSubstr("container \"job\" image quay.io/a/b: the cluster's policy refuses images that match \"quay.io/**\""),
                    HasSubstr("use an image from a registry that the policy allows")));
}

TEST(DenialMessage, UnknownRegistrySaysWhatToCheck) {
  World world;
  world.Use("contso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world), AllOf(HasSubstr("registry contso.azurecr.io is not among the registries"), HasSubstr("check the name")));
}

TEST(DenialMessage, RefusalsSayWhatToWrite) {
  World world;
  world.Use("contoso.azurecr.io/Shop/Cart:1", "cart");
  world.Use("contoso.eastus.data.azurecr.io/a", "data");
  world.Use("", "none");
  EXPECT_THAT(
      MessageOf(world),
      AllOf(
          HasSubstr("container \"cart\": image \"contoso.azurecr.io/Shop/Cart:1\": the repository must be lower-case; write \"shop/cart\""),
          HasSubstr("is a data endpoint, not a login server; write contoso.azurecr.io"),
          HasSubstr("container \"none\": no image is named")));
}

TEST(DenialMessage, ShapeThatIsNotUnderstoodNamesItsField) {
  World world;
  world.admission.problem = "spec.containers: expected an array";
  EXPECT_THAT(MessageOf(world), AllOf(StartsWith("this Pod could not be read"), HasSubstr("spec.containers: expected an array")));
}

TEST(DenialMessage, BriefHidesWhatMustNotBeRead) {
  World world;
  Finding finding = NonCompliant("restricted-network");
  finding.evidence = {{"publicNetworkAccess", "\"Enabled\"", "Disabled", true},
                      {"networkRuleSet.ipRules[*].value", "\"203.0.113.7\"", "none of 203.0.113.0/24", false}};
  world.Know("contoso.azurecr.io", {finding});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world),
              AllOf(HasSubstr("publicNetworkAccess is \"Enabled\" (expected Disabled), networkRuleSet.ipRules[*].value is not as required"),
                    Not(HasSubstr("203.0.113"))));
  world.policy.messages = MessageDetail::kFull;
  EXPECT_THAT(MessageOf(world), HasSubstr("networkRuleSet.ipRules[*].value is \"203.0.113.7\" (expected none of 203.0.113.0/24)"));
}

TEST(DenialMessage, MissingFieldIsNotSet) {
  World world;
  Finding finding = NonCompliant("customer-managed-key");
  finding.evidence = {{"encryption.status", "null", "enabled", true}};
  world.Know("contoso.azurecr.io", {finding});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world), HasSubstr("encryption.status is not set (expected enabled)"));
}

TEST(DenialMessage, FurtherEvidenceIsCounted) {
  World world;
  Finding finding = NonCompliant("restricted-network");
  finding.evidence = {{"a", "1", "0", true}, {"b", "1", "0", true}, {"c", "1", "0", true}, {"d", "1", "0", true}};
  world.Know("contoso.azurecr.io", {finding});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world), AllOf(HasSubstr("a is 1 (expected 0), b is 1 (expected 0) and 2 more"), Not(HasSubstr("c is"))));
}

TEST(DenialMessage, ExpiredExemptionIsNamed) {
  World world;
  Exemption exemption = world.PrivateLinkExemption();
  exemption.expires = world.now - 1h;
  world.Exempt(exemption);
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(MessageOf(world), HasSubstr("exemption billing has expired"));
  EXPECT_THAT(WarningsOf(world), ElementsAre("exemption billing expired 2026-11-23 and waives nothing for contoso.azurecr.io"));
}

TEST(DenialMessage, StaysWithinItsSizeAndCountsTheRest) {
  for (std::size_t count = 1; count < 40; ++count) {
    World world;
    for (std::size_t i = 0; i < count; ++i) {
      world.Use("registry" + std::to_string(i) + ".example.com/a", "c");
    }
    const std::string message = MessageOf(world);
    ASSERT_LE(message.size(), kMaxMessage);
    ASSERT_THAT(message, EndsWith("\naudit uid 00000000-0000-0000-0000-000000000001"));
    const std::size_t shown = LinesIn(message) - 1;
    if (shown <= count && message.find("… and") != std::string::npos) {
      ASSERT_THAT(message, HasSubstr("… and " + std::to_string(count - (shown - 1)) + " more\n"));
      ASSERT_GT(shown, 3u);
    } else {
      ASSERT_EQ(shown, count);
    }
  }
}

TEST(DenialMessage, AllThatIsWrongComesBeforeHowToMendTheSecond) {
  World world;
  world.policy.requirements.clear();
  Verdict verdict;
  for (const char* name : {"one", "two", "three"}) {
    Finding finding = NonCompliant(name);
    finding.remedy = "az " + std::string(200, 'x');
    verdict.push_back(finding);
  }
  world.Know("contoso.azurecr.io", verdict);
  world.Use("contoso.azurecr.io/a");
  const std::string message = MessageOf(world);
  EXPECT_LE(message.size(), kMaxMessage);
  EXPECT_THAT(message, AllOf(HasSubstr("does not meet one"), HasSubstr("does not meet two"), HasSubstr("does not meet three")));
  EXPECT_LT(message.find("to mend"), message.find("does not meet two"));
}

TEST(DenialMessage, LongAndHostilePartsStayWithinTheSizeAndHarmless) {
  for (const std::string& text : {std::string(5'000, 'x'), std::string(1'000, '\n'), std::string("\x1b[31m\xff\xfe\"quote\""),
                                  std::string("\u202eevil") + std::string(3'000, '\x80')}) {
    World world;
    Finding bad = NonCompliant("private-link");
    bad.requirement = text;
    bad.evidence = {{text, text, text, true}, {text, text, text, true}};
    bad.remedy = text;
    Finding unknown = Unknown("u");
    unknown.reason = text;
    world.Know("contoso.azurecr.io", {bad, unknown});
    world.admission.uid = text;
    world.admission.kind = text;
    world.Use("contoso.azurecr.io/a", text);
    world.Use("contoso.azurecr.io/b", text);
    world.Use(text, text);
    world.Use("a." + std::string(70'000, 'b') + "/c", text);
    const std::string message = MessageOf(world);
    EXPECT_LE(message.size(), kMaxMessage);
    EXPECT_TRUE(IsPlainText(message)) << message;
    EXPECT_THAT(message, HasSubstr("\naudit uid "));
    EXPECT_LE(LinesIn(message), 6u) << "no line of an outsider's making";

    world.policy.max_effect = Effect::kWarn;
    world.admission.problem = text;
    for (const std::string& warning : WarningsOf(world)) {
      EXPECT_LE(warning.size(), kMaxWarning);
      EXPECT_TRUE(IsPlainText(warning)) << warning;
      EXPECT_THAT(warning, Not(HasSubstr("\n")));
    }
  }
}

TEST(DenialMessage, OneLongestLineIsCutNotLost) {
  World world;
  Finding bad = NonCompliant(std::string(200, 'r'));
  bad.evidence = {{std::string(200, 'f'), std::string(200, '1'), std::string(200, 'e'), true},
                  {std::string(200, 'f'), std::string(200, '1'), std::string(200, 'e'), true}};
  bad.remedy = "az " + std::string(500, 'm');
  world.Know("contoso.azurecr.io", {bad});
  world.Use("contoso.azurecr.io/" + std::string(0, 'a') +
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  const std::string message = MessageOf(world);
  EXPECT_LE(message.size(), kMaxMessage);
  EXPECT_THAT(message, AllOf(StartsWith("container \"cart\" image"), HasSubstr("to mend: az mmm")));
}

TEST(Warnings, NothingIsSaidOfWhatIsAllowedOrAudited) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link", Effect::kAudit)});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(WarningsOf(world), IsEmpty());
}

TEST(Warnings, EachIsOneShortLine) {
  World world;
  world.policy.max_effect = Effect::kWarn;
  world.Know("contoso.azurecr.io", {NonCompliant("customer-managed-key"), Unknown("private-link")});
  world.Use("contoso.azurecr.io/a", "cart");
  world.Use("contoso.azurecr.io/b", "sidecar");
  world.Use("nginx", "web");
  EXPECT_THAT(WarningsOf(world), ElementsAre(StartsWith("container web: registry docker.io is neither an Azure Container Registry nor"),
                                             "contoso.azurecr.io does not meet customer-managed-key: container cart and 1 more",
                                             "contoso.azurecr.io could not be judged by private-link: container cart and 1 more"));
}

TEST(Warnings, GraceSaysWhenItEnds) {
  World world;
  world.policy.drift_grace = 4h;
  Finding drifted = NonCompliant("private-link");
  drifted.last_compliant = world.now - 1h;
  world.Know("contoso.azurecr.io", {drifted});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(WarningsOf(world), ElementsAre(StartsWith("contoso.azurecr.io no longer meets private-link, denied in 3 h")));
}

TEST(Warnings, AnExpiredExemptionIsWarnedAboutOnce) {
  World world;
  world.policy.max_effect = Effect::kAudit;
  Exemption exemption = world.PrivateLinkExemption();
  exemption.expires = world.now;
  world.Exempt(exemption);
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.Use("contoso.azurecr.io/b");
  EXPECT_THAT(WarningsOf(world), ElementsAre(HasSubstr("exemption billing expired")));
}

TEST(Warnings, TheirNumberIsBounded) {
  World world;
  world.policy.max_effect = Effect::kWarn;
  for (int i = 0; i < 100; ++i) {
    world.Use("r" + std::to_string(i) + ".io/a");
  }
  const std::vector<std::string> warnings = WarningsOf(world);
  ASSERT_EQ(warnings.size(), kMaxWarnings);
  EXPECT_EQ(warnings.back(), "… and 85 more warnings");
  world.admission.images.resize(kMaxWarnings);
  EXPECT_EQ(WarningsOf(world).size(), kMaxWarnings);
  EXPECT_THAT(WarningsOf(world).back(), HasSubstr("r15.io"));
}

}  // namespace
}  // namespace policy
