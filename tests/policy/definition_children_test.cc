// Definitions about a registry's children.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "definition_world.h"
#include "policy/definition.h"

namespace policy {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kTokensDisabled = R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"},
    {"field": "R.tokens/status", "notequals": "disabled"}]})";

ChildList List(const std::vector<json>& bodies) { return {kNow, json(bodies).dump(), ""}; }

Evaluation EvaluatedWith(const std::string& condition, const ChildLists& lists, const json& registry = Registry(),
                         const json& parameters = json::object()) {
  const auto definition = Parse(condition, parameters);
  if (!definition) {
    return {};
  }
  RegistryResources resources(registry, &lists);
  return Evaluate(*definition, json::object(), resources, kNow, HiddenMembers::kUnknown);
}

std::vector<std::string> JudgedBy(const std::string& condition, const std::string& mode = "All") {
  json document = json::parse(Document(WithAliases(json::parse(condition)), json::object()));
  document["properties"]["mode"] = mode;
  const auto definition = ParseDefinition(document.dump(), "test.json", "test");
  if (!definition) {
    return {definition.error().message};
  }
  std::vector<std::string> judged;
  if ((*definition)->types.registry) {
    judged.emplace_back("registry");
  }
  for (const ChildKind* kind : (*definition)->types.children) {
    judged.emplace_back(kind->name);
  }
  return judged;
}

TEST(DefinitionTypes, AreThoseForWhichTheRuleCanBeTrue) {
  const std::vector<std::pair<const char*, std::vector<std::string>>> cases = {
      {R"({"field": "R.adminUserEnabled", "equals": true})", {"registry"}},
      {R"({"field": "R.tokens/status", "equals": "enabled"})", {"tokens"}},
      {R"({"value": "[field('R.tokens/status')]", "equals": "enabled"})", {"tokens"}},
      {R"({"field": "tags['team']", "exists": false})", {"registry"}},
      {R"({"allOf": [{"field": "type", "notEquals": "Microsoft.Storage/storageAccounts"}, {"field": "location", "notIn": ["eastus"]}]})",
       {"registry"}},
      {R"({"allOf": [{"field": "type", "notEquals": "Microsoft.Storage/storageAccounts"}, {"field": "R.webhooks/scope", "exists": false}]})",
       {"webhooks"}},
      {R"({"field": "type", "equals": "microsoft.containerregistry/registries/CACHERULES"})", {"cacheRules"}},
      {R"({"field": "type", "in": ["Microsoft.ContainerRegistry/registries", "Microsoft.ContainerRegistry/registries/tokens", "other"]})",
       {"registry", "tokens"}},
      {R"({"anyOf": [
           {"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"}, {"field": "R.adminUserEnabled", "equals": true}]},
           {"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"},
                      {"field": "R.tokens/status", "equals": "enabled"}]}]})",
       {"registry", "tokens"}},
      {R"({"allOf": [{"field": "type", "like": "Microsoft.ContainerRegistry/registries/*"},
           {"not": {"field": "type", "in": ["Microsoft.ContainerRegistry/registries/tokens",
             "Microsoft.ContainerRegistry/registries/scopeMaps"]}}]})",
       {"cacheRules", "connectedRegistries", "credentialSets", "privateEndpointConnections", "replications", "webhooks"}},
      {R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/privateEndpointConnections"},
           {"field": "R.sku.name", "equals": "Basic"}]})",
       {"privateEndpointConnections"}},
  };
  for (const auto& [condition, expected] : cases) {
    EXPECT_EQ(JudgedBy(condition), expected) << condition;
  }
}

TEST(DefinitionTypes, ThatNothingTellsApartAreRefused) {
  EXPECT_THAT(JudgedBy(R"({"anyOf": [{"field": "R.tokens/status", "equals": "a"}, {"field": "R.adminUserEnabled", "equals": true}]})"),
              ElementsAre(HasSubstr("$.properties.policyRule.if: the rule names aliases of several types "
                                    "(Microsoft.ContainerRegistry/registries, Microsoft.ContainerRegistry/registries/tokens)")));
  EXPECT_THAT(JudgedBy(R"({"allOf": [{"field": "R.tokens/status", "equals": "a"},
                  {"field": "type", "notEquals": "Microsoft.ContainerRegistry/registries/tokens"}]})"),
              ElementsAre(HasSubstr("another kind of resource")));
}

// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-basics#resource-manager-modes
TEST(DefinitionTypes, TheModeIndexedLeavesOutWhatHasNoTags) {
  const char* all = R"({"field": "type", "like": "Microsoft.ContainerRegistry/registries*"})";
  EXPECT_THAT(JudgedBy(all, "indexed"), ElementsAre("registry", "replications", "webhooks"));
  EXPECT_EQ(JudgedBy(all, "All").size(), 1 + ChildKinds().size());
  EXPECT_THAT(JudgedBy(kTokensDisabled, "Indexed"), ElementsAre("tokens")) << "as Azure's own definition 696cb1d3-… has it";
}

TEST(DefinitionChildren, OneThatIsNotCompliantMakesTheRegistryNonCompliant) {
  const json ci = Child("tokens", "ci", {{"status", "enabled"}});
  const json old = Child("tokens", "old", {{"status", "Disabled"}});
  EXPECT_EQ(EvaluatedWith(kTokensDisabled, {{"tokens", List({})}}).result, FindingResult::kCompliant);
  EXPECT_EQ(EvaluatedWith(kTokensDisabled, {{"tokens", List({old})}}).result, FindingResult::kCompliant);
  const Evaluation bad = EvaluatedWith(kTokensDisabled, {{"tokens", List({old, ci})}});
  EXPECT_EQ(bad.result, FindingResult::kNonCompliant);
  EXPECT_EQ(bad.child, "ci");
  EXPECT_EQ(OnlyEvidence(bad).field, "tokens/ci: status");
  EXPECT_EQ(OnlyEvidence(bad).actual, R"("enabled")");
  EXPECT_EQ(OnlyEvidence(bad).expected, "disabled");
  EXPECT_TRUE(OnlyEvidence(bad).brief);
}

TEST(DefinitionChildren, ThatMayNotBeThereAreEvidenceByTheirNames) {
  const char* condition = R"({"field": "type", "equals": "Microsoft.ContainerRegistry/registries/cacheRules"})";
  EXPECT_EQ(EvaluatedWith(condition, {{"cacheRules", List({})}}).result, FindingResult::kCompliant);
  const Evaluation one = EvaluatedWith(condition, {{"cacheRules", List({Child("cacheRules", "hub", json::object())})}});
  EXPECT_EQ(one.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(one).field, "cacheRules/hub");
  EXPECT_EQ(OnlyEvidence(one).actual, R"("present")");
  EXPECT_EQ(OnlyEvidence(one).expected, "absent");
}

TEST(DefinitionChildren, ManyAreCounted) {
  std::vector<json> tokens;
  for (int i = 0; i < 20; ++i) {
    tokens.push_back(Child("tokens", "t" + std::to_string(i), {{"status", i % 2 == 0 ? "enabled" : "disabled"}}));
  }
  const Evaluation bad = EvaluatedWith(kTokensDisabled, {{"tokens", List(tokens)}});
  ASSERT_EQ(bad.evidence.size(), kMaxEvidence);
  EXPECT_EQ(bad.evidence[0].field, "tokens/t0: status");
  EXPECT_EQ(bad.evidence[kMaxEvidence - 2].field, "tokens/t12: status");
  EXPECT_EQ(bad.evidence.back().field, "other tokens that are not compliant");
  EXPECT_EQ(bad.evidence.back().actual, "3");
  EXPECT_EQ(bad.evidence.back().expected, "0");
  tokens.erase(tokens.begin() + 16, tokens.end());  // as many as there is room for
  const Evaluation exact = EvaluatedWith(kTokensDisabled, {{"tokens", List(tokens)}});
  ASSERT_EQ(exact.evidence.size(), kMaxEvidence);
  EXPECT_EQ(exact.evidence.back().field, "tokens/t14: status");
}

TEST(DefinitionChildren, ThatWereNotReadAreUnknown) {
  const Evaluation unread = EvaluatedWith(kTokensDisabled, {});
  EXPECT_EQ(unread.result, FindingResult::kUnknown);
  EXPECT_THAT(unread.reason, HasSubstr("its tokens were not read yet"));
  EXPECT_THAT(unread.reason, HasSubstr("children.tokens"));
  EXPECT_THAT(unread.evidence, IsEmpty());
  const Evaluation failed =
      EvaluatedWith(kTokensDisabled, {{"tokens", {kNow, "", "403: grant Microsoft.ContainerRegistry/registries/tokens/read"}}});
  EXPECT_EQ(failed.result, FindingResult::kUnknown);
  EXPECT_THAT(failed.reason, HasSubstr("its tokens could not be read: 403: grant Microsoft.ContainerRegistry/registries/tokens/read"));
  for (const char* text : {"{}", "[7]", "[", "null"}) {
    EXPECT_EQ(EvaluatedWith(kTokensDisabled, {{"tokens", {kNow, text, ""}}}).result, FindingResult::kUnknown) << text;
  }
  const auto definition = Parse(kTokensDisabled);
  EXPECT_EQ(Evaluate(*definition, json::object(), Registry(), kNow).result, FindingResult::kUnknown) << "a body alone has no lists";
}

constexpr const char* kBoth = R"({"anyOf": [
    {"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"}, {"field": "R.adminUserEnabled", "equals": true}]},
    {"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"}, {"field": "R.tokens/status", "equals": "enabled"}]}
  ]})";

TEST(DefinitionChildren, AreJudgedBesideTheRegistry) {
  json admin = Registry();
  admin["properties"]["adminUserEnabled"] = true;
  const ChildLists good = {{"tokens", List({Child("tokens", "old", {{"status", "disabled"}})})}};
  const ChildLists bad = {{"tokens", List({Child("tokens", "ci", {{"status", "enabled"}})})}};
  EXPECT_EQ(EvaluatedWith(kBoth, good).result, FindingResult::kCompliant);
  const Evaluation registry = EvaluatedWith(kBoth, good, admin);
  EXPECT_EQ(registry.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(registry).field, "adminUserEnabled");
  EXPECT_EQ(registry.child, "");
  const Evaluation both = EvaluatedWith(kBoth, bad, admin);
  ASSERT_EQ(both.evidence.size(), 2U);
  EXPECT_EQ(both.evidence[0].field, "adminUserEnabled");
  EXPECT_EQ(both.evidence[1].field, "tokens/ci: status");
  EXPECT_EQ(both.child, "ci");
  EXPECT_EQ(EvaluatedWith(kBoth, {}).result, FindingResult::kUnknown);
  EXPECT_EQ(EvaluatedWith(kBoth, {}, admin).result, FindingResult::kNonCompliant) << "whatever the tokens are";
}

TEST(DefinitionChildren, AliasesOfAnotherTypeSelectNothing) {
  const ChildLists lists = {{"tokens", List({Child("tokens", "ci", {{"status", "enabled"}, {"adminUserEnabled", true}})})}};
  const std::string is_token = R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"}, )";
  const std::vector<std::pair<const char*, bool>> cases = {
      {R"({"field": "R.adminUserEnabled", "exists": true})", false},
      {R"({"field": "R.scopeMaps/creationDate", "exists": false})", true},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]"}, "equals": 0})", true},
      {R"({"value": "[length(field('R.networkRuleSet.ipRules[*]'))]", "equals": 0})", true},
      {R"({"value": "[field('R.adminUserEnabled')]", "equals": ""})", true},
      {R"({"field": "R.anonymousPullEnabled", "notEquals": true})", true},
  };
  for (const auto& [condition, holds] : cases) {
    const Evaluation evaluation = EvaluatedWith(is_token + condition + "]}", lists);
    EXPECT_EQ(evaluation.result, holds ? FindingResult::kNonCompliant : FindingResult::kCompliant) << condition;
  }
  const std::string of_registry = R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
      {"field": "R.tokens/status", "equals": "enabled"}]})";
  EXPECT_EQ(EvaluatedWith(of_registry, lists).result, FindingResult::kCompliant);
}

TEST(DefinitionChildren, HaveTheFieldsOfEveryResource) {
  json hook = Child("webhooks", "deploy", {{"actions", {"push", "delete"}}, {"status", "enabled"}});
  hook["location"] = "East US 2";
  hook["tags"] = {{"team", "payments"}};
  hook["name"] = "contoso/deploy";  // as some tools write it
  const ChildLists lists = {{"webhooks", List({hook})}};
  const char* hold[] = {
      R"({"field": "name", "equals": "deploy"})",
      R"({"field": "fullName", "equals": "contoso/deploy"})",
      R"({"value": "[field('fullName')]", "equals": "contoso/deploy"})",
      R"({"field": "id", "like": "*/registries/contoso/webhooks/deploy"})",
      R"({"field": "location", "in": ["eastus2"]})",
      R"({"field": "tags['team']", "equals": "payments"})",
      R"({"field": "R.webhooks/actions[*]", "in": ["push", "delete"]})",
      R"({"count": {"field": "R.webhooks/actions[*]", "where": {"field": "R.webhooks/actions[*]", "equals": "push"}}, "equals": 1})",
      R"({"count": {"field": "R.webhooks/actions[*]", "where": {"value": "[current()]", "equals": "delete"}}, "equals": 1})",
      R"({"value": "[resourceGroup().name]", "equals": "rg"})",
      R"({"value": "[subscription().subscriptionId]", "equals": "s"})",
  };
  for (const char* condition : hold) {
    const std::string rule =
        R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/webhooks"}, )" + std::string(condition) + "]}";
    EXPECT_EQ(EvaluatedWith(rule, lists).result, FindingResult::kNonCompliant) << condition;
  }
  EXPECT_TRUE(IsTrue(R"({"field": "fullName", "equals": "contoso"})")) << "a registry has no parent";
}

// The lists of two kinds have members of the same name: a count of one does not enclose the other's.
TEST(DefinitionChildren, CountsOfOneKindDoNotEncloseAnothers) {
  const std::string rule = R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/webhooks"},
      {"count": {"field": "R.webhooks/actions[*]", "where": {"field": "R.scopeMaps/actions[*]", "equals": "push"}}, "equals": 2}]})";
  const ChildLists lists = {{"webhooks", List({Child("webhooks", "w", {{"actions", {"push", "delete"}}})})}};
  EXPECT_EQ(EvaluatedWith(rule, lists).result, FindingResult::kNonCompliant) << "over no value, a condition holds each time";
}

TEST(DefinitionChildren, PrivateEndpointConnectionsStandInTheRegistry) {
  const std::string rule = R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/privateEndpointConnections"},
      {"field": "R.privateEndpointConnections/privateLinkServiceConnectionState.status", "notEquals": "Approved"}]})";
  const Evaluation pending = EvaluatedWith(rule, {});
  EXPECT_EQ(pending.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(pending).field, "privateEndpointConnections/b: privateLinkServiceConnectionState.status");
  EXPECT_EQ(OnlyEvidence(pending).actual, R"("Pending")");
  json registry = Registry();
  registry["properties"]["privateEndpointConnections"] = json::array();
  EXPECT_EQ(EvaluatedWith(rule, {}, registry).result, FindingResult::kCompliant);
  registry["properties"].erase("privateEndpointConnections");
  const Evaluation hidden = EvaluatedWith(rule, {}, registry);
  EXPECT_EQ(hidden.result, FindingResult::kUnknown);
  EXPECT_THAT(hidden.reason, HasSubstr("without its privateEndpointConnections"));
}

TEST(DefinitionChildren, WhatCannotBeToldOfOneIsUnknownUnlessAnotherDecides) {
  const std::string rule = R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"},
      {"anyOf": [{"field": "name", "equals": "bad"}, {"allOf": [{"field": "name", "equals": "odd"},
        {"value": "[subscription().displayName]", "equals": "x"}]}]}]})";
  const json odd = Child("tokens", "odd", json::object());
  const Evaluation unknown = EvaluatedWith(rule, {{"tokens", List({odd})}});
  EXPECT_EQ(unknown.result, FindingResult::kUnknown);
  EXPECT_THAT(unknown.reason, HasSubstr("tokens/odd: "));
  const Evaluation bad = EvaluatedWith(rule, {{"tokens", List({odd, Child("tokens", "bad", json::object())})}});
  EXPECT_EQ(bad.result, FindingResult::kNonCompliant);
  EXPECT_EQ(bad.child, "bad");
}

TEST(DefinitionChildren, AllOfThemTogetherStayWithinTheBounds) {
  json passwords = json::array();
  for (int i = 0; i < 300; ++i) {
    passwords.push_back({{"name", "p"}});
  }
  std::vector<json> tokens;
  for (int i = 0; i < 20; ++i) {
    tokens.push_back(Child("tokens", "t", {{"credentials", {{"passwords", passwords}}}}));
  }
  for (int i = 0; i < 3; ++i) {  // each token alone needs a part of what one registry may
    const std::vector<json> again = tokens;
    tokens.insert(tokens.end(), again.begin(), again.end());
  }
  const std::string product = R"({"count": {"field": "R.tokens/credentials.passwords[*]", "where": {"count": {"value": "[range(0, 40)]",
      "name": "n", "where": {"value": "[current('n')]", "less": 0}}, "greater": 0}}, "greater": 0})";
  EXPECT_EQ(EvaluatedWith(product, {{"tokens", List({tokens[0]})}}).result, FindingResult::kCompliant);
  const Evaluation many = EvaluatedWith(product, {{"tokens", List(tokens)}});
  EXPECT_EQ(many.result, FindingResult::kUnknown);
  EXPECT_THAT(many.reason, HasSubstr("steps"));
}

}  // namespace
}  // namespace policy
