#include "audit/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace audit {
namespace {

using nlohmann::json;
using policy::Effect;
using policy::FindingResult;

base::Time At(const char* text) { return base::ParseTime(text).value(); }

policy::Finding MakeFinding(std::string requirement, FindingResult result) {
  policy::Finding finding;
  finding.requirement = std::move(requirement);
  finding.result = result;
  return finding;
}

// One admission and its decision, which tests change before they make a record of them.
struct Case {
  policy::Admission admission;
  policy::Decision decision;
  policy::Policy policy;
  RequestContext context;
  std::vector<std::string> texts;  // what an image's views point to

  Case() {
    admission.uid = "705ab4f5-6393-11e8-b7cc-42010a800002";
    admission.operation = "CREATE";
    admission.version = "v1";
    admission.kind = "Pod";
    admission.namespace_name = "shop";
    admission.name = "cart-7d9f";
    admission.user = "system:serviceaccount:kube-system:replicaset-controller";
    admission.groups = {"system:serviceaccounts", "system:authenticated"};
    policy.digest = "sha256:00ff";
    context.time = At("2026-11-23T12:00:00.123456Z");
    context.replica = "acr-admission-6c9";
    context.peer = "10.1.2.3";
    context.duration = std::chrono::microseconds(85);
  }

  void AddImages(std::size_t count, const std::string& name, Effect effect) {
    const std::size_t first = admission.images.size();
    for (std::size_t i = 0; i < count; ++i) {
      texts.push_back(name + std::to_string(first + i));
    }
    admission.images.resize(first + count);
    decision.images.resize(first + count);
    for (std::size_t i = 0; i < first + count; ++i) {
      policy::ImageUse& use = admission.images[i];
      use.image = texts[i];
      use.field = {"spec.containers", static_cast<std::uint32_t>(i), ".image"};
      decision.images[i].use = &use;
      if (i >= first) {
        decision.images[i].registry = "docker.io";
        decision.images[i].effect = effect;
      }
    }
  }

  Record Make() const { return MakeRecord(admission, decision, policy, context); }
};

TEST(Record, HasEveryFieldInTheDocumentedOrder) {
  policy::Registry registry;
  registry.resource_id =
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";
  registry.observed = At("2026-11-23T11:59:31.5Z");
  policy::Finding private_link = MakeFinding("private-link", FindingResult::kNonCompliant);
  private_link.rule = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  private_link.last_compliant = At("2026-11-22T08:00:00.9Z");
  private_link.evidence = {{"privateEndpointConnections[*] where status is Approved", "0", "at least 1", true}};
  policy::Finding network = MakeFinding("restricted-network", FindingResult::kCompliant);
  network.rule = "sha256:ffffffffffffffff0123456789abcdef0123456789abcdef0123456789abcdef";
  network.last_compliant = registry.observed;
  network.source = policy::FindingSource::kAzurePolicy;
  network.azure = policy::ComplianceOpinion{policy::ComplianceState::kExempt, At("2026-11-23T06:00:00Z")};
  const policy::ComplianceStates states{At("2026-11-23T11:58:00Z"), {}};
  policy::Finding key = MakeFinding("customer-managed-key", FindingResult::kUnknown);
  key.reason = "encryption is missing";
  key.evidence = {{"encryption.status", "null", "enabled", true}, {"tags", R"({"a":["b"]})", "", false}};

  Case c;
  c.texts.reserve(2);
  c.AddImages(1, "contoso.azurecr.io/shop/cart:1.", Effect::kDeny);
  c.AddImages(1, "-bad-", Effect::kDeny);
  policy::ImageDecision& image = c.decision.images[0];
  image.action = policy::SourceAction::kVerify;
  image.registry = "contoso.azurecr.io";
  policy::RegistryFacts facts;
  facts.registry = registry;
  facts.states = std::make_shared<const policy::ComplianceStates>(states);
  image.facts = &facts;
  image.findings = {{&private_link, Effect::kDeny, "", "old-exemption", false},
                    {&network, Effect::kDisabled, "", "", false},
                    {&key, Effect::kWarn, "", "", true}};
  policy::ImageDecision& refused = c.decision.images[1];
  policy::Finding invalid = MakeFinding(std::string(policy::kInvalidReference), FindingResult::kNonCompliant);
  invalid.reason = "not a reference: begins with '-'";
  refused.enforced = false;
  refused.registry.clear();
  refused.findings = {{&invalid, Effect::kDisabled, "legacy", "", false}};
  c.decision.kind = policy::DecisionKind::kDenied;
  c.admission.owner_api_version = "apps/v1";
  c.admission.owner_kind = "ReplicaSet";
  c.admission.owner_name = "cart-7d9f";
  c.admission.owner_uid = "11112222";
  c.context.cluster = "prod-weu";
  const std::vector<std::string> warnings = {"contoso.azurecr.io: customer-managed-key, \"az acr update\"",
                                             "exemption legacy expired 2026-11-01 and waives nothing for docker.io"};
  c.context.warnings = warnings;
  c.context.message = "container cart, image contoso.azurecr.io/shop/cart:1.0: private-link\naudit uid 705ab4f5";
  c.admission.mirror_pod = true;
  c.admission.template_changed = true;

  const Record record = c.Make();
  const auto golden = base::ReadFile(ACR_TEST_DATA "/audit_record.json", 1 << 20);
  ASSERT_TRUE(golden) << golden.error().ToString();
  EXPECT_EQ(nlohmann::ordered_json::parse(record.json).dump(2) + "\n", *golden);
}

TEST(Record, ColumnsSayWhatTheTextSays) {
  Case c;
  c.AddImages(3, "nginx:", Effect::kAudit);
  c.decision.images[1].registry = "contoso.azurecr.io";
  c.decision.images[1].effect = Effect::kDeny;
  c.decision.kind = policy::DecisionKind::kWarned;
  c.admission.dry_run = true;
  const Record record = c.Make();
  EXPECT_EQ(record.time, c.context.time);
  EXPECT_EQ(record.uid, c.admission.uid);
  EXPECT_EQ(record.decision, policy::DecisionKind::kWarned);
  EXPECT_TRUE(record.dry_run);
  EXPECT_EQ(record.namespace_name, "shop");
  EXPECT_EQ(record.user, c.admission.user);
  EXPECT_EQ(record.registries, " contoso.azurecr.io docker.io ");
}

TEST(Record, KeysThatStandOnlySometimesAreLeftOutElse) {
  const policy::Finding unknown = MakeFinding(std::string(policy::kUnknownRegistry), FindingResult::kUnknown);
  Case c;
  c.AddImages(1, "contoso.azurecr.io/a:", Effect::kDeny);
  c.decision.images[0].findings = {{&unknown, Effect::kDeny, "", "", false}};
  const json record = json::parse(c.Make().json);
  for (const char* key : {"imagesOmitted", "groupsOmitted", "message", "mirrorPod", "templateChanged", "rules", "warnings"}) {
    EXPECT_FALSE(record.contains(key)) << key;
  }
  for (const char* key : {"reason", "expiredExemption", "driftGrace", "lastCompliant", "azurePolicy"}) {
    EXPECT_FALSE(record["images"][0]["findings"][0].contains(key)) << key;
  }
}

TEST(Record, AnOwnerThatHasOnlyAVersionIsOneToo) {
  Case c;
  c.admission.owner_api_version = "apps/v1";
  EXPECT_EQ(json::parse(c.Make().json)["owner"], (json{{"kind", nullptr}, {"name", nullptr}, {"uid", nullptr}, {"apiVersion", "apps/v1"}}));
}

TEST(Record, TheMessageIsAllOfWhatAPersonMayGet) {
  Case c;
  const std::string longest = std::string(policy::kMaxMessage - 3, 'm') + "…";
  c.context.message = longest;
  EXPECT_EQ(json::parse(c.Make().json)["message"], longest);
}

TEST(Record, WarningsAreAllOfWhatAPersonMayGet) {
  Case c;
  const std::vector<std::string> longest(policy::kMaxWarnings, std::string(policy::kMaxWarning, '"'));
  c.context.warnings = longest;
  EXPECT_EQ(json::parse(c.Make().json)["warnings"], longest);
}

TEST(Record, RulesAreThoseOfAllRegistriesEachOnce) {
  const auto with_rule = [](const char* requirement, char digit) {
    policy::Finding finding = MakeFinding(requirement, FindingResult::kCompliant);
    finding.rule = "sha256:" + std::string(64, digit);
    return finding;
  };
  const policy::Finding unknown = MakeFinding(std::string(policy::kUnknownRegistry), FindingResult::kUnknown);
  const policy::Finding everywhere = with_rule("private-link", 'a');
  const policy::Finding in_scope = with_rule("team-tag", 'b');  // of the second registry alone
  const policy::Finding stale = MakeFinding(std::string(policy::kStaleVerdict), FindingResult::kUnknown);
  Case c;
  c.texts.reserve(3);
  c.AddImages(3, "contoso.azurecr.io/a:", Effect::kDeny);
  c.decision.images[0].findings = {{&unknown, Effect::kDeny, "", "", false}};
  c.decision.images[1].findings = {{&everywhere, Effect::kDisabled, "", "", false}, {&stale, Effect::kDeny, "", "", false}};
  c.decision.images[2].findings = {{&in_scope, Effect::kDisabled, "", "", false}, {&everywhere, Effect::kDisabled, "", "", false}};
  EXPECT_EQ(json::parse(c.Make().json)["rules"], (json{{"private-link", "aaaaaaaaaaaaaaaa"}, {"team-tag", "bbbbbbbbbbbbbbbb"}}));
}

TEST(Record, AbsentValuesAreNull) {
  Case c;
  c.AddImages(1, "nginx:", Effect::kDisabled);
  c.decision.images[0].registry.clear();
  c.admission.namespace_name = {};
  c.admission.name = {};
  c.context.peer = {};
  const json record = json::parse(c.Make().json);
  for (const char* key : {"namespace", "name", "owner", "failure", "cluster", "peer", "clientCertificate"}) {
    EXPECT_TRUE(record.at(key).is_null()) << key;
  }
  for (const char* key : {"action", "registry", "resourceId", "observed"}) {
    EXPECT_TRUE(record["images"][0].at(key).is_null()) << key;
  }
  EXPECT_EQ(record["resource"]["group"], "");
  EXPECT_EQ(record["images"][0]["findings"], json::array());
}

TEST(Record, FailureSaysWhatWasNotUnderstood) {
  Case c;
  policy::Finding finding = MakeFinding(std::string(policy::kNotUnderstood), FindingResult::kUnknown);
  finding.reason = "spec.containers: expected an array";
  c.decision.failure = policy::ImageFinding{&finding, Effect::kDeny, "", "", false};
  EXPECT_EQ(json::parse(c.Make().json)["failure"], "spec.containers: expected an array");
}

TEST(Record, IsOneLineOfValidJsonWhateverTheTextsHold) {
  const std::string hostile = std::string("a\xff\xc3(\n\r\x01\"\\\0", 11) + "\xed\xa0\x80é";
  Case c;
  c.texts.reserve(1);
  c.AddImages(1, hostile, Effect::kDeny);
  c.admission.user = hostile;
  c.admission.groups = {hostile};
  policy::Finding finding = MakeFinding(hostile, FindingResult::kUnknown);
  finding.reason = hostile;
  for (const std::string& actual : {hostile, std::string("{\"cut\":"), std::string("[1,\n2]"), std::string("\"\xff\""), std::string()}) {
    finding.evidence.push_back({hostile, actual, hostile, true});
  }
  c.decision.images[0].findings = {{&finding, Effect::kDeny, hostile, "", false}};
  const std::string text = c.Make().json;
  EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos);
  const json record = json::parse(text, nullptr, false);  // refuses invalid UTF-8
  ASSERT_FALSE(record.is_discarded()) << text;
  EXPECT_THAT(record["user"].get<std::string>(), testing::StartsWith("a\xef\xbf\xbd"));
  EXPECT_EQ(record["images"][0]["findings"][0]["evidence"][1]["actual"], "{\"cut\":");
}

TEST(Record, FurtherImagesAreCountedAndHashedWithTheDeniedOneKept) {
  Case c;
  c.texts.reserve(2001);
  c.AddImages(2000, "docker.io/library/image-with-a-name:", Effect::kDisabled);
  c.AddImages(1, "evil.example/cart:", Effect::kDeny);
  const std::string text = c.Make().json;
  EXPECT_LE(text.size(), kMaxRecordBytes);
  EXPECT_GT(text.size(), kMaxRecordBytes * 9 / 10);
  const json record = json::parse(text);
  EXPECT_EQ(record["images"][0]["image"], "evil.example/cart:2000");
  EXPECT_EQ(record["images"][1]["image"], "docker.io/library/image-with-a-name:0");
  const std::size_t written = record["images"].size();
  EXPECT_EQ(record["imagesOmitted"]["count"], 2001 - written);
  std::string rest;
  for (std::size_t i = written - 1; i < 2000; ++i) {
    rest += c.texts[i] + "\n";
  }
  EXPECT_EQ(record["imagesOmitted"]["sha256"], base::Sha256(rest));
}

TEST(Record, EvidenceGoesBeforeAnImageDoes) {
  Case c;
  c.AddImages(1, "contoso.azurecr.io/a:", Effect::kDeny);
  std::vector<policy::Finding> findings(40, MakeFinding("private-link", FindingResult::kNonCompliant));
  for (policy::Finding& finding : findings) {
    finding.evidence.assign(8, {std::string(250, 'f'), "\"" + std::string(250, 'a') + "\"", std::string(250, 'e'), true});
    c.decision.images[0].findings.push_back({&finding, Effect::kDeny, "", "", false});
  }
  const std::string text = c.Make().json;
  EXPECT_LE(text.size(), kMaxRecordBytes);
  const json record = json::parse(text);
  ASSERT_EQ(record["images"].size(), 1u);
  EXPECT_EQ(record["images"][0]["findings"].size(), 40u);
  EXPECT_EQ(record["images"][0]["findings"][0]["evidence"], json::array());
  EXPECT_EQ(record["images"][0]["evidenceOmitted"], true);
  EXPECT_FALSE(record.contains("imagesOmitted"));
}

TEST(Record, StaysWithinItsLimitWhenEveryTextIsHuge) {
  const std::string huge(100'000, '\x01');  // six bytes each when escaped
  Case c;
  c.texts.reserve(50);
  c.AddImages(50, huge, Effect::kDeny);
  for (policy::ImageDecision& image : c.decision.images) {
    image.registry = huge;
  }
  for (std::string_view* text :
       {&c.admission.uid, &c.admission.operation, &c.admission.group, &c.admission.version, &c.admission.kind, &c.admission.subresource,
        &c.admission.namespace_name, &c.admission.name, &c.admission.user, &c.admission.owner_kind, &c.admission.owner_name,
        &c.admission.owner_uid, &c.admission.owner_api_version, &c.context.cluster, &c.context.replica, &c.context.peer,
        &c.context.client_certificate, &c.context.message}) {
    *text = huge;
  }
  const std::vector<std::string> warnings(1000, huge);
  c.context.warnings = warnings;
  c.admission.problem = huge;
  c.admission.mirror_pod = c.admission.template_changed = true;
  std::vector<policy::Finding> findings(100, MakeFinding(huge, FindingResult::kNonCompliant));
  for (policy::Finding& finding : findings) {
    finding.rule = huge;
    c.decision.images[49].findings.push_back({&finding, Effect::kDeny, huge, huge, false});
  }
  c.policy.digest = huge;
  c.admission.groups.assign(1000, huge);
  const Record record = c.Make();
  EXPECT_LE(record.json.size(), kMaxRecordBytes);
  ASSERT_TRUE(json::accept(record.json));
  EXPECT_GE(json::parse(record.json)["images"].size(), 1u);
  EXPECT_LE(record.uid.size(), 256u);
  EXPECT_LE(record.user.size(), 1024u);
  EXPECT_LE(record.registries.size(), 8192u);
}

TEST(Record, LongTextsAreCutAtACharacter) {
  std::string user;
  while (user.size() < 3000) {
    user += "é";
  }
  Case c;
  c.admission.user = user;
  const std::string written = json::parse(c.Make().json)["user"];
  EXPECT_LE(written.size(), 1024u);
  EXPECT_GT(written.size(), 1000u);
  EXPECT_EQ(written.substr(written.size() - 3), "…");
  EXPECT_EQ(written.find("\xef\xbf\xbd"), std::string::npos);
}

TEST(Record, GroupsBeyondTheirShareAreCounted) {
  const std::string group(100, 'g');
  Case c;
  c.admission.groups.assign(500, group);
  const json record = json::parse(c.Make().json);
  EXPECT_GT(record["groups"].size(), 50u);
  EXPECT_EQ(record["groupsOmitted"], 500 - record["groups"].size());
}

}  // namespace
}  // namespace audit
