// DeployIfNotExists and AuditIfNotExists: what is related, and whether it is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "definition_world.h"
#include "policy/definition.h"

namespace policy {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kRegistries = R"({"field": "type", "equals": "Microsoft.ContainerRegistry/registries"})";
constexpr const char* kPremium = R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
    {"field": "R.sku.name", "equals": "Premium"}]})";
constexpr const char* kTokens = R"({"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"})";
constexpr const char* kApproved =
    R"({"field": "R.privateEndpointConnections/privateLinkServiceConnectionState.status", "equals": "Approved"})";

base::Result<std::shared_ptr<const Definition>> ParseThen(const std::string& condition, const json& then) {
  json document =
      json::parse(Document(WithAliases(json::parse(condition)), {{"effect", {{"type", "String"}, {"defaultValue", "Audit"}}},
                                                                 {"wanted", {{"type", "String"}, {"defaultValue", "enabled"}}}}));
  document["properties"]["policyRule"]["then"] = then;
  return ParseDefinition(document.dump(), "test.json", "test");
}

json Details(const std::string& type, const std::string& condition = "", const json& name = nullptr) {
  json details = {{"type", type.empty() ? "Microsoft.ContainerRegistry/registries" : std::string(kPrefix) + type}};
  if (!condition.empty()) {
    details["existenceCondition"] = WithAliases(json::parse(condition));
  }
  if (!name.is_null()) {
    details["name"] = name;
  }
  return details;
}

std::shared_ptr<const Definition> Audit(const std::string& condition, const json& details) {
  auto definition = ParseThen(condition, {{"effect", "auditIfNotExists"}, {"details", details}});
  EXPECT_TRUE(definition) << definition.error().message;
  return definition ? *definition : nullptr;
}

Evaluation EvaluatedWith(const Definition& definition, const ChildLists& lists, const json& registry = Registry(),
                         HiddenMembers hidden = HiddenMembers::kUnknown) {
  RegistryResources resources(registry, &lists);
  return Evaluate(definition, BindParameters(definition, json::object()).value(), resources, kNow, hidden);
}

ChildList List(const std::vector<json>& bodies) { return {kNow, json(bodies).dump(), ""}; }
json Token(const std::string& name, const std::string& status) { return Child("tokens", name, {{"status", status}}); }

json WithConnections(const std::vector<std::string>& states) {
  json registry = Registry();
  json& connections = registry["properties"]["privateEndpointConnections"] = json::array();
  for (const std::string& state : states) {
    connections.push_back({{"name", "pe" + std::to_string(connections.size())},
                           {"properties", {{"privateLinkServiceConnectionState", {{"status", state}}}}}});
  }
  return registry;
}

TEST(DefinitionExistence, OneRelatedResourceThatMeetsTheConditionIsEnough) {
  const auto definition = Audit(kPremium, Details("privateEndpointConnections", kApproved));
  EXPECT_EQ(EvaluatedWith(*definition, {}, WithConnections({"Pending", "approved"})).result, FindingResult::kCompliant);
  const Evaluation pending = EvaluatedWith(*definition, {}, WithConnections({"Pending", "Rejected"}));
  EXPECT_EQ(pending.result, FindingResult::kNonCompliant);
  ASSERT_THAT(pending.evidence, SizeIs(3));
  EXPECT_EQ(pending.evidence[0].field, "privateEndpointConnections where status is Approved");
  EXPECT_EQ(pending.evidence[0].actual, "0");
  EXPECT_EQ(pending.evidence[0].expected, "at least 1");
  EXPECT_EQ(pending.evidence[2].field, "privateEndpointConnections/pe1: privateLinkServiceConnectionState.status");
  EXPECT_EQ(pending.evidence[2].actual, R"("Rejected")");
  EXPECT_EQ(pending.evidence[2].expected, "Approved");
  const Evaluation none = EvaluatedWith(*definition, {}, WithConnections({}));
  EXPECT_EQ(none.result, FindingResult::kNonCompliant);
  EXPECT_THAT(none.evidence, SizeIs(1));
  EXPECT_THAT(EvaluatedWith(*definition, {}, WithConnections(std::vector<std::string>(50, "Pending"))).evidence, SizeIs(kMaxEvidence));
}

TEST(DefinitionExistence, WhereTheIfIsFalseNothingIsAskedFor) {
  const auto definition = Audit(kPremium, Details("tokens"));
  json basic = Registry();
  basic["sku"]["name"] = "Basic";
  EXPECT_EQ(EvaluatedWith(*definition, {}, basic).result, FindingResult::kCompliant) << "whatever its tokens are";
  const Evaluation unread = EvaluatedWith(*definition, {});
  EXPECT_EQ(unread.result, FindingResult::kUnknown);
  EXPECT_THAT(unread.reason, HasSubstr("its tokens were not read yet"));
}

TEST(DefinitionExistence, WithoutAConditionItIsEnoughToBeThere) {
  const auto definition = Audit(kRegistries, Details("tokens"));
  EXPECT_EQ(EvaluatedWith(*definition, {{"tokens", List({})}}).result, FindingResult::kNonCompliant);
  EXPECT_EQ(EvaluatedWith(*definition, {{"tokens", List({Token("ci", "disabled")})}}).result, FindingResult::kCompliant);
}

TEST(DefinitionExistence, ANameSelectsOne) {
  const ChildLists lists = {{"tokens", List({Token("ci", "disabled"), Token("deploy", "enabled")})}};
  const std::string enabled = R"({"field": "R.tokens/status", "equals": "[parameters('wanted')]"})";
  const auto result = [&](const json& name, const std::string& condition) {
    return EvaluatedWith(*Audit(kRegistries, Details("tokens", condition, name)), lists).result;
  };
  EXPECT_EQ(result("DEPLOY", enabled), FindingResult::kCompliant);
  EXPECT_EQ(result("ci", enabled), FindingResult::kNonCompliant);
  EXPECT_EQ(result("ci", ""), FindingResult::kCompliant);
  EXPECT_EQ(result("gone", ""), FindingResult::kNonCompliant);
  EXPECT_EQ(result("[concat(field('name'), '/deploy')]", enabled), FindingResult::kCompliant) << "the full name";
  EXPECT_EQ(result("[substring('x', 7)]", ""), FindingResult::kNonCompliant) << "a failure is Azure's denial";
  EXPECT_EQ(result("[subscription().displayName]", ""), FindingResult::kUnknown);
  const Evaluation gone = EvaluatedWith(*Audit(kRegistries, Details("tokens", "", "gone")), lists);
  EXPECT_EQ(OnlyEvidence(gone).field, "tokens/gone");
}

TEST(DefinitionExistence, TheWildcardInPlaceOfTheLastPartOfANameSelectsAll) {
  const ChildLists lists = {{"tokens", List({Token("ci", "disabled"), Token("deploy", "enabled")})}};
  const std::string enabled = R"({"field": "R.tokens/status", "equals": "enabled"})";
  const auto evaluated = [&](const char* if_condition, const json& name, const std::string& condition) {
    return EvaluatedWith(*Audit(if_condition, Details("tokens", condition, name)), lists);
  };
  EXPECT_EQ(evaluated(kRegistries, "[concat(field('name'), '/?')]", enabled).result, FindingResult::kCompliant);
  EXPECT_EQ(evaluated(kRegistries, "?", enabled).result, FindingResult::kCompliant);
  const Evaluation none = evaluated(kRegistries, "[concat(field('name'), '/?')]", R"({"field": "R.tokens/status", "equals": "odd"})");
  EXPECT_EQ(none.result, FindingResult::kNonCompliant);
  ASSERT_THAT(none.evidence, SizeIs(3));
  EXPECT_EQ(none.evidence[0].field, "tokens where status is odd");
  EXPECT_EQ(evaluated(kRegistries, "fabrikam/?", enabled).result, FindingResult::kNonCompliant) << "of another registry";
  EXPECT_EQ(evaluated(kTokens, "contoso/?", enabled).result, FindingResult::kCompliant);
  EXPECT_EQ(evaluated(kTokens, "fabrikam/?", enabled).result, FindingResult::kUnknown);
}

// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-functions
TEST(DefinitionExistence, TheFunctionFieldReadsTheResourceThatTheIfIsAbout) {
  const json replications = Details("replications", R"({"field": "location", "equals": "[field('location')]"})");
  const auto elsewhere = Audit(kRegistries, replications);
  const auto in = [](const char* location) {
    json replication = Child("replications", "r", json::object());
    replication["location"] = location;
    return ChildLists{{"replications", List({replication})}};
  };
  EXPECT_EQ(EvaluatedWith(*elsewhere, in("East US 2")).result, FindingResult::kCompliant);
  const Evaluation bad = EvaluatedWith(*elsewhere, in("northeurope"));
  EXPECT_EQ(bad.result, FindingResult::kNonCompliant);
  ASSERT_THAT(bad.evidence, SizeIs(2));
  EXPECT_EQ(bad.evidence[1].field, "replications/r: location");
  EXPECT_EQ(bad.evidence[1].expected, "eastus2");

  const std::string premium = R"({"value": "[field('Microsoft.ContainerRegistry/registries/sku.name')]", "equals": "Premium"})";
  const ChildLists tokens = {{"tokens", List({Token("ci", "enabled")})}};
  EXPECT_EQ(EvaluatedWith(*Audit(kRegistries, Details("tokens", premium)), tokens).result, FindingResult::kCompliant);
  const std::string of_related = R"({"value": "[field('Microsoft.ContainerRegistry/registries/tokens/status')]", "equals": "enabled"})";
  EXPECT_EQ(EvaluatedWith(*Audit(kRegistries, Details("tokens", of_related)), tokens).result, FindingResult::kNonCompliant)
      << "an alias of another type selects nothing";

  const std::string same_name = R"({"value": "[field('fullName')]", "equals": "contoso/ci"})";
  EXPECT_EQ(EvaluatedWith(*Audit(kTokens, Details("tokens", same_name, "contoso/?")),
                          {{"tokens", List({Token("ci", "enabled"), Token("deploy", "enabled")})}})
                .child,
            "deploy")
      << "of each token, not of those that it is compared with";
}

TEST(DefinitionExistence, CountsAreOfWhatIsRelatedAndTheFunctionFieldIsNotBoundToThem) {
  const std::string action = std::string(kPrefix) + "webhooks/actions[*]";
  const std::string rules = std::string(kPrefix) + "networkRuleSet.ipRules[*].value";
  const json webhook = Child("webhooks", "w", {{"actions", {"push", "delete"}}});
  const auto with = [&](const json& where, int count) {
    json details = Details("webhooks");
    details["existenceCondition"] = {{"count", {{"field", action}, {"where", where}}}, {"equals", count}};
    return EvaluatedWith(*Audit(kRegistries, details), {{"webhooks", List({webhook})}}).result;
  };
  EXPECT_EQ(with({{"field", action}, {"equals", "push"}}, 1), FindingResult::kCompliant);
  EXPECT_EQ(with({{"value", "[current('" + action + "')]"}, {"equals", "push"}}, 1), FindingResult::kCompliant);
  EXPECT_EQ(with({{"value", "[length(field('" + rules + "'))]"}, {"equals", 2}}, 2), FindingResult::kCompliant);
  EXPECT_EQ(with({{"value", "[length(field('" + action + "'))]"}, {"equals", 0}}, 2), FindingResult::kCompliant);
}

TEST(DefinitionExistence, WhatTheFunctionFieldReadsMayBeHidden) {
  const std::string same = R"({"value": "[field('Microsoft.ContainerRegistry/registries/publicNetworkAccess')]", "equals": "Disabled"})";
  const auto definition = Audit(kRegistries, Details("tokens", same));
  json old = Registry();
  old["properties"].erase("publicNetworkAccess");
  const Evaluation unknown = EvaluatedWith(*definition, {{"tokens", List({Token("ci", "enabled")})}}, old);
  EXPECT_EQ(unknown.result, FindingResult::kUnknown);
  EXPECT_THAT(unknown.reason, HasSubstr("publicNetworkAccess"));
}

TEST(DefinitionExistence, TheRegistryItselfHasToBeSelected) {
  const std::string locked = R"({"field": "R.publicNetworkAccess", "equals": "Disabled"})";
  const auto itself = Audit(kPremium, Details("", locked, "[field('name')]"));
  EXPECT_EQ(EvaluatedWith(*itself, {}).result, FindingResult::kCompliant);
  json open = Registry();
  open["properties"]["publicNetworkAccess"] = "Enabled";
  const Evaluation bad = EvaluatedWith(*itself, {}, open);
  EXPECT_EQ(bad.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(bad).field, "publicNetworkAccess");
  EXPECT_EQ(OnlyEvidence(bad).expected, "Disabled");
  open["properties"].erase("publicNetworkAccess");
  EXPECT_EQ(EvaluatedWith(*itself, {}, open, HiddenMembers::kAsAzure).result, FindingResult::kUnknown) << "hidden by an api-version";
  const Evaluation another = EvaluatedWith(*Audit(kPremium, Details("", locked, "fabrikam")), {});
  EXPECT_EQ(another.result, FindingResult::kUnknown);
  EXPECT_THAT(another.reason, HasSubstr("\"fabrikam\""));
}

TEST(DefinitionExistence, ATypeThatIsNotMetIsEvidenceWhereNothingElseIs) {
  const std::string other = R"({"field": "type", "equals": "Microsoft.Storage/storageAccounts"})";
  const Evaluation bad = EvaluatedWith(*Audit(kPremium, Details("", other, "[field('name')]")), {});
  EXPECT_EQ(bad.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(bad).field, "type");
  EXPECT_EQ(OnlyEvidence(bad).expected, "Microsoft.Storage/storageAccounts");
}

TEST(DefinitionExistence, ChildrenAskForThemselvesOrTheirRegistryByName) {
  const ChildLists lists = {{"tokens", List({Token("ci", "disabled"), Token("deploy", "enabled")})}};
  const std::string disabled = R"({"field": "R.tokens/status", "equals": "disabled"})";
  const Evaluation bad = EvaluatedWith(*Audit(kTokens, Details("tokens", disabled, "[field('fullName')]")), lists);
  EXPECT_EQ(bad.result, FindingResult::kNonCompliant);
  EXPECT_EQ(bad.child, "deploy");
  EXPECT_EQ(EvaluatedWith(*Audit(kTokens, Details("tokens", "", "contoso/gone")), lists).result, FindingResult::kNonCompliant);
  EXPECT_EQ(EvaluatedWith(*Audit(kTokens, Details("tokens", "", "fabrikam/ci")), lists).result, FindingResult::kUnknown);
  EXPECT_EQ(EvaluatedWith(*Audit(kTokens, Details("tokens", "", "ci")), lists).result, FindingResult::kUnknown);
  const std::string premium = R"({"field": "R.sku.name", "equals": "Premium"})";
  EXPECT_EQ(EvaluatedWith(*Audit(kTokens, Details("", premium, "[first(split(field('fullName'), '/'))]")), lists).result,
            FindingResult::kCompliant);
  EXPECT_EQ(EvaluatedWith(*Audit(kTokens, Details("", premium, "fabrikam")), {{"tokens", List({})}}).result, FindingResult::kCompliant)
      << "no token, nothing to ask for";
}

TEST(DefinitionExistence, AnEffectFromAParameterIsToldByItsDetails) {
  const json from_parameter = {{"effect", "[parameters('effect')]"}, {"details", Details("tokens")}};
  EXPECT_EQ(EvaluatedWith(**ParseThen(kRegistries, from_parameter), {{"tokens", List({})}}).result, FindingResult::kNonCompliant);
  const json modify = {{"effect", "[parameters('effect')]"},
                       {"details", {{"roleDefinitionIds", {"/x"}}, {"operations", json::array({{{"operation", "add"}}})}}}};
  EXPECT_EQ((*ParseThen(kRegistries, modify))->existence, nullptr);
  const json append = {{"effect", "append"}, {"details", json::array({{{"field", "tags.x"}, {"value", "y"}}})}};
  EXPECT_EQ((*ParseThen(kRegistries, append))->existence, nullptr);
  const json deny = {{"effect", "deny"}, {"details", Details("other")}};
  EXPECT_EQ((*ParseThen(kRegistries, deny))->existence, nullptr) << "Deny has none";
}

TEST(DefinitionExistence, WhatCannotBeReadIsRefusedWithItsPath) {
  const auto error = [](const std::string& condition, const json& details) {
    const auto definition = ParseThen(condition, {{"effect", "DeployIfNotExists"}, {"details", details}});
    return definition ? "no error" : definition.error().message;
  };
  const std::string path = "test.json: $.properties.policyRule.then.details";
  EXPECT_THAT(error(kRegistries, {{"type", "Microsoft.Security/assessments"}}),
              HasSubstr(path + ".type: \"Microsoft.Security/assessments\" is not read here"));
  EXPECT_THAT(error(kRegistries, {{"type", "[concat('a', 'b')]"}}), HasSubstr(path + ".type: "));
  EXPECT_THAT(error(kRegistries, json::object()), HasSubstr(path + ".type: expected"));
  EXPECT_THAT(error(kRegistries, nullptr), HasSubstr(path + ": expected"));
  EXPECT_THAT(error(kRegistries, json::array()), HasSubstr(path + ": expected"));
  EXPECT_THAT(error(kRegistries, Details("")), HasSubstr(path + ": without a \"name\""));
  EXPECT_THAT(error(kTokens, Details("tokens")), HasSubstr(path + ": without a \"name\""));
  EXPECT_THAT(error(kRegistries, Details("tokens", "", 7)), HasSubstr(path + ".name: expected a string"));
  EXPECT_THAT(error(kRegistries, Details("tokens", "", "[nope()]")), HasSubstr(path + ".name: "));
  EXPECT_THAT(error(kRegistries, Details("tokens", R"({"field": "R.tokens/statsu", "equals": "x"})")),
              HasSubstr(path + ".existenceCondition.field: "));
  json elsewhere = Details("", "", "[field('name')]");
  elsewhere["resourceGroupName"] = "other";
  EXPECT_THAT(error(kRegistries, elsewhere), HasSubstr(path + ".resourceGroupName: "));
  json beneath = Details("tokens");
  beneath["resourceGroupName"] = "other";
  beneath["existenceScope"] = "subscription";
  EXPECT_EQ(error(kRegistries, beneath), "no error") << "for what is beneath the resource Azure looks at neither";
}

TEST(DefinitionExistence, WhatCannotBeToldOfTheConditionIsUnknown) {
  const std::string odd = R"({"value": "[subscription().displayName]", "equals": "x"})";
  const auto definition = Audit(kRegistries, Details("tokens", odd));
  const Evaluation unknown = EvaluatedWith(*definition, {{"tokens", List({Token("ci", "enabled")})}});
  EXPECT_EQ(unknown.result, FindingResult::kUnknown);
  EXPECT_THAT(unknown.reason, HasSubstr("displayName"));
  EXPECT_EQ(EvaluatedWith(*definition, {{"tokens", List({})}}).result, FindingResult::kNonCompliant) << "nothing is there";
}

TEST(DefinitionExistence, TellsWhichParametersAndListsItNeedsAndWhetherItAsksForTheTime) {
  const auto definition =
      Audit(kRegistries, Details("tokens", R"({"allOf": [{"field": "R.tokens/status", "equals": "[parameters('wanted')]"},
      {"field": "R.tokens/creationDate", "less": "[utcNow()]"}]})"));
  EXPECT_TRUE(definition->uses_time);
  EXPECT_FALSE(definition->parameters[0].used);
  EXPECT_TRUE(definition->parameters[1].used);
  EXPECT_THAT(KindsAsked(*definition), testing::ElementsAre(FindChildKind("tokens")));
  EXPECT_THAT(KindsAsked(*Audit(kRegistries, Details("", "", "[field('name')]"))), IsEmpty());
  EXPECT_THAT(KindsAsked(*Audit(kTokens, Details("tokens", "", "[field('fullName')]"))), SizeIs(1)) << "once";
}

}  // namespace
}  // namespace policy
