#include "scan/registry_compliance.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/decision_world.h"

namespace scan {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class RegistryCompliance : public ::testing::Test {
 protected:
  RegistryCompliance() {
    facts_.registry = {"contoso.azurecr.io", "contoso", policy::kContosoId, world_.now - 30s, "{}"};
    facts_.verdict = {policy::Compliant("customer-managed-key"), policy::NonCompliant("private-link")};
  }

  json Make(const json& stored = nullptr) const { return MakeComplianceStatus(facts_, world_.policy, usage_, stored, world_.now); }

  policy::World world_;
  policy::RegistryFacts facts_;
  Usage usage_{.workloads = 12, .pods = 40, .namespaces = {}};
};

std::string After(base::Time time) { return base::FormatTimeSeconds(time); }

TEST_F(RegistryCompliance, TellsEachRequirementInAConditionOfItsName) {
  const std::string now = After(world_.now);
  EXPECT_EQ(
      Make(),
      (json{
          {"apiVersion", "acr-admission.io/v1alpha1"},
          {"kind", "RegistryCompliance"},
          {"metadata", {{"name", "contoso.azurecr.io"}, {"labels", {{"app.kubernetes.io/managed-by", "acr-admission"}}}}},
          {"status",
           {{"loginServer", "contoso.azurecr.io"},
            {"observed", After(world_.now - 30s)},
            {"workloads", 12},
            {"pods", 40},
            {"conditions",
             {{{"type", "Compliant"},
               {"status", "False"},
               {"reason", "NonCompliant"},
               {"message", "does not meet private-link"},
               {"lastTransitionTime", now}},
              {{"type", "customer-managed-key"}, {"status", "True"}, {"reason", "Compliant"}, {"message", ""}, {"lastTransitionTime", now}},
              {{"type", "private-link"},
               {"status", "False"},
               {"reason", "NonCompliant"},
               {"message",
                "privateEndpointConnections[*] where status is Approved is 0 (expected at least 1); to mend: az acr update "
                "--name contoso --public-network-enabled false"},
               {"lastTransitionTime", now}}}}}}}));
}

TEST_F(RegistryCompliance, ResourceIdsAreShownWhereMessagesAreFull) {
  EXPECT_FALSE(Make()["status"].contains("resourceId"));
  world_.policy.messages = policy::MessageDetail::kFull;
  EXPECT_EQ(Make()["status"]["resourceId"], policy::kContosoId);
}

TEST_F(RegistryCompliance, WhatIsBadIsNotMadeUnknownByWhatIsUnknown) {
  facts_.verdict.push_back(policy::Unknown("team-tag"));
  EXPECT_EQ(Make()["status"]["conditions"][0]["status"], "False");
  EXPECT_EQ(Make()["status"]["conditions"][0]["message"], "does not meet private-link; could not be judged by team-tag");
  facts_.verdict = {policy::Compliant("customer-managed-key"), policy::Unknown("team tag/é")};
  const json unknown = Make()["status"]["conditions"];
  EXPECT_EQ(unknown[0]["status"], "Unknown");
  EXPECT_EQ(unknown[0]["reason"], "CannotTell");
  EXPECT_EQ(unknown[2]["type"], "team_tag___");
  EXPECT_EQ(unknown[2]["message"], "the body has no member \"encryption\"");
  facts_.verdict = {policy::Compliant("customer-managed-key")};
  EXPECT_EQ(Make()["status"]["conditions"][0]["message"], "meets all requirements");
}

TEST_F(RegistryCompliance, NoTwoConditionsAreOfOneType) {
  facts_.verdict = {policy::Compliant("team tag"), policy::NonCompliant("team_tag"), policy::Unknown("Compliant")};
  std::set<std::string> types;
  const json object = Make();
  for (const json& condition : object["status"]["conditions"]) {
    types.insert(condition["type"].get<std::string>());
  }
  EXPECT_EQ(types, (std::set<std::string>{"Compliant", "team_tag", "team_tag_", "Compliant_"}));
}

TEST_F(RegistryCompliance, IsTheSameWhileNothingChanges) {
  const json first = Make();
  world_.now += 59min;
  facts_.registry.observed += 59min;
  EXPECT_EQ(Make(first), first);
  world_.now += 1min;
  facts_.registry.observed += 1min;
  json later = first;
  later["status"]["observed"] = After(facts_.registry.observed);
  EXPECT_EQ(Make(first), later);
}

TEST_F(RegistryCompliance, OnlyWhatTurnedHasANewTime) {
  const json first = Make();
  world_.now += 10min;
  facts_.verdict[0] = policy::NonCompliant("customer-managed-key");
  const json second = Make(first)["status"];
  EXPECT_EQ(second["conditions"][0]["lastTransitionTime"], After(world_.now - 10min));
  EXPECT_EQ(second["conditions"][1]["lastTransitionTime"], After(world_.now));
  EXPECT_EQ(second["conditions"][2]["lastTransitionTime"], After(world_.now - 10min));
  EXPECT_EQ(second["observed"], After(facts_.registry.observed));
}

TEST_F(RegistryCompliance, AClockThatWasWrongIsNotKept) {
  json first = Make();
  first["status"]["observed"] = "2031-01-01T00:00:00Z";
  EXPECT_EQ(Make(first)["status"]["observed"], After(facts_.registry.observed));
}

TEST_F(RegistryCompliance, AStoredOneOfAnyShapeIsNoTrouble) {
  for (const char* stored : {"7", "{}", R"({"status": 7})", R"({"status": {"conditions": 7, "observed": 7}})",
                             R"({"status": {"conditions": [7, {}, {"type": "Compliant", "status": "False"}]}})"}) {
    EXPECT_EQ(Make(json::parse(stored)), Make()) << stored;
  }
}

}  // namespace
}  // namespace scan
