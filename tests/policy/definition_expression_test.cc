// Expressions in rules: where they may stand, what they see of the registry, and what becomes of those that fail.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule
#include "policy/definition_expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "policy/definition_evaluator.h"
#include "policy/definition_rule.h"
#include "tests/policy/definition_world.h"

namespace policy {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// {"value": "[EXPRESSION]", COMPARISON}
std::string Value(const std::string& expression, const std::string& comparison) {
  return R"({"value": )" + json("[" + expression + "]").dump() + ", " + comparison + "}";
}

// Whether the expression gives that value.
bool Gives(const std::string& expression, const json& value, const json& resource = Registry()) {
  return IsTrue(Value("createArray(" + expression + ")", R"("equals": )" + json::array({value}).dump()), resource);
}

struct Case {
  const char* condition;
  bool expected;
};

TEST(DefinitionExpression, StandsWhereverAzureTakesIt) {
  const Case cases[] = {
      {R"({"value": "[toUpper(field('name'))]", "equals": "CONTOSO"})", true},
      {R"({"value": "[toUpper(field('name'))]", "match": "contoso"})", false},
      {R"({"value": "[less(length(field('tags')), 3)]", "equals": "true"})", true},
      {R"({"value": "[length(field('R.networkRuleSet.ipRules[*]'))]", "greater": 1})", true},
      {R"({"field": "R.loginServer", "like": "[concat(field('name'), '.*')]"})", true},
      {R"({"field": "R.loginServer", "equals": "[concat(field('name'), '.azurecr.cn')]"})", false},
      {R"({"field": "R.sku.name", "in": "[split('Basic,Premium', ',')]"})", true},
      {R"({"field": "R.sku.name", "notIn": ["[toLower('BASIC')]", "standard"]})", true},
      {R"({"field": "R.sku.name", "in": ["[toLower('BASIC')]", "[concat('PREM', 'ium')]"]})", true},
      {R"({"field": "R.adminUserEnabled", "equals": "[equals(1, 2)]"})", true},
      {R"({"field": "R.policies.retentionPolicy.days", "less": "[add(5, 3)]"})", true},
      {R"({"field": "R.encryption", "exists": "[true()]"})", true},
      {R"({"field": "R.creationDate", "less": "[addDays(utcNow(), -365)]"})", true},
      {R"({"field": "[concat('tags[', 'team', ']')]", "equals": "Payments"})", true},
      {R"({"field": "[concat('tags[''', 'cost.center', ''']')]", "equals": "42"})", true},
      {R"({"field": "[concat('tags.', 'owner')]", "exists": false})", true},
      {R"({"field": "[concat('loc', 'ation')]", "equals": "East US 2"})", true},
      {R"({"field": "[if(true(), 'R.sku.name', 'name')]", "equals": "premium"})", true},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]"}, "equals": "[length(field('R.networkRuleSet.ipRules[*]'))]"})", true},
      {R"({"value": [1, "[add(1, 1)]"], "contains": 2})", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsTrue(c.condition), c.expected) << c.condition;
  }
}

TEST(DefinitionExpression, FieldGivesWhatAzureDocumentsOfMissingAndArrays) {
  json registry = Registry();
  registry["properties"]["networkRuleSet"]["virtualNetworkRules"] = json::array();
  registry["properties"]["dataEndpointHostNames"] = {"a", "b"};
  const struct {
    const char* expression;
    json value;
  } cases[] = {
      {"field('name')", "contoso"},
      {"field('fullName')", "contoso"},
      {"field('kind')", ""},
      {"field('tags.owner')", ""},
      {"field('tags').team", "Payments"},
      {"field('tags')['COST.center']", "42"},
      {"field('R.storageAccount.id')", ""},
      {"field('R.policies.retentionPolicy.days')", 7},
      {"length(field('R.networkRuleSet'))", 3},
      {"field('R.dataEndpointHostNames')", {"a", "b"}},
      {"field('R.dataEndpointHostNames[*]')", {"a", "b"}},
      {"field('R.networkRuleSet.ipRules[*].value')", {"10.0.0.0/8", "16.17.18.0/24"}},
      {"field('R.networkRuleSet.virtualNetworkRules[*]')", json::array()},
      {"field('R.regionalEndpointHostNames[*]')", json::array()},
      {"field('R.regionalEndpointHostNames')", ""},
      {"first(field('R.privateEndpointConnections[*].privateLinkServiceConnectionState.status'))", "Approved"},
      {"field(concat('R.sku', '.name'))", "Premium"},
      {"empty(field('tags.owner'))", true},
  };
  for (const auto& c : cases) {
    const json condition = {{"value", "[" + std::string(c.expression) + "]"}, {"equals", c.value}};
    EXPECT_TRUE(IsTrue(condition.dump(), registry)) << c.expression;
    const json other = {{"value", "[" + std::string(c.expression) + "]"}, {"notEquals", c.value}};
    EXPECT_FALSE(IsTrue(other.dump(), registry)) << c.expression;
  }
}

TEST(DefinitionExpression, ValueConditionsCompareWholeArraysObjectsAndNull) {
  const Case cases[] = {
      {R"({"value": "[createArray('a', 'b')]", "contains": "A"})", true},
      {R"({"value": "[createArray('a', 'b')]", "equals": ["A", "B"]})", true},
      {R"({"value": "[createArray('a', 'b')]", "equals": "a"})", false},
      {R"({"value": "[createArray()]", "exists": true})", true},
      {R"({"value": "[createObject('Team', 1)]", "containsKey": "team"})", true},
      {R"({"value": "[null()]", "exists": false})", true},
      {R"({"value": "[null()]", "equals": ""})", false},
      {R"({"value": "[null()]", "notEquals": ""})", true},
      {R"({"value": "[field('tags.owner')]", "exists": true})", true},
      {R"({"value": "[field('tags.owner')]", "equals": ""})", true},
      {R"({"value": "[first(createArray())]", "exists": false})", true},
      {R"({"value": "[true()]", "equals": "TRUE"})", true},
      {R"({"value": "[add(1, 2)]", "equals": "3"})", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsTrue(c.condition), c.expected) << c.condition;
  }
}

TEST(DefinitionExpression, KeysAreLookedUpInAnyCaseAndFailWhereThereIsNothing) {
  EXPECT_TRUE(Gives("createObject('a', createArray(1, 2)).A[1]", 2));
  EXPECT_TRUE(Gives("createObject('a b', 'c')['a b']", "c"));
  EXPECT_TRUE(Gives("createArray(5, 6)[sub(2, 1)]", 6));
  EXPECT_TRUE(Gives("createObject('k', 'v')[toLower('K')]", "v"));
  for (const char* failing : {"createObject('a', 1).b", "createArray(1)[1]", "createArray(1)[-1]", "createArray(1).a", "field('name').a",
                              "createObject('a', 1)[0]", "null().a", "createArray(1)[true()]"}) {
    const Evaluation evaluation = Evaluated(Value(failing, R"("exists": false)"), Registry());
    EXPECT_EQ(evaluation.result, FindingResult::kNonCompliant) << failing;
    EXPECT_EQ(OnlyEvidence(evaluation).expected, "an expression that does not fail") << failing;
  }
}

TEST(DefinitionExpression, CurrentIsTheElementOfACount) {
  const Case cases[] = {
      {R"({"count": {"value": ["contoso*", "fabrikam*"], "where": {"field": "R.loginServer", "like": "[current()]"}}, "equals": 1})", true},
      {R"({"count": {"value": ["con*", "fab*", "c*"], "name": "p", "where": {"field": "name", "like": "[current('P')]"}}, "equals": 2})",
       true},
      {R"({"count": {"value": ["con*"], "where": {"field": "name", "like": "[current('default')]"}}, "equals": 1})", true},
      {R"({"count": {"value": [{"tag": "team"}, {"tag": "owner"}], "name": "t", "where":
           {"field": "[concat('tags[', current('t').tag, ']')]", "exists": false}}, "equals": 1})",
       true},
      {R"({"count": {"value": "[split('1,2,3', ',')]"}, "equals": 3})", true},
      {R"({"count": {"value": [], "where": {"value": "[current()]", "exists": true}}, "equals": 0})", true},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where":
           {"value": "[ipRangeContains('10.0.0.0/8', current('R.networkRuleSet.ipRules[*].value'))]", "equals": false}}, "equals": 1})",
       true},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where":
           {"value": "[current().value]", "equals": "[current('R.networkRuleSet.ipRules[*]').value]"}}, "equals": 2})",
       true},
      // Azure's guide: the counted alias selects the one element, as an array of it.
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where": {"field": "R.networkRuleSet.ipRules[*].value",
           "equals": "[field('R.networkRuleSet.ipRules[*].value')]"}}, "equals": 0})",
       true},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where": {"field": "R.networkRuleSet.ipRules[*].value",
           "equals": "[first(field('R.networkRuleSet.ipRules[*].value'))]"}}, "equals": 2})",
       true},
      // An element that is in no allowed range.
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where":
           {"count": {"value": ["10.0.0.0/8", "192.168.0.0/16"], "name": "range", "where":
             {"value": "[ipRangeContains(current('range'), current('R.networkRuleSet.ipRules[*].value'))]", "equals": true}},
            "equals": 0}}, "equals": 1})",
       true},
      {R"({"count": {"value": ["Approved", "Pending", "Rejected"], "name": "state", "where":
           {"count": {"field": "R.privateEndpointConnections[*]", "where":
             {"field": "R.privateEndpointConnections[*].privateLinkServiceConnectionState.status", "equals": "[current('state')]"}},
            "equals": 1}}, "equals": 2})",
       true},
      {R"({"count": {"value": [1, 2], "name": "a", "where": {"count": {"value": [1, 2, 3], "name": "b", "where":
           {"value": "[current('a')]", "less": "[current('b')]"}}, "equals": 2}}, "equals": 1})",
       true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsTrue(c.condition), c.expected) << c.condition;
    EXPECT_EQ(Evaluated(c.condition, Registry()).reason, "") << c.condition;
  }
}

TEST(DefinitionExpression, IfLooksAtTheBranchItTakes) {
  EXPECT_TRUE(Gives("if(greaterOrEquals(length(field('name')), 30), substring(field('name'), 0, 30), 'short')", "short"));
  EXPECT_TRUE(Gives("if(true(), 1, div(1, 0))", 1));
  EXPECT_TRUE(Gives("and(true(), false(), true())", false));
  EXPECT_TRUE(Gives("and(true(), true())", true));
  EXPECT_TRUE(Gives("or(false(), true())", true));
  EXPECT_TRUE(Gives("or(false(), false())", false));
  EXPECT_TRUE(Gives("coalesce(null(), null(), '', 'x')", ""));
  EXPECT_TRUE(Gives("coalesce(null())", nullptr));
  EXPECT_TRUE(Gives("empty(coalesce(null(), null()))", true));
  // Whether Azure looks behind what decides is not documented.
  const auto result = [](const std::string& expression) { return Evaluated(Value(expression, R"("exists": true)"), Registry()).result; };
  EXPECT_EQ(result("and(false(), equals(div(1, 0), 1))"), FindingResult::kUnknown);
  EXPECT_EQ(result("or(true(), equals(div(1, 0), 1))"), FindingResult::kUnknown);
  EXPECT_EQ(result("coalesce('a', div(1, 0))"), FindingResult::kUnknown);
  EXPECT_EQ(Evaluated(Value("and(equals(div(1, 0), 1), false())", R"("exists": false)"), Registry()).result, FindingResult::kNonCompliant);
  EXPECT_EQ(Evaluated(Value("if('true', 1, 2)", R"("exists": false)"), Registry()).result, FindingResult::kNonCompliant);
}

TEST(DefinitionExpression, AFailureIsAzuresDenialWithItsReason) {
  const std::string failing = R"({"value": "[substring(field('name'), 0, 30)]", "equals": "x"})";
  const Evaluation evaluation = Evaluated(failing, Registry());
  EXPECT_EQ(evaluation.result, FindingResult::kNonCompliant);
  const Evidence evidence = OnlyEvidence(evaluation);
  EXPECT_EQ(evidence.field, "substring(field('name'), 0, 30)");
  EXPECT_EQ(evidence.actual, "\"substring: the string has 7 characters\"");
  EXPECT_EQ(evidence.expected, "an expression that does not fail");
  EXPECT_FALSE(evidence.brief);

  const std::string no = R"({"field": "name", "equals": "fabrikam"})";
  EXPECT_FALSE(IsTrue("{\"allOf\": [" + failing + "," + no + "]}")) << "another condition decides";
  EXPECT_TRUE(IsTrue("{\"not\": " + failing + "}"));
  EXPECT_EQ(OnlyEvidence(Evaluated(R"({"field": "name", "equals": "[div(1, 0)]"})", Registry())).field, "div(1, 0)");
}

TEST(DefinitionExpression, WhatCannotBeToldIsUnknownWhereItMatters) {
  const std::string unknown = R"({"value": "[subscription().displayName]", "equals": "x"})";
  const Evaluation evaluation = Evaluated(unknown, Registry());
  EXPECT_EQ(evaluation.result, FindingResult::kUnknown);
  EXPECT_THAT(evaluation.reason, HasSubstr("subscription().displayName is not known here"));
  const std::string no = R"({"field": "name", "equals": "fabrikam"})";
  const std::string yes = R"({"field": "name", "equals": "contoso"})";
  const std::string failing = R"({"value": "[div(1, 0)]", "equals": 1})";
  const auto result = [&](const std::string& rule) { return Evaluated(rule, Registry()).result; };
  EXPECT_EQ(result("{\"allOf\": [" + unknown + "," + no + "]}"), FindingResult::kCompliant);
  EXPECT_EQ(result("{\"allOf\": [" + yes + "," + unknown + "]}"), FindingResult::kUnknown);
  EXPECT_EQ(result("{\"anyOf\": [" + unknown + "," + yes + "]}"), FindingResult::kNonCompliant);
  EXPECT_EQ(result("{\"anyOf\": [" + unknown + "," + no + "]}"), FindingResult::kUnknown);
  EXPECT_EQ(result("{\"not\": " + unknown + "}"), FindingResult::kUnknown);
  EXPECT_EQ(result("{\"allOf\": [" + failing + "," + unknown + "]}"), FindingResult::kUnknown) << "it might be false, which decides";
  EXPECT_EQ(result(R"({"count": {"value": [1, 2], "where": )" + unknown + R"(}, "greater": 5})"), FindingResult::kUnknown);
  for (const char* expression :
       {"subscription().tags['x']", "resourceGroup().location", "resourceGroup().tags", "resourceGroup()", "policy().assignmentId",
        "requestContext().identity", "tryGet(subscription(), 'id')", "first(field('tags.owner'))", "concat('a', true())"}) {
    EXPECT_EQ(result(Value(expression, R"("equals": "x")")), FindingResult::kUnknown) << expression;
  }
}

TEST(DefinitionExpression, OfTheContextIsKnownWhatTheIdTells) {
  json registry = Registry();
  registry["id"] = "/subscriptions/0-1/resourceGroups/My-Group/providers/Microsoft.ContainerRegistry/registries/contoso";
  const struct {
    const char* expression;
    const char* value;
  } cases[] = {
      {"subscription().subscriptionId", "0-1"},
      {"subscription().id", "/subscriptions/0-1"},
      {"subscription()['SubscriptionID']", "0-1"},
      {"resourceGroup().name", "My-Group"},
      {"resourceGroup().id", "/subscriptions/0-1/resourceGroups/My-Group"},
      {"resourceGroup().type", "Microsoft.Resources/resourceGroups"},
      {"requestContext().apiVersion", "2025-11-01"},
  };
  for (const auto& c : cases) {
    EXPECT_TRUE(Gives(c.expression, c.value, registry)) << c.expression;
  }
  registry.erase("id");
  EXPECT_EQ(Evaluated(Value("subscription().id", R"("equals": "x")"), registry).result, FindingResult::kUnknown);
}

TEST(DefinitionExpression, ThePolicysOwnIdIsKnown) {
  json document =
      json::parse(Document(json::parse(R"({"value": "[policy().definitionId]", "equals": "/providers/x/y/z"})"), json::object()));
  document["id"] = "/providers/X/y/Z";
  const auto definition = ParseDefinition(document.dump(), "test.json", "test");
  ASSERT_TRUE(definition);
  EXPECT_EQ(Evaluate(**definition, json::object(), Registry(), kNow).result, FindingResult::kNonCompliant);
}

TEST(DefinitionExpression, HiddenMembersAreHiddenFromExpressionsToo) {
  json registry = Registry();
  registry["properties"].erase("publicNetworkAccess");
  registry["properties"].erase("privateEndpointConnections");
  const auto as_file = [&](const std::string& condition) { return Evaluated(condition, registry).result; };
  const auto live = [&](const std::string& condition) {
    return Evaluate(*Parse(condition), json::object(), registry, kNow, HiddenMembers::kUnknown).result;
  };
  const std::string missing = R"({"value": "[field('R.publicNetworkAccess')]", "notEquals": "Disabled"})";
  const Evaluation evaluation = Evaluated(missing, registry);
  EXPECT_EQ(evaluation.result, FindingResult::kUnknown);
  EXPECT_THAT(evaluation.reason, HasSubstr("without publicNetworkAccess, which"));
  EXPECT_EQ(as_file(R"({"field": "name", "notEquals": "[field('R.publicNetworkAccess')]"})"), FindingResult::kUnknown);
  EXPECT_EQ(as_file(R"({"value": "[length(field('R.privateEndpointConnections[*]'))]", "less": 1})"), FindingResult::kUnknown);

  const std::string enabled = R"({"value": "[equals(field('R.publicNetworkAccess'), 'Enabled')]", "equals": true})";
  EXPECT_EQ(as_file(enabled), FindingResult::kCompliant);
  EXPECT_EQ(live(enabled), FindingResult::kUnknown);
  EXPECT_EQ(live("{\"allOf\": [" + enabled + R"(, {"field": "name", "equals": "fabrikam"}]})"), FindingResult::kCompliant);
  EXPECT_EQ(as_file("{\"anyOf\": [" + missing + R"(, {"field": "name", "equals": "contoso"}]})"), FindingResult::kNonCompliant);
  // Only what is looked at: the branch that is not taken reads nothing.
  EXPECT_EQ(live(R"({"value": "[if(true(), 'a', field('R.publicNetworkAccess'))]", "equals": "b"})"), FindingResult::kCompliant);
}

TEST(DefinitionExpression, TimeIsTheOneHandedIn) {
  const auto definition = Parse(R"({"field": "R.creationDate", "less": "[addDays(utcNow(), -30)]"})");
  ASSERT_NE(definition, nullptr);
  EXPECT_TRUE(definition->uses_time);
  EXPECT_FALSE(Parse(R"({"field": "R.creationDate", "less": "2024-01-01"})")->uses_time);
  const base::Time created = std::chrono::sys_days(std::chrono::year(2024) / 4 / 12) + std::chrono::hours(8);
  const auto after = [&](int days) { return Evaluate(*definition, json::object(), Registry(), created + std::chrono::days(days)).result; };
  EXPECT_EQ(after(30), FindingResult::kCompliant);
  EXPECT_EQ(after(31), FindingResult::kNonCompliant);
  const auto now = Parse(R"({"value": "[utcNow()]", "equals": "2026-11-23T00:00:00.0000000Z"})");
  EXPECT_EQ(Evaluate(*now, json::object(), Registry(), kNow).result, FindingResult::kNonCompliant);
}

TEST(DefinitionExpression, ANameThatStandsForNoFieldCountsAsALookUpAmongAll) {
  const std::string condition = R"({"count": {"value": "[range(0, 100)]", "name": "a", "where": {"count": {"value": "[range(0, 100)]",
      "name": "b", "where": {"field": "[concat('R.x', string(current('b')))]", "equals": "x"}}, "greater": 0}}, "greater": 0})";
  EXPECT_EQ(Evaluated(condition, Registry()).reason, "the definition needs more than 1000000 steps or 64 MiB on this registry");
}

TEST(DefinitionExpression, EvidenceNamesTheExpressionTheNumberAndTheElements) {
  const struct {
    const char* condition;
    Evidence evidence;
  } cases[] = {
      {R"({"value": "[length(field('tags'))]", "less": 3})", {"length(field('tags'))", "2", "at least 3", true}},
      {R"({"value": "[toLower(field('R.sku.name'))]", "equals": "premium"})",
       {"toLower(field('Microsoft.ContainerRegistry/registries/sku.name'))", "\"premium\"", "not premium", true}},
      {R"({"field": "[concat('tags.', 'team')]", "equals": "payments"})", {"tags.team", "\"Payments\"", "not payments", true}},
      {R"({"field": "name", "notEquals": "[concat('x', 'y')]"})", {"name", "\"contoso\"", "xy", true}},
      {R"({"field": "name", "notEquals": "[field('R.networkRuleSet.ipRules')[0].value]"})", {"name", "\"contoso\"", "10.0.0.0/8", false}},
      {R"({"count": {"value": ["a*", "b*"], "name": "p", "where": {"field": "name", "like": "[current('p')]"}}, "less": 1})",
       {"values of value where name is like current('p')", "0", "at least 1", true}},
  };
  for (const auto& c : cases) {
    const Evidence evidence = OnlyEvidence(Evaluated(c.condition, Registry()));
    EXPECT_EQ(evidence.field, c.evidence.field) << c.condition;
    EXPECT_EQ(evidence.actual, c.evidence.actual) << c.condition;
    EXPECT_EQ(evidence.expected, c.evidence.expected) << c.condition;
    EXPECT_EQ(evidence.brief, c.evidence.brief) << c.condition;
  }
  const Evaluation counted = Evaluated(R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where":
      {"field": "R.networkRuleSet.ipRules[*].action", "equals": "Allow"}}, "greater": 1})",
                                       Registry());
  ASSERT_EQ(counted.evidence.size(), 2U);
  EXPECT_EQ(counted.evidence[0].field, "networkRuleSet.ipRules[*] where action is Allow");
  EXPECT_EQ(counted.evidence[0].actual, "2");
  EXPECT_TRUE(counted.evidence[0].brief);
  EXPECT_EQ(counted.evidence[1].field, "these networkRuleSet.ipRules[*]");
  EXPECT_EQ(counted.evidence[1].actual, R"(["10.0.0.0/8","16.17.18.0/24"])");
  EXPECT_EQ(counted.evidence[1].expected, "at most 1 of them");
  EXPECT_FALSE(counted.evidence[1].brief);
}

TEST(DefinitionExpression, WhatIsNotKnownIsRefusedWithPathAndPosition) {
  const struct {
    const char* condition;
    const char* error;
  } cases[] = {
      {R"({"value": "[frobnicate('x')]", "equals": 1})",
       "$.properties.policyRule.if.value: the expression \"[frobnicate('x')]\": position 2: "},
      {R"({"value": "[toLowr('x')]", "equals": 1})", "did you mean \"toLower\"?"},
      {R"({"value": "[concat('x', resourceId('y'))]", "equals": 1})",
       "position 14: the function \"resourceId\" cannot be used: Azure Policy does not"},
      {R"({"value": "[guid('x')]", "equals": 1})", "not documented"},
      {R"({"value": "[filter('x')]", "equals": 1})", "lambda"},
      {R"({"value": "[toLower()]", "equals": 1})", "toLower takes 1 arguments, not 0"},
      {R"({"value": "[substring('a')]", "equals": 1})", "takes 2 to 3 arguments, not 1"},
      {R"({"value": "[and(true())]", "equals": 1})", "and takes at least 2 arguments, not 1"},
      {R"({"value": "[if(true(), 1)]", "equals": 1})", "if takes 3 arguments, not 2"},
      {R"({"value": "[parameters('none')]", "equals": 1})", "declares no parameter \"none\""},
      {R"({"value": "[parameters(concat('a'))]", "equals": 1})", "expected the name of a parameter in quotes"},
      {R"({"value": "[field('R.encryption.statu')]", "equals": 1})", "did you mean \"encryption.status\"?"},
      {R"({"value": "[field()]", "equals": 1})", "field takes 1 arguments, not 0"},
      {R"({"value": "[current()]", "equals": 1})", "only within the \"where\" of a count"},
      {R"({"value": "[utcNow('d')]", "equals": 1})", "only utcNow() is"},
      {R"({"value": "[subscription().colour]", "equals": 1})", "subscription() has no member \"colour\""},
      {R"({"value": "[resourceGroup('x').name]", "equals": 1})", "resourceGroup takes 0 arguments, not 1"},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where": {"value": "[current('x')]", "equals": 1}}, "less": 1})",
       "no enclosing count is named \"x\""},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where": {"value": "[current('R.sku.name')]", "equals": 1}}, "less": 1})",
       "no enclosing count"},
      {R"({"count": {"value": [1], "name": "a", "where": {"count": {"value": [1], "where": {"value": 1, "equals": 1}}, "less": 1}}, "less": 1})",
       "needs a \"name\" within another count"},
      {R"({"count": {"value": [1], "name": "a", "where": {"count": {"value": [1], "name": "A"}, "less": 1}}, "less": 1})",
       "an enclosing count has the same name"},
      {R"({"count": {"value": [1], "name": "a", "where": {"count": {"value": [1], "name": "b", "where": {"value": "[current()]", "equals": 1}},
           "less": 1}}, "less": 1})",
       "current() needs the name of the count here"},
      {R"({"count": {"field": "[concat('x')]"}, "less": 1})", "$.properties.policyRule.if.count.field: "},
      {R"({"value": {"a": "[concat('x')]"}, "equals": 1})", "make it with createObject"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(ErrorOf(c.condition), HasSubstr(c.error)) << c.condition;
  }
}

TEST(DefinitionExpression, AFieldNameThatNamesNothingKnownIsUnknown) {
  const auto definition =
      Parse(R"({"field": "[concat('R.', parameters('alias'))]", "equals": "Premium"})", {{"alias", {{"type", "String"}}}});
  ASSERT_NE(definition, nullptr);
  EXPECT_EQ(Evaluate(*definition, {{"alias", "sku.name"}}, Registry(), kNow).result, FindingResult::kNonCompliant);
  const Evaluation none = Evaluate(*definition, {{"alias", "sku.nam"}}, Registry(), kNow);
  EXPECT_EQ(none.result, FindingResult::kUnknown);
  EXPECT_THAT(none.reason, HasSubstr("did you mean \"sku.name\"?"));
}

TEST(DefinitionExpression, AzuresLimitsForRulesHold) {
  json functions = json::array();
  std::string list = "true()";
  for (int i = 1; i < 127; ++i) {
    list += ",true()";
  }
  for (int i = 0; i < 16; ++i) {
    functions.push_back({{"value", "[or(" + list + ")]"}, {"equals", true}});
  }
  EXPECT_EQ(ErrorOf(json{{"allOf", functions}}.dump()), "no error") << "16 times 128 functions";
  functions.push_back({{"value", "[true()]"}, {"equals", true}});
  EXPECT_THAT(ErrorOf(json{{"allOf", functions}}.dump()), HasSubstr("more than 2048 functions"));

  json counts = json::array();
  for (std::size_t i = 0; i < kMaxValueCounts; ++i) {
    counts.push_back({{"count", {{"value", {1, 2}}}}, {"less", 1}});
  }
  EXPECT_EQ(ErrorOf(json{{"allOf", counts}}.dump()), "no error");
  counts.push_back(counts.back());
  EXPECT_THAT(ErrorOf(json{{"allOf", counts}}.dump()), HasSubstr("more than 10 counts over values"));

  const json many(json::array_t(kMaxValueCountElements + 1, json(1)));
  EXPECT_THAT(ErrorOf(json{{"count", {{"value", many}}}, {"less", 1}}.dump()), HasSubstr("more than 100 elements"));
  const auto definition = Parse(R"({"count": {"value": "[parameters('all')]"}, "greater": 0})", {{"all", {{"type", "Array"}}}});
  EXPECT_EQ(Evaluate(*definition, {{"all", many}}, Registry(), kNow).result, FindingResult::kUnknown);
}

TEST(DefinitionExpression, WhatWouldTakeMinutesIsUnknown) {
  json registry = Registry();
  for (int i = 0; i < 200; ++i) {
    registry["properties"]["networkRuleSet"]["ipRules"].push_back({{"value", "1.2.3.4"}});
    registry["properties"]["privateEndpointConnections"].push_back({{"name", "x"}});
  }
  std::string text = "concat('" + std::string(1000, 'a') + "')";
  for (int i = 0; i < 6; ++i) {
    text = "concat(" + text + "," + text + ")";
  }
  const Evaluation evaluation = Evaluated(
      json{{"count",
            {{"field", "R.networkRuleSet.ipRules[*]"},
             {"where",
              {{"count", {{"field", "R.privateEndpointConnections[*]"}, {"where", {{"value", "[" + text + "]"}, {"equals", "x"}}}}},
               {"greater", 0}}}}},
           {"less", 0}}
          .dump(),
      registry);
  EXPECT_EQ(evaluation.result, FindingResult::kUnknown);
  EXPECT_THAT(evaluation.reason, HasSubstr("needs more than"));

  const std::string doubled = R"([if(true(), replace(padLeft('', 60000, 'a'), padLeft('b', 30000, 'a'), ''), '')])";
  EXPECT_EQ(Evaluated(json{{"value", doubled}, {"equals", "x"}}.dump(), Registry()).result, FindingResult::kUnknown);
}

}  // namespace
}  // namespace policy
