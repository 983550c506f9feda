#include "state/merge.h"

#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "state/load.h"

namespace state {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::IsNull;
using ::testing::NotNull;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();

std::string IdOf(const std::string& name, const std::string& group = "rg") {
  return "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/" + group +
         "/providers/Microsoft.ContainerRegistry/registries/" + name;
}

policy::Registry RegistryOf(const std::string& name, bool open, base::Time observed, const std::string& group = "rg") {
  std::ifstream file(ACR_TEST_DATA "/registries/premium_open_2023-11-01-preview.json");
  nlohmann::json body = nlohmann::json::parse(file);
  body["name"] = name;
  body["id"] = IdOf(name, group);
  body["properties"]["loginServer"] = name + ".azurecr.io";
  body["properties"]["publicNetworkAccess"] = open ? "Enabled" : "Disabled";
  return {name + ".azurecr.io", name, IdOf(name, group), observed, body.dump()};
}

class MergeTest : public ::testing::Test {
 protected:
  MergeTest() {
    policy_ = *policy::LoadPolicy(
        "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n"
        "requirements: [{definition: public-network-access-disabled, effect: Deny}]\n",
        "policy.yaml", policy::DefinitionSet::WithBuiltIns());
  }

  void Learn(policy::Observations learned) { facts_ = Merge(std::move(facts_), std::move(learned), *policy_, kNow); }
  void See(policy::Registry registry) { Learn({{std::move(registry)}, {}, false}); }
  void Lose(const std::string& name, base::Time asked, const std::string& group = "rg") {
    Learn({{}, {{name + ".azurecr.io", IdOf(name, group), asked}}, false});
  }

  const policy::RegistryFacts* Find(const std::string& name) const { return facts_.Find(name + ".azurecr.io"); }
  policy::FindingResult Result(const std::string& name) const { return Find(name)->verdict.at(0).result; }

  std::shared_ptr<const policy::Policy> policy_;
  policy::Facts facts_;
};

TEST_F(MergeTest, JudgesWhatWasObservedAndKeepsTheRest) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  const auto before = facts_.FindShared("contoso.azurecr.io");
  See(RegistryOf("fabrikam", true, kNow));
  EXPECT_EQ(Result("fabrikam"), policy::FindingResult::kNonCompliant);
  EXPECT_EQ(facts_.FindShared("contoso.azurecr.io"), before);
}

TEST_F(MergeTest, ANewerObservationReplacesAnOlderOneAndRemembersCompliance) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  See(RegistryOf("contoso", true, kNow - seconds(10)));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kNonCompliant);
  EXPECT_EQ(Find("contoso")->verdict.at(0).last_compliant, kNow - seconds(60));
}

TEST_F(MergeTest, AnAnswerThatWasOvertakenChangesNothing) {
  See(RegistryOf("contoso", true, kNow - seconds(5)));
  See(RegistryOf("contoso", false, kNow - seconds(6)));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kNonCompliant);
  EXPECT_EQ(Find("contoso")->registry.observed, kNow - seconds(5));
}

TEST_F(MergeTest, TheSameBodyKeepsItsVerdictAtItsNewAge) {
  See(RegistryOf("contoso", false, kNow - hours(1)));
  See(RegistryOf("contoso", false, kNow));
  EXPECT_EQ(Find("contoso")->registry.observed, kNow);
  EXPECT_EQ(Find("contoso")->verdict.at(0).last_compliant, kNow);
}

TEST_F(MergeTest, FactsFromTheFutureGiveWay) {
  See(RegistryOf("contoso", false, kNow + hours(1)));  // by a clock that has been set back since
  See(RegistryOf("contoso", true, kNow));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kNonCompliant);
}

TEST_F(MergeTest, WhatIsGoneIsUnknownAtOnce) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  Lose("contoso", kNow);
  EXPECT_THAT(Find("contoso"), IsNull());
}

TEST_F(MergeTest, ALoginServerThatIsAnotherResourcesByNowStays) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  See(RegistryOf("contoso", false, kNow - seconds(30), "moved"));
  Lose("contoso", kNow);
  ASSERT_THAT(Find("contoso"), NotNull());
  EXPECT_EQ(Find("contoso")->registry.resource_id, IdOf("contoso", "moved"));
}

TEST_F(MergeTest, WhatWasSeenAfterItWasMissedStays) {
  See(RegistryOf("contoso", false, kNow));
  Lose("contoso", kNow - seconds(1));
  EXPECT_THAT(Find("contoso"), NotNull());
}

TEST_F(MergeTest, ResourceIdsAreComparedWithoutRegardToCase) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  Lose("contoso", kNow, "RG");
  EXPECT_THAT(Find("contoso"), IsNull());
}

// Azure Policy's states of public-network-access-disabled, read at some time.
policy::Observations StatesAt(base::Time asked, const std::map<std::string, policy::ComplianceState>& by_name,
                              const std::string& subscription = "00000000-0000-0000-0000-000000000001") {
  policy::SubscriptionStates states{subscription, asked, {}};
  for (const auto& [name, state] : by_name) {
    states.registries[base::AsciiLower(IdOf(name))]
                     ["/providers/microsoft.authorization/policydefinitions/0fdf0491-d080-4575-b627-ad0e843cba0f"] = {state,
                                                                                                                      asked - hours(5)};
  }
  policy::Observations learned;
  learned.states.push_back(std::move(states));
  return learned;
}

TEST_F(MergeTest, StatesStandBesideTheFindingsAndStayWhenTheRegistryIsReadAgain) {
  See(RegistryOf("Contoso", false, kNow - seconds(60)));
  Learn(StatesAt(kNow - seconds(50), {{"contoso", policy::ComplianceState::kNonCompliant}}));
  for (const bool open : {false, false, true}) {  // the same body, and another
    ASSERT_TRUE(Find("Contoso")->verdict.at(0).azure);
    EXPECT_EQ(Find("Contoso")->verdict.at(0).azure->state, policy::ComplianceState::kNonCompliant);
    EXPECT_EQ(Find("Contoso")->verdict.at(0).azure->time, kNow - seconds(50) - hours(5));
    See(RegistryOf("Contoso", open, kNow));
  }
  EXPECT_EQ(Result("Contoso"), policy::FindingResult::kNonCompliant) << "judged anew beside them";
  EXPECT_EQ(Find("Contoso")->verdict.at(0).last_compliant, kNow);
}

TEST_F(MergeTest, StatesOfASubscriptionAreOfAllItsRegistriesAndOfNoOther) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  See(RegistryOf("fabrikam", false, kNow - seconds(60)));
  Learn(StatesAt(kNow - seconds(50), {{"contoso", policy::ComplianceState::kCompliant}}));
  ASSERT_THAT(Find("fabrikam")->states, NotNull());
  EXPECT_EQ(Find("fabrikam")->verdict.at(0).azure, std::nullopt);
  Learn(StatesAt(kNow - seconds(40), {{"contoso", policy::ComplianceState::kNonCompliant}}, "00000000-0000-0000-0000-000000000002"));
  EXPECT_EQ(Find("contoso")->verdict.at(0).azure->state, policy::ComplianceState::kCompliant);
  Learn(StatesAt(kNow - seconds(30), {}));
  EXPECT_EQ(Find("contoso")->verdict.at(0).azure, std::nullopt) << "no longer assigned";
}

TEST_F(MergeTest, StatesThatWereOvertakenChangeNothing) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  Learn(StatesAt(kNow - seconds(5), {{"contoso", policy::ComplianceState::kCompliant}}));
  Learn(StatesAt(kNow - seconds(6), {{"contoso", policy::ComplianceState::kNonCompliant}}));
  EXPECT_EQ(Find("contoso")->verdict.at(0).azure->state, policy::ComplianceState::kCompliant);
}

TEST_F(MergeTest, AnotherResourceDoesNotInheritStates) {
  See(RegistryOf("contoso", false, kNow - seconds(60)));
  Learn(StatesAt(kNow - seconds(50), {{"contoso", policy::ComplianceState::kCompliant}}));
  See(RegistryOf("contoso", false, kNow, "moved"));
  EXPECT_THAT(Find("contoso")->states, IsNull());
  EXPECT_EQ(Find("contoso")->verdict.at(0).azure, std::nullopt);
}

TEST_F(MergeTest, ComplianceByAzurePolicyIsAsOldAsItsReading) {
  policy_ = *policy::LoadPolicy(
      "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n"
      "requirements: [{definition: public-network-access-disabled, source: azurePolicy}]\n",
      "policy.yaml", policy::DefinitionSet::WithBuiltIns(), {}, true);
  See(RegistryOf("contoso", true, kNow - seconds(60)));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kUnknown);
  Learn(StatesAt(kNow - seconds(50), {{"contoso", policy::ComplianceState::kCompliant}}));
  See(RegistryOf("contoso", true, kNow));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant);
  EXPECT_EQ(Find("contoso")->verdict.at(0).last_compliant, kNow - seconds(50));
}

TEST_F(MergeTest, TakesOfASavedInventoryWhatIsMissingOrLater) {
  const auto saved_at = [this](const std::string& name, bool open, base::Time observed) {
    policy::Observations learned;
    learned.present.push_back(RegistryOf(name, open, observed));
    return Merge({}, std::move(learned), *policy_, kNow).FindShared(name + ".azurecr.io");
  };
  See(RegistryOf("later", true, kNow - seconds(10)));
  See(RegistryOf("earlier", true, kNow - seconds(30)));
  policy::Facts saved;
  for (const char* name : {"later", "earlier", "missing"}) {
    saved.Add(saved_at(name, /*open=*/false, kNow - seconds(20)));
  }
  facts_ = MergeSaved(std::move(facts_), saved, *policy_, base::Time());
  EXPECT_EQ(Result("later"), policy::FindingResult::kNonCompliant);
  EXPECT_EQ(Result("earlier"), policy::FindingResult::kCompliant);
  EXPECT_EQ(Result("missing"), policy::FindingResult::kCompliant);
  EXPECT_EQ(Find("missing")->registry.observed, kNow - seconds(20)) << "at its true age";
}

TEST_F(MergeTest, ASavedInventoryBringsItsMemoryOfCompliance) {
  auto remembered = std::make_shared<policy::RegistryFacts>();
  remembered->registry = RegistryOf("contoso", /*open=*/true, kNow - seconds(20));
  const std::string rule =
      JudgeOne(remembered->registry, *policy_, nullptr, false, base::Time(), policy::HiddenMembers::kAsAzure)->verdict.at(0).rule;
  policy::Finding met;
  met.requirement = "public-network-access-disabled";
  met.rule = rule;
  met.last_compliant = kNow - hours(1);
  remembered->verdict = {met};
  policy::Facts saved;
  saved.Add(remembered);
  facts_ = MergeSaved(std::move(facts_), saved, *policy_, base::Time());
  EXPECT_EQ(Find("contoso")->verdict.at(0).last_compliant, kNow - hours(1));
}

}  // namespace
}  // namespace state
