#include "state/merge.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

constexpr const char* kTokensDisabled = R"({"name": "tokens", "properties": {"mode": "All", "policyRule": {
    "if": {"field": "Microsoft.ContainerRegistry/registries/tokens/status", "notEquals": "disabled"}, "then": {"effect": "deny"}}}})";

std::string Tokens(const std::string& status) {
  return nlohmann::json::array({{{"id", IdOf("contoso") + "/tokens/ci"}, {"name", "ci"}, {"properties", {{"status", status}}}}}).dump();
}

policy::ChildList Good(base::Time observed, const std::string& status = "disabled") { return {observed, Tokens(status), ""}; }
policy::ChildList Bad(base::Time observed) { return {observed, "", "403"}; }

class MergeChildrenTest : public MergeTest {
 protected:
  MergeChildrenTest() {
    policy::DefinitionSet set = policy::DefinitionSet::WithBuiltIns();
    EXPECT_TRUE(set.Add(*policy::ParseDefinition(kTokensDisabled, "tokens.json", "tokens")));
    policy_ = *policy::LoadPolicy(
        "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n"
        "requirements: [{definition: tokens, effect: Deny}, {definition: public-network-access-disabled, effect: Deny}]\n",
        "policy.yaml", set);
    See(RegistryOf("contoso", false, kNow - seconds(60)));
  }

  void SeeTokens(policy::ChildList list, const std::string& group = "rg") {
    policy::Observations learned;
    learned.children.push_back({"contoso.azurecr.io", IdOf("contoso", group), {{"tokens", std::move(list)}}});
    Learn(std::move(learned));
  }
};

TEST_F(MergeChildrenTest, ListsAreJudgedWhenTheyCome) {
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kUnknown);
  EXPECT_TRUE(Find("contoso")->lacks_children);
  EXPECT_EQ(Find("contoso")->observed(), kNow - seconds(60));
  SeeTokens(Good(kNow - hours(1)));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant);
  EXPECT_EQ(Find("contoso")->verdict.at(0).last_compliant, kNow - hours(1)) << "as old as the list";
  EXPECT_EQ(Find("contoso")->verdict.at(1).last_compliant, kNow - seconds(60)) << "as old as the registry";
  EXPECT_FALSE(Find("contoso")->lacks_children);
  EXPECT_EQ(Find("contoso")->observed(), kNow - hours(1)) << "the oldest of what is judged";
  EXPECT_EQ(Find("contoso")->registry.observed, kNow - seconds(60));
  SeeTokens(Good(kNow, "enabled"));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kNonCompliant);
  EXPECT_EQ(Find("contoso")->verdict.at(0).last_compliant, kNow - hours(1));
}

TEST_F(MergeChildrenTest, TheSameListsKeepTheVerdictAtTheirNewAge) {
  SeeTokens(Good(kNow - hours(1)));
  SeeTokens(Good(kNow));
  EXPECT_EQ(Find("contoso")->verdict.at(0).last_compliant, kNow);
  EXPECT_EQ(Find("contoso")->observed(), kNow - seconds(60));
}

TEST_F(MergeChildrenTest, ARegistryThatComesWithoutKeepsWhatIsKnown) {
  SeeTokens(Good(kNow - seconds(90)));
  See(RegistryOf("contoso", true, kNow));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant);
  EXPECT_EQ(Find("contoso")->verdict.at(1).result, policy::FindingResult::kNonCompliant);
  EXPECT_EQ(Find("contoso")->observed(), kNow - seconds(90));
}

TEST_F(MergeChildrenTest, AnotherResourceHasOtherChildren) {
  SeeTokens(Good(kNow));
  See(RegistryOf("contoso", false, kNow, "moved"));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kUnknown);
  EXPECT_EQ(Find("contoso")->registry.children, nullptr);
  SeeTokens(Good(kNow));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kUnknown) << "of the one that was moved away";
  SeeTokens(Good(kNow), "MOVED");
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant);
}

TEST_F(MergeChildrenTest, ListsOfARegistryThatIsNotKnownAreNotKept) {
  Lose("contoso", kNow);
  SeeTokens(Good(kNow));
  EXPECT_THAT(Find("contoso"), IsNull());
}

TEST_F(MergeChildrenTest, AFailureHidesNoGoodList) {
  SeeTokens(Bad(kNow - seconds(50)));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kUnknown);
  EXPECT_THAT(Find("contoso")->verdict.at(0).reason, ::testing::HasSubstr("403"));
  SeeTokens(Good(kNow - seconds(70)));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant);
  SeeTokens(Bad(kNow));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant);
  EXPECT_EQ(Find("contoso")->observed(), kNow - seconds(70)) << "at its true age";
}

TEST_F(MergeChildrenTest, ListsThatComeWithARegistryAreMergedToo) {
  policy::Registry registry = RegistryOf("contoso", false, kNow - seconds(30));
  registry.children = std::make_shared<const policy::ChildLists>(policy::ChildLists{{"tokens", Good(kNow - seconds(30))}});
  See(registry);
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant);
  registry.observed = kNow - seconds(40);  // overtaken, but with a later list
  registry.children = std::make_shared<const policy::ChildLists>(policy::ChildLists{{"tokens", Good(kNow - seconds(20), "enabled")}});
  See(registry);
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kNonCompliant);
  EXPECT_EQ(Find("contoso")->registry.observed, kNow - seconds(30));
}

// Whatever is read of one kind, and in whatever order it comes: the latest good list stands, or the latest failure when there is none.
TEST_F(MergeChildrenTest, TheOrderOfReadingsDoesNotMatter) {
  struct Reading {
    bool good;
    int age;
  };
  for (unsigned kinds = 0; kinds < 16; ++kinds) {
    std::vector<Reading> readings;
    for (int i = 0; i < 4; ++i) {
      readings.push_back({(kinds >> static_cast<unsigned>(i) & 1U) != 0, 10 * i});
    }
    std::vector<std::size_t> order = {0, 1, 2, 3};
    do {
      std::shared_ptr<const policy::ChildLists> known;
      for (const std::size_t i : order) {
        const base::Time at = kNow - seconds(readings[i].age);
        policy::ChildLists lists{{"tokens", readings[i].good ? Good(at) : Bad(at)}};
        known = MergeChildren(known, std::make_shared<const policy::ChildLists>(std::move(lists)), kNow);
      }
      const auto best = std::ranges::find_if(readings, &Reading::good);
      const Reading expected = best == readings.end() ? readings.front() : *best;
      EXPECT_EQ(known->at("tokens").observed, kNow - seconds(expected.age));
      EXPECT_EQ(known->at("tokens").problem.empty(), expected.good);
    } while (std::ranges::next_permutation(order).found);
  }
}

TEST_F(MergeChildrenTest, ListsOfDifferentKindsStandBesideEachOther) {
  const auto lists = [](policy::ChildLists all) { return std::make_shared<const policy::ChildLists>(std::move(all)); };
  const auto known = lists({{"tokens", Good(kNow)}, {"webhooks", Good(kNow - hours(1))}});
  const auto merged = MergeChildren(known, lists({{"webhooks", Good(kNow)}, {"cacheRules", Bad(kNow)}}), kNow);
  EXPECT_EQ(merged->size(), 3U);
  EXPECT_EQ(merged->at("webhooks").observed, kNow);
  EXPECT_EQ(MergeChildren(known, lists({{"tokens", Bad(kNow)}}), kNow), known) << "no news";
  EXPECT_EQ(MergeChildren(known, nullptr, kNow), known);
  EXPECT_EQ(MergeChildren(nullptr, known, kNow), known);
  EXPECT_EQ(MergeChildren(lists({{"tokens", Good(kNow + hours(1))}}), known, kNow)->at("tokens").observed, kNow) << "the future gives way";
}

TEST_F(MergeChildrenTest, ASavedInventoryBringsItsLists) {
  const auto saved_at = [](base::Time observed) {
    auto one = std::make_shared<policy::RegistryFacts>();
    one->registry = RegistryOf("contoso", false, observed);
    one->registry.children = std::make_shared<const policy::ChildLists>(policy::ChildLists{{"tokens", Good(observed)}});
    policy::Facts saved;
    saved.Add(std::move(one));
    return saved;
  };
  facts_ = MergeSaved(std::move(facts_), saved_at(kNow - hours(2)), *policy_, kNow);
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kCompliant) << "the registry is known later, its tokens were not";
  EXPECT_EQ(Find("contoso")->registry.observed, kNow - seconds(60));
  EXPECT_EQ(Find("contoso")->observed(), kNow - hours(2));
  SeeTokens(Good(kNow, "enabled"));
  facts_ = MergeSaved(std::move(facts_), saved_at(kNow - seconds(30)), *policy_, kNow);
  EXPECT_EQ(Find("contoso")->registry.observed, kNow - seconds(30));
  EXPECT_EQ(Result("contoso"), policy::FindingResult::kNonCompliant) << "the later list stays";
}

TEST_F(MergeChildrenTest, KnownChildrenAreGivenToTheSameResourceAlone) {
  SeeTokens(Good(kNow - hours(1)));
  std::vector<policy::Registry> read = {RegistryOf("contoso", false, kNow), RegistryOf("fabrikam", false, kNow)};
  TakeKnownChildren(read, facts_, kNow);
  ASSERT_THAT(read[0].children, NotNull());
  EXPECT_EQ(read[0].children->at("tokens").observed, kNow - hours(1));
  EXPECT_THAT(read[1].children, IsNull());
  read = {RegistryOf("contoso", false, kNow, "moved")};
  TakeKnownChildren(read, facts_, kNow);
  EXPECT_THAT(read[0].children, IsNull());
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
  const base::SharedText rule =
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
