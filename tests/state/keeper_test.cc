#include "state/keeper.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace state {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr std::string_view kPolicy = R"(apiVersion: acr-admission.io/v1
kind: RegistryPolicy
requirements:
  - definition: public-network-access-disabled
    effect: Deny
)";

constexpr std::string_view kOtherPolicy = R"(apiVersion: acr-admission.io/v1
kind: RegistryPolicy
requirements:
  - definition: admin-account-disabled
    effect: Warn
)";

std::string Registry(const std::string& name, const std::string& public_network_access) {
  std::ifstream file(ACR_TEST_DATA "/registries/premium_open_2023-11-01-preview.json");
  nlohmann::json body = nlohmann::json::parse(file);
  body["name"] = name;
  body["id"] = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name;
  body["properties"]["loginServer"] = name + ".azurecr.io";
  body["properties"]["publicNetworkAccess"] = public_network_access;
  return body.dump();
}

// What Azure Policy says of a registry by kPolicy's definition.
policy::Observations StatesOf(const policy::Registry& registry, policy::ComplianceState state, base::Time asked) {
  policy::Observations learned;
  learned.states.push_back(
      {"0",
       asked,
       {{base::AsciiLower(registry.resource_id),
         {{"/providers/microsoft.authorization/policydefinitions/0fdf0491-d080-4575-b627-ad0e843cba0f", {state, asked}}}}}});
  return learned;
}

class KeeperTest : public ::testing::Test {
 protected:
  KeeperTest() {
    temp_.Write("policy.yaml", kPolicy);
    WriteInventory({Registry("contoso", "Enabled")}, clock_.Now());
  }

  void WriteInventory(const std::vector<std::string>& registries, base::Time modified) {
    std::string text = "[";
    for (const std::string& registry : registries) {
      text += (text.size() > 1 ? "," : "") + registry;
    }
    temp_.Write("registries.json", text + "]");
    SetModified(modified);
  }
  void SetModified(base::Time modified) {
    std::filesystem::last_write_time(temp_ / "registries.json", std::chrono::file_clock::from_sys(modified));
  }

  KeeperOptions Options() const { return {temp_ / "policy.yaml", "", temp_ / "registries.json"}; }

  // "name: result of the first requirement"
  static std::string Verdict(const State& state, const std::string& name) {
    const policy::RegistryFacts* const facts = state.facts.Find(name + ".azurecr.io");
    if (facts == nullptr) {
      return "unknown registry";
    }
    return facts->verdict.at(0).requirement + " " + std::string(policy::ToString(facts->verdict.at(0).result));
  }
  std::string Verdict(const std::string& name) const { return Verdict(*keeper_.states().Current(), name); }
  std::uint64_t Generation() const { return keeper_.states().Current()->generation; }

  support::TempFolder temp_;
  support::FakeClock clock_;
  std::vector<std::string> logged_;
  Keeper keeper_{Options(), clock_, [this](base::LogLevel, std::string_view message) { logged_.emplace_back(message); }};
};

TEST_F(KeeperTest, PublishesTheFirstState) {
  EXPECT_EQ(keeper_.states().Current(), nullptr);
  ASSERT_TRUE(keeper_.Start());
  EXPECT_EQ(Generation(), 1U);
  EXPECT_TRUE(keeper_.states().Current()->primed);
  EXPECT_EQ(Verdict("contoso"), "public-network-access-disabled NonCompliant");
  const Status status = keeper_.status();
  EXPECT_TRUE(status.primed);
  EXPECT_EQ(status.registries, 1U);
  EXPECT_EQ(status.generation, 1U);
  EXPECT_THAT(status.policy_digest, HasSubstr("sha256:"));
  EXPECT_EQ(status.policy_loaded, clock_.Now());
  EXPECT_EQ(status.inventory_observed, clock_.Now());
  EXPECT_EQ(status.policy_problem, std::nullopt);
  EXPECT_EQ(status.inventory_problem, std::nullopt);
}

TEST_F(KeeperTest, DoesNotStartWithABadPolicy) {
  temp_.Write("policy.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nfoo: bar\n");
  const auto started = keeper_.Start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, AllOf(HasSubstr("policy.yaml:3:"), HasSubstr("foo")));
}

TEST_F(KeeperTest, StartsWithTheLastGoodPolicyWhereItsOwnIsBad) {
  temp_.Write("policy.yaml", "apiVersion: wrong\n");
  const auto started = keeper_.Start({[] { return PolicyTexts{std::string(kOtherPolicy), {}}; }});
  ASSERT_TRUE(started) << started.error().ToString();
  EXPECT_EQ(Verdict("contoso").substr(0, 22), "admin-account-disabled");
  EXPECT_TRUE(keeper_.status().policy_last_good);
  EXPECT_THAT(keeper_.status().policy_problem, Optional(HasSubstr("policy.yaml")));
  EXPECT_EQ(keeper_.good_policy(), nullptr);

  temp_.Write("policy.yaml", kPolicy);
  keeper_.Poll();
  EXPECT_FALSE(keeper_.status().policy_last_good);
  EXPECT_EQ(keeper_.status().policy_problem, std::nullopt);
  EXPECT_EQ(Verdict("contoso"), "public-network-access-disabled NonCompliant");
  ASSERT_NE(keeper_.good_policy(), nullptr);
  EXPECT_EQ(*keeper_.good_policy(), (PolicyTexts{std::string(kPolicy), {}}));
}

TEST_F(KeeperTest, TheLastGoodPolicyMustBeGood) {
  temp_.Write("policy.yaml", "apiVersion: wrong\n");
  const auto started = keeper_.Start({[] { return PolicyTexts{std::string(kPolicy), {{"own.json", "{"}}}; }});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, AllOf(HasSubstr("policy.yaml:1:"), HasSubstr("own.json")));
  EXPECT_EQ(keeper_.states().Current(), nullptr);
}

TEST_F(KeeperTest, AsksForTheLastGoodPolicyOnlyWhenItIsNeeded) {
  bool asked = false;
  ASSERT_TRUE(keeper_.Start({[&asked]() -> base::Result<PolicyTexts> {
    asked = true;
    return PolicyTexts{};
  }}));
  EXPECT_FALSE(asked);
}

TEST_F(KeeperTest, StartsWithoutAnInventoryAndTakesItWhenItComes) {
  std::filesystem::remove(temp_ / "registries.json");
  ASSERT_TRUE(keeper_.Start());
  EXPECT_FALSE(keeper_.states().Current()->primed);
  EXPECT_THAT(keeper_.status().inventory_problem, Optional(HasSubstr("registries.json")));

  WriteInventory({Registry("contoso", "Disabled")}, clock_.Now());
  keeper_.Poll();

  EXPECT_TRUE(keeper_.states().Current()->primed);
  EXPECT_EQ(Verdict("contoso"), "public-network-access-disabled Compliant");
  EXPECT_EQ(keeper_.status().inventory_problem, std::nullopt);
}

TEST_F(KeeperTest, PublishesNothingWhenNothingChanged) {
  ASSERT_TRUE(keeper_.Start());
  const auto before = keeper_.states().Current();
  keeper_.Poll();
  EXPECT_EQ(keeper_.states().Current(), before);
}

TEST_F(KeeperTest, JudgesAnewWhenTheInventoryChanges) {
  ASSERT_TRUE(keeper_.Start());
  WriteInventory({Registry("contoso", "Disabled"), Registry("fabrikam", "Enabled")}, clock_.Now());
  keeper_.Poll();
  EXPECT_EQ(Generation(), 2U);
  EXPECT_EQ(Verdict("contoso"), "public-network-access-disabled Compliant");
  EXPECT_EQ(Verdict("fabrikam"), "public-network-access-disabled NonCompliant");
  EXPECT_EQ(keeper_.status().inventory_reloads, 1U);

  WriteInventory({Registry("fabrikam", "Enabled")}, clock_.Now());
  keeper_.Poll();
  EXPECT_EQ(Verdict("contoso"), "unknown registry");
}

TEST_F(KeeperTest, JudgesAnewWhenThePolicyChanges) {
  ASSERT_TRUE(keeper_.Start());
  const std::string digest = keeper_.status().policy_digest;
  temp_.Write("policy.yaml", kOtherPolicy);
  keeper_.Poll();
  EXPECT_EQ(Generation(), 2U);
  EXPECT_THAT(Verdict("contoso"), HasSubstr("admin-account-disabled"));
  EXPECT_NE(keeper_.status().policy_digest, digest);
  EXPECT_EQ(keeper_.states().Current()->policy->digest, keeper_.status().policy_digest);
  EXPECT_EQ(keeper_.status().policy_reloads, 1U);
}

TEST_F(KeeperTest, LeavesAnOldGenerationAsItWas) {
  ASSERT_TRUE(keeper_.Start());
  const auto old = keeper_.states().Current();
  temp_.Write("policy.yaml", kOtherPolicy);
  WriteInventory({}, clock_.Now());
  keeper_.Poll();
  EXPECT_EQ(Verdict(*old, "contoso"), "public-network-access-disabled NonCompliant");
  EXPECT_EQ(Verdict("contoso"), "unknown registry");
}

TEST_F(KeeperTest, KeepsTheOldPolicyInForceWhenTheNewOneIsBad) {
  ASSERT_TRUE(keeper_.Start());
  temp_.Write("policy.yaml", "kind: [");
  keeper_.Poll();
  keeper_.Poll();
  EXPECT_EQ(Generation(), 1U);
  EXPECT_THAT(keeper_.status().policy_problem, Optional(HasSubstr("policy.yaml:1:")));
  EXPECT_EQ(keeper_.status().policy_failures, 1U);
  EXPECT_THAT(logged_, Contains(HasSubstr("policy not reloaded")).Times(1));

  temp_.Write("policy.yaml", kPolicy);
  keeper_.Poll();
  EXPECT_EQ(keeper_.status().policy_problem, std::nullopt);
}

TEST_F(KeeperTest, KeepsOldFactsAtTheirTrueAgeWhenTheInventoryIsBad) {
  ASSERT_TRUE(keeper_.Start());
  const base::Time observed = clock_.Now();
  clock_.Advance(std::chrono::hours(1));

  WriteInventory({"{"}, clock_.Now());
  keeper_.Poll();
  keeper_.Poll();
  EXPECT_THAT(keeper_.status().inventory_problem, Optional(HasSubstr("registries.json")));
  EXPECT_EQ(keeper_.status().inventory_failures, 1U);
  EXPECT_EQ(Verdict("contoso"), "public-network-access-disabled NonCompliant");

  std::filesystem::remove(temp_ / "registries.json");
  temp_.Write("policy.yaml", kOtherPolicy);  // also a new policy judges them at their age
  keeper_.Poll();
  EXPECT_EQ(keeper_.status().inventory_failures, 2U);
  EXPECT_EQ(keeper_.status().inventory_observed, observed);
  EXPECT_EQ(keeper_.states().Current()->facts.Find("contoso.azurecr.io")->registry.observed, observed);
  EXPECT_THAT(logged_, Contains(HasSubstr("the older facts stay in force")).Times(2));
}

TEST_F(KeeperTest, RenewsTheAgeWhenTheSameInventoryIsWrittenAgain) {
  ASSERT_TRUE(keeper_.Start());
  clock_.Advance(std::chrono::hours(1));
  WriteInventory({Registry("contoso", "Enabled")}, clock_.Now());
  keeper_.Poll();
  EXPECT_EQ(keeper_.states().Current()->facts.Find("contoso.azurecr.io")->registry.observed, clock_.Now());
  EXPECT_EQ(Verdict("contoso"), "public-network-access-disabled NonCompliant");
}

TEST_F(KeeperTest, DoesNotTakeAFileFromTheFutureForFresherThanNow) {
  SetModified(clock_.Now() + std::chrono::hours(24));
  ASSERT_TRUE(keeper_.Start());
  EXPECT_EQ(keeper_.states().Current()->facts.Find("contoso.azurecr.io")->registry.observed, clock_.Now());
  EXPECT_EQ(keeper_.status().inventory_observed, clock_.Now());
}

TEST_F(KeeperTest, RemembersWhenADriftedRegistryWasCompliant) {
  WriteInventory({Registry("contoso", "Disabled")}, clock_.Now());
  ASSERT_TRUE(keeper_.Start());
  clock_.Advance(std::chrono::hours(1));
  WriteInventory({Registry("contoso", "Disabled")}, clock_.Now());  // the same again: the verdict is shared
  keeper_.Poll();
  const base::Time last_good = clock_.Now();
  clock_.Advance(std::chrono::hours(1));
  WriteInventory({Registry("contoso", "Enabled")}, clock_.Now());
  keeper_.Poll();
  const policy::Finding& finding = keeper_.states().Current()->facts.Find("contoso.azurecr.io")->verdict.at(0);
  EXPECT_EQ(finding.result, policy::FindingResult::kNonCompliant);
  EXPECT_EQ(finding.last_compliant, last_good);
}

TEST_F(KeeperTest, NeedsNoFilesAtAll) {
  Keeper keeper(KeeperOptions{}, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(keeper.Start());
  EXPECT_FALSE(keeper.states().Current()->primed);
  EXPECT_THAT(keeper.states().Current()->policy->requirements, SizeIs(4));
  keeper.Poll();
  EXPECT_EQ(keeper.states().Current()->generation, 1U);
}

class KeeperWithDefinitionsTest : public KeeperTest {
 protected:
  KeeperWithDefinitionsTest() {
    std::filesystem::create_directory(temp_ / "definitions");
    temp_.Write("policy.yaml",
                "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n  - definition: sku\n    effect: Deny\n");
  }
  void WriteDefinition(std::string_view sku) {
    const nlohmann::json definition = {{"name", "11111111-2222-3333-4444-555555555555"},
                                       {"displayName", "SKU"},
                                       {"policyRule",
                                        {{"if",
                                          {{"allOf",
                                            {{{"field", "type"}, {"equals", "Microsoft.ContainerRegistry/registries"}},
                                             {{"field", "Microsoft.ContainerRegistry/registries/sku.name"}, {"notEquals", sku}}}}}},
                                         {"then", {{"effect", "deny"}}}}}};
    temp_.Write("definitions/sku.json", definition.dump());
  }
  KeeperOptions WithDefinitions() const { return {temp_ / "policy.yaml", temp_ / "definitions", temp_ / "registries.json"}; }

  Keeper with_definitions_{WithDefinitions(), clock_, [this](base::LogLevel, std::string_view message) { logged_.emplace_back(message); }};
  std::string SkuVerdict() const { return Verdict(*with_definitions_.states().Current(), "contoso"); }
};

TEST_F(KeeperWithDefinitionsTest, JudgesByADefinitionFileAndAnewWhenItChanges) {
  WriteDefinition("Premium");
  const auto started = with_definitions_.Start();
  ASSERT_TRUE(started) << started.error().ToString();
  EXPECT_EQ(SkuVerdict(), "sku Compliant");

  WriteDefinition("Basic");
  with_definitions_.Poll();
  EXPECT_EQ(SkuVerdict(), "sku NonCompliant");

  temp_.Write("definitions/sku.json", "{");
  with_definitions_.Poll();
  EXPECT_EQ(SkuVerdict(), "sku NonCompliant");
  EXPECT_THAT(with_definitions_.status().policy_problem, Optional(HasSubstr("sku.json")));

  std::filesystem::remove(temp_ / "definitions/sku.json");
  with_definitions_.Poll();
  EXPECT_THAT(with_definitions_.status().policy_problem, Optional(AllOf(HasSubstr("policy.yaml:4:"), HasSubstr("sku"))));
}

TEST_F(KeeperWithDefinitionsTest, LogsWhatAnInitiativeCameToWheneverThePolicyIsLoaded) {
  WriteDefinition("Premium");
  temp_.Write("definitions/base.json", R"({"policyDefinitions": [
      {"policyDefinitionId": "/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/11111111-2222-3333-4444-555555555555"},
      {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/vm", "policyDefinitionReferenceId": "vm"}]})");
  temp_.Write("policy.yaml", "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n  - initiative: base\n");
  ASSERT_TRUE(with_definitions_.Start());
  EXPECT_EQ(SkuVerdict(), "sku Compliant");
  EXPECT_THAT(logged_, Contains(HasSubstr("initiative base: 1 of 2 definitions judge registries here; not loaded")).Times(1));
  with_definitions_.Poll();
  EXPECT_THAT(logged_, Contains(HasSubstr("initiative base: ")).Times(1));
}

TEST_F(KeeperWithDefinitionsTest, JudgesAnewEachMinuteWhereADefinitionAsksForTheTime) {
  const nlohmann::json definition = {
      {"policyRule", {{"if", {{"value", "[utcNow()]"}, {"greaterOrEquals", "2026-11-23T12:10:00Z"}}}, {"then", {{"effect", "deny"}}}}}};
  temp_.Write("definitions/sku.json", definition.dump());
  ASSERT_TRUE(with_definitions_.Start());  // at 12:00
  EXPECT_EQ(SkuVerdict(), "sku Compliant");
  const auto generation = [this] { return with_definitions_.states().Current()->generation; };
  clock_.Advance(std::chrono::minutes(10) - std::chrono::seconds(1));
  with_definitions_.Poll();
  EXPECT_EQ(SkuVerdict(), "sku Compliant");
  EXPECT_EQ(generation(), 2U);
  clock_.Advance(std::chrono::seconds(59));
  with_definitions_.Poll();
  EXPECT_EQ(generation(), 2U) << "a minute has not gone by";
  clock_.Advance(std::chrono::seconds(1));
  with_definitions_.Poll();
  EXPECT_EQ(SkuVerdict(), "sku NonCompliant");

  WriteDefinition("Premium");
  with_definitions_.Poll();
  const std::uint64_t before = generation();
  clock_.Advance(std::chrono::hours(1));
  with_definitions_.Poll();
  EXPECT_EQ(generation(), before) << "no definition asks for the time any more";
}

TEST_F(KeeperWithDefinitionsTest, DoesNotStartWithoutTheFolder) {
  std::filesystem::remove(temp_ / "definitions");
  const auto started = with_definitions_.Start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("definitions: cannot be listed"));
}

TEST_F(KeeperTest, LoadsOnceForOneShotCommands) {
  const auto state = LoadOnce(Options(), clock_);
  ASSERT_TRUE(state) << base::ToString(state.error());
  EXPECT_TRUE((*state)->primed);
  EXPECT_EQ(Verdict(**state, "contoso"), "public-network-access-disabled NonCompliant");
}

TEST_F(KeeperTest, LoadsOnceWithoutAnInventory) {
  const auto state = LoadOnce({}, clock_);
  ASSERT_TRUE(state);
  EXPECT_FALSE((*state)->primed);
  EXPECT_EQ((*state)->facts.size(), 0U);
}

TEST_F(KeeperTest, TakesTheRegistriesOfACustomCloud) {
  nlohmann::json body = nlohmann::json::parse(Registry("contoso", "Enabled"));
  body["properties"]["loginServer"] = "contoso.azsacr.stack.example";
  WriteInventory({body.dump()}, clock_.Now());
  temp_.Write("policy.yaml", std::string(kPolicy) + "aliases: {images.contoso.com: contoso.azsacr.stack.example}\n");
  EXPECT_FALSE(LoadOnce(Options(), clock_));
  KeeperOptions options = Options();
  options.registry_suffixes = policy::RegistrySuffixes().With({"azsacr.stack.example"});
  const auto state = LoadOnce(options, clock_);
  ASSERT_TRUE(state) << base::ToString(state.error());
  EXPECT_NE((*state)->facts.Find("contoso.azsacr.stack.example"), nullptr);
  Keeper keeper(options, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(keeper.Start());
  EXPECT_NE(keeper.states().Current()->facts.Find("contoso.azsacr.stack.example"), nullptr);
}

TEST_F(KeeperTest, TakesHiddenMembersAsItIsTold) {
  nlohmann::json body = nlohmann::json::parse(Registry("contoso", "Disabled"));
  body["properties"].erase("anonymousPullEnabled");
  WriteInventory({body.dump()}, clock_.Now());
  temp_.Write("policy.yaml",
              "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: anonymous-pull-disabled}]\n");
  ASSERT_TRUE(keeper_.Start());
  EXPECT_EQ(Verdict("contoso"), "anonymous-pull-disabled Compliant");
  KeeperOptions options = Options();
  options.hidden_members = policy::HiddenMembers::kUnknown;
  Keeper live(options, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(live.Start());
  EXPECT_EQ(Verdict(*live.states().Current(), "contoso"), "anonymous-pull-disabled Unknown");
  EXPECT_EQ(Verdict(*LoadOnce(options, clock_).value(), "contoso"), "anonymous-pull-disabled Unknown");
}

TEST_F(KeeperTest, KeepsStatesOfAzurePolicysThroughAChangeOfThePolicyButNotInTheSavedInventory) {
  KeeperOptions options = Options();
  options.compliance_states = true;
  options.saved_file = temp_ / "saved";
  temp_.Write("policy.yaml", std::string(kPolicy) + "# one\n");
  Keeper keeper(options, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(keeper.Start());
  const policy::RegistryFacts* contoso = keeper.states().Current()->facts.Find("contoso.azurecr.io");
  EXPECT_TRUE(keeper.states().Current()->policy->compliance_states);
  policy::Observations learned = StatesOf(contoso->registry, policy::ComplianceState::kCompliant, clock_.Now());
  keeper.Offer(learned, {});
  keeper.Poll();
  temp_.Write("policy.yaml", std::string(kPolicy) + "# two\n");
  keeper.Poll();
  const auto state = keeper.states().Current();
  EXPECT_TRUE(policy::DisagreesWithAzure(state->facts.Find("contoso.azurecr.io")->verdict.at(0)));
  keeper.SaveNow();

  options.inventory_file.clear();
  EXPECT_EQ(LoadOnce(options, clock_).value()->facts.Find("contoso.azurecr.io")->verdict.at(0).azure, std::nullopt);
  learned.present.push_back(state->facts.Find("contoso.azurecr.io")->registry);
  const auto once = LoadOnce(options, clock_, std::move(learned)).value();
  EXPECT_TRUE(policy::DisagreesWithAzure(once->facts.Find("contoso.azurecr.io")->verdict.at(0)));
}

TEST_F(KeeperTest, LoadOnceReportsEveryFilesProblems) {
  temp_.Write("policy.yaml", "kind: [");
  temp_.Write("registries.json", "{");
  const auto state = LoadOnce(Options(), clock_);
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error(), SizeIs(2));
  EXPECT_THAT(base::ToString(state.error()), AllOf(HasSubstr("policy.yaml:1:"), HasSubstr("registries.json")));
}

TEST_F(KeeperTest, BeginsWithTheSavedInventoryAtItsTrueAgeWhenTheSourceIsGone) {
  KeeperOptions options = Options();
  options.saved_file = temp_ / "saved";
  {
    Keeper first(options, clock_, [](base::LogLevel, std::string_view) {});
    ASSERT_TRUE(first.Start().has_value());
  }
  const base::Time observed = clock_.Now();
  clock_.Advance(std::chrono::hours(5));
  std::filesystem::remove(temp_ / "registries.json");
  Keeper second(options, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(second.Start().has_value());
  const auto state = second.states().Current();
  EXPECT_TRUE(state->primed);
  EXPECT_EQ(Verdict(*state, "contoso"), "public-network-access-disabled NonCompliant");
  EXPECT_EQ(state->facts.Find("contoso.azurecr.io")->registry.observed, observed);
}

TEST_F(KeeperTest, LoadsOnceFromTheSavedInventoryWhereThatIsAll) {
  KeeperOptions options = Options();
  options.saved_file = temp_ / "saved";
  {
    Keeper keeper(options, clock_, [](base::LogLevel, std::string_view) {});
    ASSERT_TRUE(keeper.Start().has_value());
  }
  const base::Time observed = clock_.Now();
  clock_.Advance(std::chrono::hours(5));
  options.inventory_file.clear();
  const auto state = LoadOnce(options, clock_).value();
  EXPECT_TRUE(state->primed);
  EXPECT_EQ(Verdict(*state, "contoso"), "public-network-access-disabled NonCompliant");
  EXPECT_EQ(state->facts.Find("contoso.azurecr.io")->registry.observed, observed);

  temp_.Write("saved", "garbage");
  EXPECT_FALSE(LoadOnce(options, clock_).value()->primed);
  EXPECT_TRUE(std::filesystem::exists(temp_ / "saved")) << "one that only reads moves nothing";
}

// Of what another replica saved when `name` was so.
SavedInventory SavedElsewhere(const std::string& name, base::Time observed, bool complete = true) {
  SavedInventory saved;
  saved.complete = complete;
  auto facts = std::make_shared<policy::RegistryFacts>();
  facts->registry = {name + ".azurecr.io", name, "/subscriptions/0/registries/" + name, observed, Registry(name, "Disabled")};
  saved.facts.Add(std::move(facts));
  return saved;
}

TEST_F(KeeperTest, BeginsWithTheBetterOfTheSavedFileAndWhatReplicasShare) {
  KeeperOptions options = Options();
  options.inventory_file.clear();
  options.saved_file = temp_ / "saved";
  temp_.Write("saved", WriteSavedInventory(SavedElsewhere("mine", clock_.Now() - std::chrono::hours(2)).facts, true, clock_.Now()));
  const auto begin = [&](std::optional<SavedInventory> shared) {
    Keeper keeper(options, clock_, [](base::LogLevel, std::string_view) {});
    EXPECT_TRUE(keeper.Start({{}, [&shared] { return shared; }}));
    const auto facts = keeper.states().Current()->facts.Sorted();
    return facts.at(0)->registry.name + (keeper.status().primed ? "" : " in part");
  };
  EXPECT_EQ(begin(SavedElsewhere("theirs", clock_.Now() - std::chrono::hours(1))), "theirs");
  EXPECT_EQ(begin(SavedElsewhere("theirs", clock_.Now() - std::chrono::hours(3))), "mine");
  EXPECT_EQ(begin(SavedElsewhere("theirs", clock_.Now(), /*complete=*/false)), "mine");
  EXPECT_EQ(begin(std::nullopt), "mine");
  std::filesystem::remove(temp_ / "saved");
  EXPECT_EQ(begin(SavedElsewhere("theirs", clock_.Now(), /*complete=*/false)), "theirs in part");
}

TEST_F(KeeperTest, WhatReplicasShareMayComeLate) {
  KeeperOptions options = Options();
  options.inventory_file.clear();
  options.saved_file = temp_ / "saved";
  Keeper keeper(options, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(keeper.Start());
  EXPECT_FALSE(keeper.status().primed);
  keeper.OfferSaved(SavedElsewhere("theirs", clock_.Now() - std::chrono::hours(1)));
  keeper.Poll();
  EXPECT_TRUE(keeper.status().primed);
  EXPECT_EQ(Verdict(*keeper.states().Current(), "theirs"), "public-network-access-disabled Compliant");
  EXPECT_EQ(keeper.status().inventory_observed, clock_.Now() - std::chrono::hours(1));
  keeper.SaveNow();
  EXPECT_TRUE(std::filesystem::exists(temp_ / "saved")) << "and is ours from then on";
}

TEST_F(KeeperTest, SetsADamagedSavedInventoryAsideAndNeverUsesIt) {
  KeeperOptions options = Options();
  options.saved_file = temp_ / "saved";
  temp_.Write("saved", "garbage");
  std::filesystem::remove(temp_ / "registries.json");
  Keeper keeper(options, clock_, [](base::LogLevel, std::string_view) {});
  ASSERT_TRUE(keeper.Start().has_value());
  EXPECT_FALSE(keeper.states().Current()->primed);
  EXPECT_FALSE(std::filesystem::exists(temp_ / "saved"));
  EXPECT_TRUE(std::filesystem::exists(temp_ / "saved.damaged"));
}

// What is offered, as a source that reads Azure does.
class OfferTest : public KeeperTest {
 protected:
  OfferTest() {
    options_ = Options();
    options_.inventory_file = "";
    options_.saved_file = temp_ / "inventory.saved";
  }

  std::unique_ptr<Keeper> Started() {
    auto keeper =
        std::make_unique<Keeper>(options_, clock_, [this](base::LogLevel, std::string_view message) { logged_.emplace_back(message); });
    EXPECT_TRUE(keeper->Start());
    return keeper;
  }
  policy::Registry Seen(const std::string& name, const std::string& public_network_access) const {
    return policy::ReadRegistries(Registry(name, public_network_access), "test", clock_.Now())->front();
  }

  KeeperOptions options_;
};

TEST_F(OfferTest, IsMergedAndPublishedAtTheNextPollAndThenTold) {
  const auto keeper = Started();
  EXPECT_FALSE(keeper->states().Current()->primed);
  std::uint64_t told_at = 0;
  keeper->Offer({{Seen("contoso", "Enabled")}, {}, false}, [&] { told_at = keeper->states().Current()->generation; });
  EXPECT_EQ(told_at, 0U);
  keeper->Poll();
  EXPECT_EQ(told_at, 2U);
  EXPECT_EQ(Verdict(*keeper->states().Current(), "contoso"), "public-network-access-disabled NonCompliant");
  EXPECT_FALSE(keeper->states().Current()->primed) << "one registry is not all of them";
  keeper->Offer({{}, {}, true}, {});
  keeper->Poll();
  EXPECT_TRUE(keeper->states().Current()->primed);
}

TEST_F(OfferTest, ManyOffersAreOneGeneration) {
  const auto keeper = Started();
  int told = 0;
  for (const char* name : {"one", "two", "three"}) {
    keeper->Offer({{Seen(name, "Disabled")}, {}, false}, [&] { ++told; });
  }
  keeper->Poll();
  EXPECT_EQ(told, 3);
  EXPECT_EQ(keeper->states().Current()->generation, 2U);
  EXPECT_EQ(keeper->status().registries, 3U);
}

TEST_F(OfferTest, APolicyThatChangedJudgesWhatWasOffered) {
  const auto keeper = Started();
  keeper->Offer({{Seen("contoso", "Enabled")}, {}, false}, {});
  keeper->Poll();
  temp_.Write("policy.yaml", kOtherPolicy);
  keeper->Offer({{Seen("fabrikam", "Enabled")}, {}, false}, {});
  keeper->Poll();
  EXPECT_EQ(Verdict(*keeper->states().Current(), "contoso"), "admin-account-disabled Compliant");
  EXPECT_EQ(Verdict(*keeper->states().Current(), "fabrikam"), "admin-account-disabled Compliant");
}

TEST_F(OfferTest, TellsTheOldestObservation) {
  const auto keeper = Started();
  const base::Time first = clock_.Now();
  keeper->Offer({{Seen("contoso", "Disabled")}, {}, false}, {});
  clock_.Advance(std::chrono::minutes(1));
  keeper->Offer({{Seen("fabrikam", "Disabled")}, {}, false}, {});
  keeper->Poll();
  EXPECT_EQ(keeper->status().inventory_observed, first);
}

TEST_F(OfferTest, IsSavedAfterAWhileAndARestartBeginsWithItAtItsTrueAge) {
  const base::Time observed = clock_.Now();
  {
    const auto keeper = Started();
    keeper->Offer({{Seen("contoso", "Disabled")}, {}, true}, {});
    keeper->Poll();
    EXPECT_FALSE(std::filesystem::exists(options_.saved_file));
    clock_.Advance(std::chrono::minutes(2));
    keeper->Poll();
    EXPECT_TRUE(std::filesystem::exists(options_.saved_file));
  }
  clock_.Advance(std::chrono::hours(1));
  const auto keeper = Started();
  const std::shared_ptr<const State> state = keeper->states().Current();
  EXPECT_TRUE(state->primed);
  ASSERT_NE(state->facts.Find("contoso.azurecr.io"), nullptr);
  EXPECT_EQ(state->facts.Find("contoso.azurecr.io")->registry.observed, observed);
}

TEST_F(OfferTest, APartThatWasSavedIsNotTheInventory) {
  {
    const auto keeper = Started();
    keeper->Offer({{Seen("contoso", "Disabled")}, {}, false}, {});
    keeper->Poll();
    keeper->SaveNow();
  }
  const auto keeper = Started();
  EXPECT_NE(keeper->states().Current()->facts.Find("contoso.azurecr.io"), nullptr);
  EXPECT_FALSE(keeper->states().Current()->primed);
}

TEST_F(OfferTest, IsSavedAlsoWhileMoreIsOfferedAllTheTime) {
  const auto keeper = Started();
  for (int i = 0; i <= 120 && !std::filesystem::exists(options_.saved_file); ++i) {
    keeper->Offer({{Seen("contoso", "Disabled")}, {}, true}, {});
    keeper->Poll();
    clock_.Advance(std::chrono::seconds(1));
  }
  keeper->Poll();
  EXPECT_TRUE(std::filesystem::exists(options_.saved_file));
}

TEST_F(OfferTest, IsSavedAtTheEnd) {
  const auto keeper = Started();
  keeper->SaveNow();
  EXPECT_FALSE(std::filesystem::exists(options_.saved_file)) << "there was nothing to save";
  keeper->Offer({{Seen("contoso", "Disabled")}, {}, false}, {});
  keeper->Poll();
  keeper->SaveNow();
  EXPECT_TRUE(std::filesystem::exists(options_.saved_file));
}

}  // namespace
}  // namespace state
