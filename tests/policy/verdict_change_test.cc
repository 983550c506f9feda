#include "policy/verdict_change.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "policy/child_kinds.h"

namespace policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::Time kMonday{std::chrono::hours(24)};
constexpr base::Time kTuesday{std::chrono::hours(48)};

constexpr const char* kContoso = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

Policy PolicyWith(const std::vector<std::string>& requirements) {
  static const auto definition = std::make_shared<const Definition>();
  Policy policy;
  for (const std::string& name : requirements) {
    policy.requirements.emplace_back();
    policy.requirements.back().name = name;
    policy.requirements.back().definition = definition;
    policy.requirements.back().rule = "sha256:" + name;
  }
  return policy;
}

Finding FindingOf(const std::string& requirement, FindingResult result) {
  Finding finding;
  finding.requirement = requirement;
  finding.rule = "sha256:" + requirement;
  finding.result = result;
  finding.effect = Effect::kDeny;
  return finding;
}

RegistryFacts FactsOf(const std::string& login_server, Verdict verdict, base::Time observed = kMonday) {
  RegistryFacts facts;
  facts.registry.login_server = login_server;
  facts.registry.resource_id = kContoso;
  facts.registry.observed = observed;
  facts.verdict = std::move(verdict);
  return facts;
}

Facts Registries(std::vector<RegistryFacts> registries) {
  Facts facts;
  for (RegistryFacts& registry : registries) {
    facts.Add(std::make_shared<const RegistryFacts>(std::move(registry)));
  }
  return facts;
}

// "a.azurecr.io private-link Compliant NonCompliant"
std::vector<std::string> Changes(const Facts& before, const Facts& after, const Policy& policy) {
  std::vector<std::string> changes;
  ForEachVerdictChange(before, after, policy, [&](const VerdictChange& change) {
    EXPECT_EQ(change.from->requirement, change.to->requirement);
    changes.push_back(change.before->registry.login_server + " " + change.to->requirement + " " +
                      std::string(ToString(change.from->result)) + " " + std::string(ToString(change.to->result)));
  });
  return changes;
}

TEST(VerdictChange, IsAFindingOfTheSameRuleWithAnotherResult) {
  const Facts before = Registries({FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kCompliant),
                                                                  FindingOf("premium-sku", FindingResult::kNonCompliant)})});
  RegistryFacts later =
      FactsOf("contoso.azurecr.io",
              {FindingOf("private-link", FindingResult::kNonCompliant), FindingOf("premium-sku", FindingResult::kUnknown)}, kTuesday);
  later.verdict[0].evidence = {{"publicNetworkAccess", "\"Enabled\"", "Disabled", true}};
  const Facts after = Registries({later});
  const Policy policy = PolicyWith({"private-link", "premium-sku"});
  EXPECT_THAT(Changes(before, after, policy),
              ElementsAre("contoso.azurecr.io private-link Compliant NonCompliant", "contoso.azurecr.io premium-sku NonCompliant Unknown"));
  ForEachVerdictChange(before, after, policy, [&](const VerdictChange& change) {
    EXPECT_EQ(change.before, before.Find("contoso.azurecr.io"));
    EXPECT_EQ(change.after, after.Find("contoso.azurecr.io"));
    EXPECT_EQ(change.to->evidence.size(), change.to->requirement == "private-link" ? 1U : 0U);
  });
  EXPECT_THAT(Changes(after, after, policy), IsEmpty());
}

TEST(VerdictChange, IsNoneWithTheSameResults) {
  const Facts before = Registries({FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kNonCompliant)})});
  RegistryFacts later = FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kNonCompliant)}, kTuesday);
  later.verdict[0].evidence = {{"publicNetworkAccess", "\"Enabled\"", "Disabled", true}};
  EXPECT_THAT(Changes(before, Registries({later}), PolicyWith({"private-link"})), IsEmpty());
}

TEST(VerdictChange, IsNoneThatThePolicyMakes) {
  const Facts before = Registries({FactsOf(
      "contoso.azurecr.io", {FindingOf("private-link", FindingResult::kCompliant), FindingOf("premium-sku", FindingResult::kCompliant)})});
  RegistryFacts later = FactsOf("contoso.azurecr.io",
                                {FindingOf("new", FindingResult::kNonCompliant), FindingOf("private-link", FindingResult::kNonCompliant)});
  later.verdict[1].rule = "sha256:of other parameters";
  EXPECT_THAT(Changes(before, Registries({later}), PolicyWith({"new", "private-link"})), IsEmpty()) << "and premium-sku is not asked for";

  RegistryFacts weaker = FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kCompliant)});
  weaker.verdict[0].effect = Effect::kAudit;
  EXPECT_THAT(Changes(before, Registries({weaker}), PolicyWith({"private-link"})), IsEmpty());
}

TEST(VerdictChange, IsSeenAlsoWhereThePolicyChangedBesideIt) {
  const Facts before = Registries(
      {FactsOf("contoso.azurecr.io", {FindingOf("old", FindingResult::kCompliant), FindingOf("private-link", FindingResult::kCompliant)})});
  const Facts after = Registries({FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kNonCompliant)})});
  EXPECT_THAT(Changes(before, after, PolicyWith({"private-link"})), ElementsAre("contoso.azurecr.io private-link Compliant NonCompliant"));
}

TEST(VerdictChange, IsOneOfARegistryThatIsGoneAndNoneOfOneThatAppears) {
  const Facts contoso = Registries({FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kCompliant)})});
  Policy policy = PolicyWith({"private-link"});
  policy.unknown_registry = Effect::kWarn;
  EXPECT_THAT(Changes({}, contoso, policy), IsEmpty());
  EXPECT_THAT(Changes(contoso, {}, policy), ElementsAre("contoso.azurecr.io unknownRegistry Compliant Unknown"));
  ForEachVerdictChange(contoso, {}, policy, [](const VerdictChange& change) {
    EXPECT_EQ(change.after, nullptr);
    EXPECT_EQ(change.to->effect, Effect::kWarn);
    EXPECT_EQ(change.to->reason, "the registry is gone");
  });
}

TEST(VerdictChange, OfAnotherResourceBehindTheLoginServerIsThatTheFirstIsGone) {
  const Facts before = Registries({FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kCompliant)})});
  RegistryFacts other = FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kNonCompliant)});
  other.registry.resource_id = "/subscriptions/other/registries/contoso";
  EXPECT_THAT(Changes(before, Registries({other}), PolicyWith({"private-link"})),
              ElementsAre("contoso.azurecr.io unknownRegistry Compliant Unknown"));
  ForEachVerdictChange(before, Registries({other}), PolicyWith({"private-link"}), [](const VerdictChange& change) {
    EXPECT_EQ(change.after, nullptr);
    EXPECT_THAT(change.to->reason, testing::HasSubstr("/subscriptions/other/registries/contoso"));
  });

  RegistryFacts same = FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kCompliant)});
  same.registry.resource_id = "/SUBSCRIPTIONS/s/resourcegroups/RG/providers/microsoft.containerregistry/registries/Contoso";
  EXPECT_THAT(Changes(before, Registries({same}), PolicyWith({"private-link"})), IsEmpty());
}

TEST(VerdictChange, IsNoneWhereAzurePolicysStatesAreReadForTheFirstTime) {
  Policy policy = PolicyWith({"private-link"});
  policy.requirements[0].source = FindingSource::kAzurePolicy;
  const auto states = std::make_shared<const ComplianceStates>();
  RegistryFacts unread = FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kUnknown)});
  RegistryFacts compliant = FactsOf("contoso.azurecr.io", {FindingOf("private-link", FindingResult::kCompliant)});
  compliant.states = states;
  RegistryFacts unknown = unread;  // read, but there is no state of it
  unknown.states = states;
  EXPECT_THAT(Changes(Registries({unread}), Registries({compliant}), policy), IsEmpty());
  EXPECT_THAT(Changes(Registries({unknown}), Registries({compliant}), policy),
              ElementsAre("contoso.azurecr.io private-link Unknown Compliant"));
  EXPECT_THAT(Changes(Registries({compliant}), Registries({unknown}), policy),
              ElementsAre("contoso.azurecr.io private-link Compliant Unknown"));
}

TEST(VerdictChange, IsNoneWhereChildrenAreReadForTheFirstTime) {
  Policy policy = PolicyWith({"tokens-expire"});
  auto definition = std::make_shared<Definition>();
  definition->types.children = {FindChildKind("tokens"), FindChildKind("privateEndpointConnections")};
  policy.requirements[0].definition = definition;
  const auto with_children = [](FindingResult result, std::shared_ptr<const ChildLists> children) {
    RegistryFacts facts = FactsOf("contoso.azurecr.io", {FindingOf("tokens-expire", result)});
    facts.registry.children = std::move(children);
    return Registries({std::move(facts)});
  };
  const auto tokens = std::make_shared<const ChildLists>(ChildLists{{"tokens", {kMonday, "[]", ""}}});
  const auto webhooks = std::make_shared<const ChildLists>(ChildLists{{"webhooks", {kMonday, "[]", ""}}});
  const auto refused = std::make_shared<const ChildLists>(ChildLists{{"tokens", {kMonday, "", "403"}}});
  const Facts compliant = with_children(FindingResult::kCompliant, tokens);
  EXPECT_THAT(Changes(with_children(FindingResult::kUnknown, nullptr), compliant, policy), IsEmpty());
  EXPECT_THAT(Changes(with_children(FindingResult::kUnknown, webhooks), compliant, policy), IsEmpty());
  EXPECT_THAT(Changes(with_children(FindingResult::kUnknown, refused), compliant, policy),
              ElementsAre("contoso.azurecr.io tokens-expire Unknown Compliant"));
}

TEST(VerdictChange, ComesByLoginServer) {
  std::vector<RegistryFacts> before, after;
  std::vector<std::string> expected;
  for (const char* name : {"e.azurecr.io", "b.azurecr.io", "d.azurecr.io", "a.azurecr.io", "c.azurecr.io"}) {
    before.push_back(FactsOf(name, {FindingOf("private-link", FindingResult::kCompliant)}));
    after.push_back(FactsOf(name, {FindingOf("private-link", FindingResult::kNonCompliant)}));
  }
  const auto changes = Changes(Registries(before), Registries(after), PolicyWith({"private-link"}));
  EXPECT_EQ(changes.size(), 5U);
  EXPECT_TRUE(std::is_sorted(changes.begin(), changes.end()));
}

// A registry whose public network access is that, as it is saved: what it was judged to be is not in the file.
std::shared_ptr<RegistryFacts> Saved(const char* access) {
  auto facts = std::make_shared<RegistryFacts>(FactsOf("contoso.azurecr.io", {}));
  facts->registry.body = RegistryBody(
      std::string(R"({"type":"Microsoft.ContainerRegistry/registries","properties":{"publicNetworkAccess":")") + access + R"("}})");
  return facts;
}

Policy PublicAccessDisabled() {
  Policy policy = PolicyWith({"public-network-access-disabled"});
  policy.requirements[0].definition = DefinitionSet::WithBuiltIns().Find("public-network-access-disabled");
  policy.requirements[0].parameters = BindParameters(*policy.requirements[0].definition, nlohmann::json::object()).value();
  return policy;
}

std::shared_ptr<RegistryFacts> Judged(std::shared_ptr<RegistryFacts> facts, const Policy& policy) {
  facts->registry.observed = kTuesday;
  facts->verdict = Judge(facts->registry, policy, nullptr, kTuesday);
  return facts;
}

TEST(JudgeSaved, IsWhatTheSavedRegistriesWouldBeByThePolicyInForce) {
  const Policy policy = PublicAccessDisabled();
  const auto changes_from = [&](const char* saved, const char* current) {
    Facts before, after;
    before.Add(Saved(saved));
    after.Add(Judged(Saved(current), policy));
    return Changes(JudgeSaved(before, after, policy, kTuesday, HiddenMembers::kAsAzure), after, policy);
  };
  EXPECT_THAT(changes_from("Disabled", "Enabled"), ElementsAre("contoso.azurecr.io public-network-access-disabled Compliant NonCompliant"));
  EXPECT_THAT(changes_from("Enabled", "Disabled"), ElementsAre("contoso.azurecr.io public-network-access-disabled NonCompliant Compliant"));
  EXPECT_THAT(changes_from("Enabled", "Enabled"), IsEmpty());
  EXPECT_THAT(changes_from("Disabled", "Disabled"), IsEmpty());
}

TEST(JudgeSaved, SharesWhatIsDescribedAsBeforeAndKeepsWhoIsGone) {
  const Policy policy = PublicAccessDisabled();
  Facts saved, current;
  saved.Add(Saved("Enabled"));
  EXPECT_THAT(Changes(JudgeSaved(saved, current, policy, kTuesday, HiddenMembers::kAsAzure), current, policy),
              ElementsAre("contoso.azurecr.io unknownRegistry Compliant Unknown"));
  current.Add(Judged(Saved("Enabled"), policy));
  EXPECT_EQ(JudgeSaved(saved, current, policy, kTuesday, HiddenMembers::kAsAzure).Find("contoso.azurecr.io"),
            current.Find("contoso.azurecr.io"));
  auto with_tokens = Saved("Enabled");
  with_tokens->registry.children = std::make_shared<const ChildLists>(ChildLists{{"tokens", {kMonday, "[]", ""}}});
  saved.Add(with_tokens);
  EXPECT_NE(JudgeSaved(saved, current, policy, kTuesday, HiddenMembers::kAsAzure).Find("contoso.azurecr.io"),
            current.Find("contoso.azurecr.io"));
}

}  // namespace
}  // namespace policy
