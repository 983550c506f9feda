#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/policy.h"

namespace policy {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr base::Time kDay1{std::chrono::hours(24)};
constexpr base::Time kDay2{std::chrono::hours(48)};
constexpr base::Time kDay3{std::chrono::hours(72)};

Requirement Require(const char* definition, Effect effect) {
  Requirement requirement;
  requirement.name = definition;
  requirement.definition = DefinitionSet::WithBuiltIns().Find(definition);
  requirement.parameters = BindParameters(*requirement.definition, json::object()).value();
  requirement.effect = effect;
  return requirement;
}

Policy ThreeRequirements() {
  Policy policy;
  policy.requirements = {Require("private-link", Effect::kDeny), Require("premium-sku", Effect::kDisabled),
                         Require("public-network-access-disabled", Effect::kWarn)};
  return policy;
}

Registry Contoso(const char* access, base::Time observed) {
  const json body = {{"type", "Microsoft.ContainerRegistry/registries"},
                     {"properties", {{"publicNetworkAccess", access}, {"privateEndpointConnections", json::array()}}}};
  return {.login_server = "contoso.azurecr.io",
          .name = "contoso",
          .resource_id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso",
          .observed = observed,
          .body = RegistryBody(body.dump())};
}

TEST(Judge, FindsByEveryRequirementThatIsNotDisabled) {
  const Verdict verdict = Judge(Contoso("Disabled", kDay1), ThreeRequirements(), nullptr, kDay3);
  ASSERT_EQ(verdict.size(), 2U);
  EXPECT_EQ(verdict[0].requirement, "private-link");
  EXPECT_EQ(verdict[0].definition_id, "/providers/Microsoft.Authorization/policyDefinitions/e8eef0a8-67cf-4eb4-9386-14b0e78733d4");
  EXPECT_EQ(verdict[0].result, FindingResult::kNonCompliant);
  EXPECT_EQ(verdict[0].effect, Effect::kDeny);
  ASSERT_EQ(verdict[0].evidence.size(), 1U);
  EXPECT_EQ(verdict[0].evidence[0].actual, "0");
  EXPECT_THAT(verdict[0].remedy, HasSubstr("--name contoso-pe "));
  EXPECT_THAT(verdict[0].remedy, testing::Not(HasSubstr("{")));
  EXPECT_EQ(verdict[0].last_compliant, std::nullopt);

  EXPECT_EQ(verdict[1].result, FindingResult::kCompliant);
  EXPECT_EQ(verdict[1].effect, Effect::kWarn);
  EXPECT_TRUE(verdict[1].evidence.empty());
  EXPECT_TRUE(verdict[1].remedy.empty());
  EXPECT_EQ(verdict[1].last_compliant, kDay1);
}

RegistryFacts FactsAt(const char* access, base::Time observed, const RegistryFacts* previous) {
  RegistryFacts facts;
  facts.registry = Contoso(access, observed);
  facts.verdict = Judge(facts.registry, ThreeRequirements(), previous, kDay3);
  return facts;
}

TEST(Judge, RemembersWhenItWasLastCompliant) {
  const RegistryFacts first = FactsAt("Disabled", kDay1, nullptr);
  const RegistryFacts second = FactsAt("Enabled", kDay2, &first);
  EXPECT_EQ(second.verdict[1].result, FindingResult::kNonCompliant);
  EXPECT_EQ(second.verdict[1].last_compliant, kDay1);
  EXPECT_EQ(second.verdict[0].last_compliant, std::nullopt);
  const RegistryFacts third = FactsAt("Enabled", kDay3, &second);
  EXPECT_EQ(third.verdict[1].last_compliant, kDay1);
  EXPECT_EQ(FactsAt("Disabled", kDay3, &second).verdict[1].last_compliant, kDay3);
}

TEST(Judge, ForgetsWhatAnotherResourceWas) {
  RegistryFacts first = FactsAt("Disabled", kDay1, nullptr);
  first.registry.resource_id = "/SUBSCRIPTIONS/s/resourcegroups/rg/providers/Microsoft.ContainerRegistry/registries/CONTOSO";
  EXPECT_EQ(FactsAt("Enabled", kDay2, &first).verdict[1].last_compliant, kDay1) << "ids ignore case";
  first.registry.resource_id = "/subscriptions/other/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";
  EXPECT_EQ(FactsAt("Enabled", kDay2, &first).verdict[1].last_compliant, std::nullopt);
}

TEST(Judge, ABodyThatCannotBeReadIsUnknown) {
  const RegistryFacts first = FactsAt("Disabled", kDay1, nullptr);
  Registry registry = Contoso("Disabled", kDay2);
  registry.body = RegistryBody("{");
  const Verdict verdict = Judge(registry, ThreeRequirements(), &first, kDay3);
  ASSERT_EQ(verdict.size(), 2U);
  for (const Finding& finding : verdict) {
    EXPECT_EQ(finding.result, FindingResult::kUnknown);
    EXPECT_THAT(finding.reason, HasSubstr("cannot be read"));
    EXPECT_TRUE(finding.remedy.empty());
  }
  EXPECT_EQ(verdict[1].last_compliant, kDay1);
}

TEST(Judge, TakesWhatABodyHidesForUnknownWhereItIsAskedTo) {
  Policy policy;
  policy.requirements = {Require("anonymous-pull-disabled", Effect::kDeny)};
  const Registry registry = Contoso("Disabled", kDay1);  // its body shows nothing of anonymous pull
  EXPECT_EQ(Judge(registry, policy, nullptr, kDay3)[0].result, FindingResult::kCompliant);
  const Finding live = Judge(registry, policy, nullptr, kDay3, HiddenMembers::kUnknown)[0];
  EXPECT_EQ(live.result, FindingResult::kUnknown);
  EXPECT_THAT(live.reason, HasSubstr("anonymousPullEnabled"));
  EXPECT_EQ(live.last_compliant, std::nullopt);
}

TEST(Judge, RemediesAreSafeToCopyIntoAShell) {
  auto definition = std::make_shared<Definition>(*DefinitionSet::WithBuiltIns().Find("private-link"));
  definition->remedy = "az x {subscription} {resourceGroup} {name}.{loginServer} {other}";
  Policy policy;
  policy.requirements = {Require("private-link", Effect::kDeny)};
  policy.requirements[0].definition = definition;
  Registry registry = Contoso("Disabled", kDay1);
  registry.resource_id = "/subscriptions/0-1/resourceGroups/it's (old)/providers/Microsoft.ContainerRegistry/registries/contoso";
  EXPECT_EQ(Judge(registry, policy, nullptr, kDay3)[0].remedy, "az x SUBSCRIPTION GROUP contoso.contoso.azurecr.io {other}")
      << "brief: no part of a resource id";
  policy.messages = MessageDetail::kFull;
  EXPECT_EQ(Judge(registry, policy, nullptr, kDay3)[0].remedy, R"(az x 0-1 'it'\''s (old)' contoso.contoso.azurecr.io {other})");
}

}  // namespace
}  // namespace policy
