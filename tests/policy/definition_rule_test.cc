// The policy language: what rules mean. Expectations are Azure's, from the language reference and the guide to arrays:
// https://learn.microsoft.com/azure/governance/policy/how-to/author-policies-for-arrays
#include "policy/definition_rule.h"

#include <gtest/gtest.h>

#include <string>

#include "policy/definition.h"
#include "tests/policy/definition_world.h"

namespace policy {
namespace {

using nlohmann::json;

struct Case {
  const char* condition;
  bool expected;
};

TEST(DefinitionRule, EveryConditionHasAzuresMeaning) {
  const Case cases[] = {
      {R"({"field": "R.publicNetworkAccess", "equals": "Disabled"})", true},
      {R"({"field": "R.publicNetworkAccess", "equals": "dISABLED"})", true},
      {R"({"field": "R.publicNetworkAccess", "equals": "Enabled"})", false},
      {R"({"field": "R.publicNetworkAccess", "notEquals": "Enabled"})", true},
      {R"({"field": "R.adminUserEnabled", "equals": false})", true},
      {R"({"field": "R.adminUserEnabled", "equals": "False"})", true},
      {R"({"field": "R.adminUserEnabled", "equals": true})", false},
      {R"({"field": "R.policies.retentionPolicy.days", "equals": 7})", true},
      {R"({"field": "R.policies.retentionPolicy.days", "equals": 7.0})", true},
      {R"({"field": "R.policies.retentionPolicy.days", "equals": "7"})", true},
      {R"({"field": "R.loginServer", "like": "contoso.*"})", true},
      {R"({"field": "R.loginServer", "like": "CONTOSO*.IO"})", true},
      {R"({"field": "R.loginServer", "like": "contoso"})", false},
      {R"({"field": "R.loginServer", "like": "contoso.azurecr.io*o"})", false},
      {R"({"field": "R.loginServer", "notLike": "fabrikam.*"})", true},
      {R"({"field": "name", "match": "???toso"})", true},
      {R"({"field": "name", "match": "...toso"})", true},
      {R"({"field": "name", "match": "CONTOSO"})", false},
      {R"({"field": "name", "match": "#######"})", false},
      {R"({"field": "name", "match": "??????"})", false},
      {R"({"field": "name", "notMatch": "CONTOSO"})", true},
      {R"({"field": "name", "matchInsensitively": "CONTOSO"})", true},
      {R"({"field": "name", "notMatchInsensitively": "CONTOSO"})", false},
      {R"({"field": "tags.cost.center", "match": "##"})", true},
      {R"({"field": "R.loginServer", "contains": "AZURECR"})", true},
      {R"({"field": "R.loginServer", "notContains": "azurecr"})", false},
      {R"({"field": "R.sku.name", "in": ["basic", "premium"]})", true},
      {R"({"field": "R.sku.name", "notIn": ["Basic", "Standard"]})", true},
      {R"({"field": "tags", "containsKey": "TEAM"})", true},
      {R"({"field": "tags", "notContainsKey": "owner"})", true},
      {R"({"field": "R.policies.retentionPolicy.days", "less": 8})", true},
      {R"({"field": "R.policies.retentionPolicy.days", "less": 7})", false},
      {R"({"field": "R.policies.retentionPolicy.days", "lessOrEquals": 7})", true},
      {R"({"field": "R.policies.retentionPolicy.days", "greater": 6.5})", true},
      {R"({"field": "R.policies.retentionPolicy.days", "greaterOrEquals": 8})", false},
      {R"({"field": "R.creationDate", "less": "2024-04-12T10:09:31+02:00"})", true},
      {R"({"field": "name", "greater": "BRAVO"})", true},
      {R"({"field": "R.encryption", "exists": true})", true},
      {R"({"field": "R.encryption.keyVaultProperties", "exists": "False"})", true},
      {R"({"field": "R.encryption.keyVaultProperties", "exists": true})", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsTrue(c.condition), c.expected) << c.condition;
  }
}

TEST(DefinitionRule, LettersBeyondAsciiOfWhichAzureIgnoresTheCaseAreUnknown) {
  json resource = Registry();
  resource["tags"] = {{"Bereich", "Vertrieb-Süd"}, {"Größe", "7"}};
  const auto result = [&](const std::string& condition) { return Evaluated(condition, resource).result; };
  for (const char* condition :
       {R"({"field": "tags['bereich']", "notEquals": "VERTRIEB-SÜD"})", R"({"field": "tags['bereich']", "equals": "VERTRIEB-SÜD"})",
        R"({"field": "tags['bereich']", "notIn": ["x", "VERTRIEB-SÜD"]})", R"({"field": "tags['bereich']", "in": ["VERTRIEB-SÜD"]})",
        R"({"field": "tags['bereich']", "notLike": "VERTRIEB-SÜ*"})", R"({"field": "tags['bereich']", "notContains": "SÜD"})",
        R"({"field": "tags['bereich']", "notMatchInsensitively": "VERTRIEB-SÜD"})", R"({"field": "tags", "notContainsKey": "GRÖSSE"})",
        R"({"field": "tags", "notEquals": {"Bereich": "VERTRIEB-SÜD", "Größe": "7"}})",
        R"({"field": "tags", "notEquals": {"bereich": "Vertrieb-Süd", "GRÖßE": "7"}})", R"({"field": "tags['GRÖßE']", "exists": false})",
        R"({"value": "[field('tags[''GRÖßE'']')]", "equals": ""})", R"({"value": "[field('tags')['GRÖßE']]", "equals": ""})",
        R"({"value": "[createArray(field('tags.bereich'))]", "notContains": "VERTRIEB-SÜD"})"}) {
    const Evaluation evaluation = Evaluated(condition, resource);
    EXPECT_EQ(evaluation.result, FindingResult::kUnknown) << condition;
    EXPECT_NE(evaluation.reason.find("not known here"), std::string::npos) << condition << ": " << evaluation.reason;
  }
  EXPECT_EQ(result(R"({"field": "tags['bereich']", "notEquals": "vertrieb-Süd"})"), FindingResult::kCompliant);
  EXPECT_EQ(result(R"({"field": "tags['bereich']", "notIn": ["Einkauf", "Einkauf-Süd"]})"), FindingResult::kNonCompliant);
  EXPECT_EQ(result(R"({"field": "tags['bereich']", "in": ["VERTRIEB-SÜD", "VERTRIEB-Süd"]})"), FindingResult::kNonCompliant);
  EXPECT_EQ(result(R"({"field": "tags['bereich']", "notMatch": "VERTRIEB-SÜD"})"), FindingResult::kNonCompliant);
  EXPECT_EQ(result(R"({"field": "tags['größe']", "equals": "7"})"), FindingResult::kNonCompliant);
  EXPECT_EQ(result(R"({"field": "tags['team']", "exists": false})"), FindingResult::kNonCompliant);
}

TEST(DefinitionRule, FieldsOfEveryResourceAreFound) {
  const Case cases[] = {
      {R"({"field": "name", "equals": "contoso"})", true},
      {R"({"field": "fullName", "equals": "contoso"})", true},
      {R"({"field": "kind", "exists": false})", true},
      {R"({"field": "type", "equals": "microsoft.containerregistry/REGISTRIES"})", true},
      {R"({"field": "location", "equals": "East US 2"})", true},
      {R"({"field": "location", "in": ["West Europe", "East US 2"]})", true},
      {R"({"field": "location", "equals": "eastus"})", false},
      {R"({"field": "id", "like": "/subscriptions/s/*"})", true},
      {R"({"field": "identity.type", "equals": "UserAssigned"})", true},
      {R"({"field": "tags['team']", "equals": "payments"})", true},
      {R"({"field": "tags[Team]", "equals": "payments"})", true},
      {R"({"field": "tags.team", "equals": "payments"})", true},
      {R"({"field": "TAGS['cost.center']", "equals": "42"})", true},
      {R"({"field": "tags['owner']", "exists": true})", false},
      {R"({"field": "Microsoft.containerregistry/Registries/ENCRYPTION.status", "equals": "disabled"})", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsTrue(c.condition), c.expected) << c.condition;
  }
}

TEST(DefinitionRule, ATagsNameMayHoldApostrophes) {
  json registry = Registry();
  registry["tags"]["'My.Apostrophe.Tag'"] = "x";
  EXPECT_TRUE(IsTrue(R"({"field": "tags['''My.Apostrophe.Tag''']", "equals": "x"})", registry));
}

TEST(DefinitionRule, MemberNamesOfTheBodyIgnoreCase) {
  json registry = Registry();
  registry["Properties"] = registry["properties"];
  registry.erase("properties");
  registry["Properties"]["PublicNetworkACCESS"] = "Enabled";
  registry["Properties"].erase("publicNetworkAccess");
  EXPECT_TRUE(IsTrue(R"({"field": "R.publicNetworkAccess", "equals": "Enabled"})", registry));
}

TEST(DefinitionRule, NullCountsAsMissing) {
  json registry = Registry();
  registry["properties"]["networkRuleSet"] = nullptr;
  const Case cases[] = {
      {R"({"field": "R.networkRuleSet", "exists": false})", true},
      {R"({"field": "R.networkRuleSet.defaultAction", "exists": false})", true},
      {R"({"field": "R.networkRuleSet.defaultAction", "equals": "Allow"})", false},
      {R"({"field": "R.networkRuleSet.defaultAction", "notEquals": "Allow"})", true},
      {R"({"field": "R.networkRuleSet.defaultAction", "in": ["Allow"]})", false},
      {R"({"field": "R.networkRuleSet.defaultAction", "notIn": ["Allow"]})", true},
      {R"({"field": "R.networkRuleSet.defaultAction", "like": "*"})", false},
      {R"({"field": "R.networkRuleSet.defaultAction", "notContains": "x"})", true},
      {R"({"field": "R.networkRuleSet", "containsKey": "ipRules"})", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsTrue(c.condition, registry), c.expected) << c.condition;
  }
}

TEST(DefinitionRule, StarSelectsAllElementsAndEveryOneMustSatisfy) {
  EXPECT_TRUE(IsTrue(R"({"field": "R.networkRuleSet.ipRules[*].action", "equals": "Allow"})"));
  EXPECT_FALSE(IsTrue(R"({"field": "R.networkRuleSet.ipRules[*].value", "equals": "10.0.0.0/8"})"));
  EXPECT_FALSE(IsTrue(R"({"field": "R.networkRuleSet.ipRules[*].value", "notEquals": "10.0.0.0/8"})"));
  EXPECT_TRUE(IsTrue(R"({"field": "R.networkRuleSet.ipRules[*].value", "notEquals": "1.2.3.4"})"));
  EXPECT_TRUE(IsTrue(R"({"not": {"field": "R.networkRuleSet.ipRules[*].value", "notEquals": "10.0.0.0/8"}})"));
}

TEST(DefinitionRule, StarOverAnEmptyOrMissingArrayIsTrue) {
  json registry = Registry();
  registry["properties"]["networkRuleSet"]["ipRules"] = json::array();
  EXPECT_TRUE(IsTrue(R"({"field": "R.networkRuleSet.ipRules[*].value", "equals": "10.0.0.0/8"})", registry));
  EXPECT_TRUE(IsTrue(R"({"field": "R.networkRuleSet.virtualNetworkRules[*].action", "exists": "false"})"));
}

TEST(DefinitionRule, CountsElementsThatMeetWhere) {
  const Case cases[] = {
      {R"({"count": {"field": "R.privateEndpointConnections[*]"}, "equals": 2})", true},
      {R"({"count": {"field": "R.privateEndpointConnections[*]", "where":
           {"field": "R.privateEndpointConnections[*].privateLinkServiceConnectionState.status", "equals": "approved"}}, "equals": 1})",
       true},
      {R"({"count": {"field": "R.privateEndpointConnections[*]", "where": {"not":
           {"field": "R.privateEndpointConnections[*].privateLinkServiceConnectionState.status", "equals": "Approved"}}}, "equals": 1})",
       true},
      {R"({"count": {"field": "R.privateEndpointConnections[*]", "where": {"allOf": [
           {"field": "R.privateEndpointConnections[*].name", "equals": "a"}, {"field": "R.sku.name", "equals": "Premium"}]}}, "equals": 1})",
       true},
      {R"({"count": {"field": "R.networkRuleSet.virtualNetworkRules[*]"}, "equals": 0})", true},
      // Within where, the current element is the only one: a count of the same array is 1.
      {R"({"count": {"field": "R.privateEndpointConnections[*]", "where":
           {"count": {"field": "R.privateEndpointConnections[*]"}, "equals": 1}}, "equals": 2})",
       true},
      {R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where":
           {"count": {"field": "R.privateEndpointConnections[*]"}, "equals": 2}}, "equals": 2})",
       true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(IsTrue(c.condition), c.expected) << c.condition;
  }
}

TEST(DefinitionRule, LogicalOperatorsCombineInAnyCase) {
  const char* yes = R"({"field": "name", "equals": "contoso"})";
  const char* no = R"({"field": "name", "equals": "fabrikam"})";
  const auto both = [](const std::string& op, const std::string& a, const std::string& b) {
    return "{\"" + op + "\": [" + a + ", " + b + "]}";
  };
  EXPECT_TRUE(IsTrue(both("allof", yes, yes)));
  EXPECT_FALSE(IsTrue(both("AllOf", yes, no)));
  EXPECT_TRUE(IsTrue(both("anyof", no, yes)));
  EXPECT_FALSE(IsTrue(both("ANYOF", no, no)));
  EXPECT_TRUE(IsTrue(std::string(R"({"Not": )") + no + "}"));
  EXPECT_TRUE(IsTrue(R"({"Field": "name", "Equals": "contoso"})"));
}

TEST(DefinitionRule, ParametersStandOnBothSidesAndInArrays) {
  const json declared = json::parse(R"({"names": {"type": "Array"}, "one": {"type": "String"}, "on": {"type": "Boolean"}})");
  const auto definition = Parse(R"({"allOf": [{"value": "[parameters('on')]", "equals": true},
      {"field": "name", "in": "[ parameters( 'NAMES' ) ]"}, {"field": "name", "in": ["x", "[parameters('one')]"]}]})",
                                declared);
  ASSERT_NE(definition, nullptr);
  const auto result = [&](bool on, const json& names, const char* one) {
    return Evaluate(*definition, {{"on", on}, {"names", names}, {"one", one}}, Registry(), kNow).result;
  };
  EXPECT_EQ(result(true, {"contoso"}, "contoso"), FindingResult::kNonCompliant);
  EXPECT_EQ(result(false, {"contoso"}, "contoso"), FindingResult::kCompliant);
  EXPECT_EQ(result(true, {"fabrikam"}, "contoso"), FindingResult::kCompliant);
  EXPECT_EQ(result(true, {"contoso"}, "fabrikam"), FindingResult::kCompliant);
}

TEST(DefinitionRule, TwoBracketsEscapeOne) {
  json registry = Registry();
  registry["tags"]["odd"] = "[x]";
  EXPECT_TRUE(IsTrue(R"({"field": "tags.odd", "equals": "[[x]"})", registry));
  registry["tags"]["odd"] = "[x";
  EXPECT_TRUE(IsTrue(R"({"field": "tags.odd", "equals": "[x"})", registry));
}

TEST(DefinitionRule, WhatCannotBeComparedIsNonCompliantAsAzureDeniesIt) {
  const Evaluation evaluation = Evaluated(R"({"field": "R.loginServer", "less": 5})", Registry());
  EXPECT_EQ(evaluation.result, FindingResult::kNonCompliant);
  const Evidence evidence = OnlyEvidence(evaluation);
  EXPECT_EQ(evidence.field, "loginServer");
  EXPECT_EQ(evidence.actual, "\"contoso.azurecr.io\"");
  EXPECT_EQ(evidence.expected, "comparable with 5");
}

TEST(DefinitionRule, AFailureMattersOnlyWhereNothingElseDecides) {
  const std::string failing = R"({"field": "R.loginServer", "less": 5})";
  const std::string no = R"({"field": "name", "equals": "fabrikam"})";
  EXPECT_FALSE(IsTrue("{\"allOf\": [" + failing + "," + no + "]}"));
  EXPECT_TRUE(IsTrue("{\"anyOf\": [" + failing + "," + no + "]}"));
  EXPECT_TRUE(IsTrue("{\"not\": " + failing + "}")) << "the negation of a failure is a failure";
  EXPECT_TRUE(IsTrue(R"({"count": {"field": "R.privateEndpointConnections[*]", "where":
      {"field": "R.privateEndpointConnections[*].name", "less": 5}}, "greater": 100})"))
      << "a failing where is no number of elements";
}

TEST(DefinitionRule, ARuleThatWouldRunForMinutesFails) {
  json registry = Registry();
  json& rules = registry["properties"]["networkRuleSet"]["ipRules"];
  json& connections = registry["properties"]["privateEndpointConnections"];
  json& hosts = registry["properties"]["dataEndpointHostNames"];
  for (int i = 0; i < 200; ++i) {
    rules.push_back({{"value", "1.2.3.4"}});
    connections.push_back({{"name", "x"}});
    hosts.push_back("x");
  }
  EXPECT_TRUE(IsTrue(R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where":
      {"count": {"field": "R.privateEndpointConnections[*]", "where":
      {"count": {"field": "R.dataEndpointHostNames[*]", "where": {"field": "name", "equals": "contoso"}}, "greater": 0}}, "greater": 0}},
      "less": 0})",
                     registry));
}

TEST(DefinitionRule, UnknownConstructsAreRefusedWithTheirPath) {
  const struct {
    const char* condition;
    const char* error;
  } cases[] = {
      {R"({"allOf": [{"field": "name", "equals": "x"}, {"field": "name", "fooBar": "x"}]})",
       "test.json: $.properties.policyRule.if.allOf[1].fooBar: \"fooBar\" is no condition"},
      {R"({"field": "name", "equal": "x"})", "did you mean \"equals\"?"},
      {R"({"field": "R.encryption.statu", "equals": "x"})", "did you mean \"encryption.status\"?"},
      {R"({"field": "R.encryption.statu", "equals": "x"})", "$.properties.policyRule.if.field: "},
      {R"({"field": "Microsoft.Storage/storageAccounts/sku.name", "equals": "x"})", "only definitions about these can be used"},
      {R"({"field": "sku.name", "equals": "x"})", "neither a field of every resource nor an alias"},
      {R"({"field": "R.agentPools/count", "equals": 1})", "alias of a child resource that is not read here"},
      {R"({"field": "R.tokens/state", "equals": "x"})", "did you mean \"status\"?"},
      {R"({"field": "tags['']", "exists": true})", "has no name"},
      {R"({"field": 7, "exists": true})", "expected the name of a field"},
      {R"({"field": "name", "equals": "[toLower('X'')]"})",
       "$.properties.policyRule.if.equals: the expression \"[toLower('X'')]\": position 10: the string has no closing quote"},
      {R"({"field": "name", "in": ["a", "[concat()]"]})", "$.properties.policyRule.if.in[1]: "},
      {R"({"field": "name", "equals": "[parameters('none')]"})", "declares no parameter \"none\""},
      {R"({"field": "name", "equals": "[parameters('a'),parameters('b')]"})", "expected the end of the expression"},
      {R"({"field": "name", "equals": "[[x"})", "stands for a literal"},
      {R"({"field": "name"})", "lacks its comparison"},
      {R"({"equals": "x"})", "lacks its \"field\""},
      {R"({"field": "name", "equals": "x", "Equals": "y"})", "in one condition"},
      {R"({"field": "name", "value": "x", "equals": "y"})", "in one condition"},
      {R"({"allOf": [], "field": "name"})", "must stand alone"},
      {R"({"allOf": {"field": "name", "equals": "x"}})", "expected an array of conditions"},
      {R"({"anyOf": []})", "expected an array of conditions"},
      {R"({"not": []})", "$.properties.policyRule.if.not: expected an object"},
      {R"({"field": "name", "in": "x"})", "cannot compare"},
      {R"({"field": "name", "like": "a*b*c"})", "cannot compare"},
      {R"({"field": "name", "contains": "a*"})", "cannot compare"},
      {R"({"field": "name", "exists": "perhaps"})", "cannot compare"},
      {R"({"field": "name", "less": true})", "cannot compare"},
      {R"({"count": {"value": [1], "field": "R.privateEndpointConnections[*]"}, "less": 1})", "has no \"value\""},
      {R"({"count": {"name": "x", "field": "R.privateEndpointConnections[*]"}, "less": 1})", "has no \"value\" and no \"name\""},
      {R"({"count": {"value": "x", "name": "x"}, "less": 1})", "$.properties.policyRule.if.count.value: expected an array"},
      {R"({"count": {"value": [1], "name": "a b"}, "less": 1})", "$.properties.policyRule.if.count.name: expected a name of English"},
      {R"({"count": {"value": [1], "names": "a"}, "less": 1})", "$.properties.policyRule.if.count.names: a count has one"},
      {R"({"count": {"field": "R.privateEndpointConnections"}, "less": 1})", "expected an array alias, which ends with [*]"},
      {R"({"count": {"where": {"field": "name", "equals": "x"}}, "less": 1})", "lacks its \"field\""},
      {R"({"count": {"field": "R.privateEndpointConnections[*]"}, "less": "many"})", "only be compared with a number"},
      {R"("x")", "$.properties.policyRule.if: expected an object"},
      {R"({})", "$.properties.policyRule.if: expected an object"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(ErrorOf(c.condition).find(c.error), std::string::npos) << c.condition << "\n" << ErrorOf(c.condition);
  }
}

TEST(DefinitionRule, AzuresLimitsHold) {
  std::string nested = R"({"field": "name", "equals": "x"})";
  for (std::size_t i = 1; i < kMaxRuleNesting; ++i) {
    nested = R"({"not": )" + nested + "}";
  }
  EXPECT_EQ(ErrorOf(nested), "no error");
  EXPECT_NE(ErrorOf(R"({"not": )" + nested + "}").find("nested deeper than 64"), std::string::npos);

  json conditions = json::array();
  for (std::size_t i = 0; i < kMaxRuleConditions; ++i) {
    conditions.push_back({{"field", "name"}, {"equals", "x"}});
  }
  EXPECT_EQ(ErrorOf(json{{"allOf", conditions}}.dump()), "no error");
  conditions.push_back(conditions.back());
  EXPECT_NE(ErrorOf(json{{"allOf", conditions}}.dump()).find("more than 4096 conditions"), std::string::npos);

  json counts = json::array();
  for (std::size_t i = 0; i < kMaxCountsPerArray; ++i) {
    counts.push_back({{"count", {{"field", "R.privateEndpointConnections[*]"}}}, {"less", 1}});
  }
  EXPECT_EQ(ErrorOf(json{{"allOf", counts}}.dump()), "no error");
  counts.push_back(counts.back());
  EXPECT_NE(ErrorOf(json{{"allOf", counts}}.dump()).find("more than 5 counts"), std::string::npos);
}

TEST(DefinitionRule, RulesAboutOtherTypesAreRefused) {
  const char* refused[] = {
      R"({"field": "type", "equals": "Microsoft.ContainerRegistry/registries/agentPools"})",
      R"({"allOf": [{"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, {"field": "location", "equals": "eastus"}]})",
      R"({"allOf": [{"not": {"field": "type", "like": "Microsoft.ContainerRegistry/*"}}, {"field": "location", "equals": "eastus"}]})",
      R"({"field": "type", "in": ["a", "b"]})",
  };
  for (const char* condition : refused) {
    EXPECT_NE(ErrorOf(condition).find("another kind of resource"), std::string::npos) << condition;
  }
  EXPECT_EQ(
      ErrorOf(R"({"anyOf": [{"field": "type", "equals": "a"}, {"field": "type", "equals": "microsoft.containerregistry/registries"}]})"),
      "no error");
  EXPECT_EQ(ErrorOf(R"({"field": "location", "notIn": ["eastus"]})"), "no error") << "such a rule judges every type";
}

TEST(DefinitionRule, ATypeThatIsComputedIsRefusedWhereNothingElseTellsTheKind) {
  const json parameters = {{"t", {{"type", "String"}}}, {"l", {{"type", "Array"}}}};
  const std::string said = ": only a literal tells whether the rule is about registries or about which of their children";
  const auto refused = [&](const char* condition, const std::string& path) {
    const std::string error = ErrorOf(condition, parameters);
    EXPECT_NE(error.find("$.properties.policyRule.if" + path + said), std::string::npos) << error;
  };
  refused(R"({"field": "type", "equals": "[parameters('t')]"})", ".equals");
  refused(R"({"allOf": [{"field": "name", "like": "a*"}, {"not": {"field": "type", "in": ["x", "[parameters('t')]"]}}]})",
          ".allOf[1].not.in");
  refused(R"({"field": "TYPE", "notIn": "[parameters('l')]"})", ".notIn");
  for (const char* told : {R"({"allOf": [{"field": "type", "equals": "[parameters('t')]"}, {"field": "R.tokens/status", "equals": "x"}]})",
                           R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
                                         {"field": "type", "notIn": "[parameters('l')]"}]})"}) {
    EXPECT_EQ(ErrorOf(told, parameters), "no error") << told;
  }
}

TEST(DefinitionRule, AResourceOfAnotherTypeIsCompliant) {
  json other = Registry();
  other["type"] = "Microsoft.Storage/storageAccounts";
  const char* rule =
      R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"}, {"field": "R.sku.name", "equals": "Premium"}]})";
  EXPECT_TRUE(IsTrue(rule));
  EXPECT_FALSE(IsTrue(rule, other));
}

TEST(DefinitionEvidence, NamesFieldActualAndExpectedForAPerson) {
  json registry = Registry();
  registry["properties"]["publicNetworkAccess"] = "Enabled";
  registry["properties"]["adminUserEnabled"] = true;
  const struct {
    const char* condition;
    const char* field;
    const char* actual;
    const char* expected;
    bool brief;
  } cases[] = {
      {R"({"field": "R.publicNetworkAccess", "equals": "Enabled"})", "publicNetworkAccess", "\"Enabled\"", "Disabled", true},
      {R"({"field": "R.adminUserEnabled", "equals": true})", "adminUserEnabled", "true", "false", true},
      {R"({"field": "R.adminUserEnabled", "equals": "true"})", "adminUserEnabled", "true", "false", true},
      {R"({"field": "R.networkRuleSet.defaultAction", "equals": "Deny"})", "networkRuleSet.defaultAction", "\"Deny\"", "Allow", true},
      {R"({"field": "R.sku.name", "equals": "Premium"})", "sku.name", "\"Premium\"", "not Premium", true},
      {R"({"field": "R.sku.name", "notEquals": "Basic"})", "sku.name", "\"Premium\"", "Basic", true},
      {R"({"field": "R.sku.name", "in": ["Premium", "Basic"]})", "sku.name", "\"Premium\"", "none of Premium, Basic", true},
      {R"({"field": "R.sku.name", "notIn": ["Basic"]})", "sku.name", "\"Premium\"", "one of Basic", true},
      {R"({"field": "R.loginServer", "like": "contoso*"})", "loginServer", "\"contoso.azurecr.io\"", "not like contoso*", false},
      {R"({"field": "tags['team']", "equals": "Payments"})", "tags.team", "\"Payments\"", "not Payments", true},
      {R"({"field": "tags['owner']", "exists": false})", "tags.owner", "null", "present", true},
      {R"({"field": "tags['owner']", "notEquals": ""})", "tags.owner", "null", "\"\"", true},
      {R"({"field": "R.policies.retentionPolicy.days", "less": 30})", "policies.retentionPolicy.days", "7", "at least 30", true},
      {R"({"not": {"field": "R.policies.retentionPolicy.days", "greaterOrEquals": 30}})", "policies.retentionPolicy.days", "7",
       "at least 30", true},
      {R"({"not": {"field": "R.zoneRedundancy", "equals": "Enabled"}})", "zoneRedundancy", "\"Disabled\"", "Enabled", true},
      {R"({"field": "R.networkRuleSet.ipRules[*].action", "equals": "Allow"})", "networkRuleSet.ipRules[*].action", "[\"Allow\",\"Allow\"]",
       "at least one not Allow", false},
      {R"({"field": "R.encryption", "exists": true})", "encryption", "{\"status\":\"disabled\"}", "absent", false},
      {R"({"count": {"field": "R.privateEndpointConnections[*]", "where":
           {"field": "R.privateEndpointConnections[*].privateLinkServiceConnectionState.status", "equals": "Rejected"}}, "less": 1})",
       "privateEndpointConnections[*] where status is Rejected", "0", "at least 1", true},
      {R"({"count": {"field": "R.privateEndpointConnections[*]"}, "greater": 1})", "privateEndpointConnections[*]", "2", "at most 1", true},
      {R"({"count": {"field": "R.networkRuleSet.virtualNetworkRules[*]"}, "equals": 0})", "networkRuleSet.virtualNetworkRules[*]", "0",
       "at least 1", true},
  };
  for (const auto& c : cases) {
    const Evidence evidence = OnlyEvidence(Evaluated(c.condition, registry));
    EXPECT_EQ(evidence.field, c.field) << c.condition;
    EXPECT_EQ(evidence.actual, c.actual) << c.condition;
    EXPECT_EQ(evidence.expected, c.expected) << c.condition;
    EXPECT_EQ(evidence.brief, c.brief) << c.condition;
  }
}

TEST(DefinitionEvidence, OneEntryAFieldAndNoneForTheType) {
  json registry = Registry();
  registry["properties"].erase("networkRuleSet");
  const Evidence evidence = OnlyEvidence(Evaluated(R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
      {"anyOf": [{"field": "R.networkRuleSet", "exists": false}, {"field": "R.networkRuleSet.defaultAction", "exists": false},
                 {"field": "R.networkRuleSet.defaultAction", "equals": "Allow"}]}]})",
                                                   registry));
  EXPECT_EQ(evidence.field, "networkRuleSet.defaultAction");
  EXPECT_EQ(evidence.actual, "null");
  EXPECT_EQ(evidence.expected, "Deny");
}

TEST(DefinitionEvidence, IsTheTypeWhereNothingElseDecided) {
  const Evidence only = OnlyEvidence(Evaluated(R"({"not": {"field": "type", "in": ["Microsoft.Compute/virtualMachines"]}})", Registry()));
  EXPECT_EQ(only.field, "type");
  EXPECT_EQ(only.actual, R"("Microsoft.ContainerRegistry/registries")");
  EXPECT_EQ(only.expected, "one of Microsoft.Compute/virtualMachines");
  EXPECT_TRUE(Evaluated(R"({"field": "type", "equals": "Microsoft.ContainerRegistry/registries"})", Registry()).evidence.size() == 1);
  EXPECT_EQ(OnlyEvidence(Evaluated(R"({"anyOf": [{"field": "R.adminUserEnabled", "equals": true},
      {"field": "type", "notEquals": "Microsoft.Storage/storageAccounts"}]})",
                                   Registry()))
                .field,
            "type");
}

TEST(DefinitionEvidence, OnlyConditionsThatDecided) {
  const Evidence evidence = OnlyEvidence(Evaluated(R"({"anyOf": [{"field": "R.sku.name", "equals": "Basic"},
      {"not": {"allOf": [{"field": "R.zoneRedundancy", "equals": "Enabled"}, {"field": "name", "equals": "contoso"},
                         {"field": "tags.team", "exists": true}]}}]})",
                                                   Registry()));
  EXPECT_EQ(evidence.field, "zoneRedundancy");
}

TEST(DefinitionEvidence, WhatParametersAloneDecideIsSaid) {
  const auto definition = Parse(R"({"value": "[parameters('mode')]", "equals": "strict"})", {{"mode", {{"type", "String"}}}});
  ASSERT_NE(definition, nullptr);
  const Evidence evidence = OnlyEvidence(Evaluate(*definition, {{"mode", "strict"}}, Registry(), kNow));
  EXPECT_EQ(evidence.field, "parameters('mode')");
  EXPECT_EQ(evidence.actual, "\"strict\"");
}

// The limit is one of steps: what is compared with counts by its size.
constexpr const char* kTooMuch = "the definition needs more than 1000000 steps or 64 MiB on this registry";

json Texts(std::size_t number) {
  json texts = json::array();
  for (std::size_t i = 0; i < number; ++i) {
    texts.push_back("text " + std::to_string(i));
  }
  return texts;
}

TEST(DefinitionRule, WhatIsComparedWithCountsBySize) {
  json registry = Registry();
  json& rules = registry["properties"]["networkRuleSet"]["ipRules"] = json::array();
  for (int i = 0; i < 200; ++i) {
    rules.push_back({{"value", "10.0.0." + std::to_string(i)}});
  }
  const json parameters = {{"l", {{"type", "Array"}}}, {"t", {{"type", "String"}}}, {"n", {{"type", "Array"}}}};
  const json bound = {{"l", Texts(45000)}, {"t", std::string(100000, 'x')}, {"n", Texts(100)}};
  const std::string counts = R"({"count": {"field": "R.networkRuleSet.ipRules[*]", "where": {"count": {"value": "[parameters('n')]",
      "name": "n", "where": WHERE}, "greater": 0}}, "greater": 0})";
  for (const char* where :
       {R"({"field": "R.networkRuleSet.ipRules[*].value", "notIn": "[parameters('l')]"})",
        R"({"field": "R.networkRuleSet.ipRules[*].value", "in": ["x", "[parameters('l')]"]})",
        R"({"value": "[parameters('l')]", "contains": "[current('n')]"})", R"({"value": "[parameters('t')]", "notContains": "y"})",
        R"({"value": "[parameters('t')]", "notLike": "*y"})", R"({"value": "[parameters('t')]", "notEquals": "[parameters('t')]"})",
        R"({"value": "[parameters('l')]", "equals": "[parameters('l')]"})", R"({"field": "location", "in": "[parameters('l')]"})"}) {
    std::string condition = counts;
    condition.replace(condition.find("WHERE"), 5, where);
    const auto definition = Parse(condition, parameters);
    ASSERT_TRUE(definition);
    const Evaluation evaluation = Evaluate(*definition, bound, registry, kNow);
    EXPECT_EQ(evaluation.result, FindingResult::kUnknown) << where;
    EXPECT_EQ(evaluation.reason, kTooMuch) << where;
  }
  const auto sensible = Parse(R"({"field": "R.networkRuleSet.ipRules[*].value", "notIn": "[parameters('l')]"})", parameters);
  json few = Registry();
  EXPECT_EQ(Evaluate(*sensible, bound, few, kNow).result, FindingResult::kNonCompliant);
}

TEST(DefinitionRule, ObjectsOfManyMembersCountByTheSquareOfThese) {
  json lower = json::object();
  json upper = json::object();
  for (int i = 0; i < 10000; ++i) {
    lower["a" + std::to_string(i)] = i;
    upper["A" + std::to_string(i)] = i;
  }
  const auto definition =
      Parse(R"({"value": "[parameters('a')]", "equals": "[parameters('b')]"})", {{"a", {{"type", "Object"}}}, {"b", {{"type", "Object"}}}});
  EXPECT_EQ(Evaluate(*definition, {{"a", lower}, {"b", upper}}, Registry(), kNow).reason, kTooMuch);
}

TEST(DefinitionEvidence, IsGivenUpOnWhereItNeedsAsMuchAsARuleMay) {
  // True of 4 × 200,000 steps; each of the operators around it is judged again to say why.
  std::string condition = R"({"value": "[parameters('l')]", "notContains": "x"})";
  for (int i = 0; i < 20; ++i) {
    condition = R"({"allOf": [)" + condition + "]}";
  }
  const auto definition = Parse(condition, {{"l", {{"type", "Array"}}}});
  const Evaluation evaluation = Evaluate(*definition, {{"l", Texts(200000)}}, Registry(), kNow);
  EXPECT_EQ(evaluation.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(evaluation).field, "the rule");
}

TEST(DefinitionEvidence, IsBoundedAndStaysJson) {
  json registry = Registry();
  json conditions = json::array();
  for (int i = 0; i < 20; ++i) {
    const std::string tag = "t" + std::to_string(i);
    registry["tags"][tag] = std::string(1000, '\x01') + "é";
    conditions.push_back({{"field", "tags." + tag}, {"notEquals", std::string(1000, 'x')}});
  }
  registry["properties"]["networkRuleSet"]["ipRules"] = json::array();
  for (int i = 0; i < 200; ++i) {
    registry["properties"]["networkRuleSet"]["ipRules"].push_back({{"value", "255.255.255.255"}});
  }
  const json many = {{"field", "R.networkRuleSet.ipRules[*].value"}, {"equals", "255.255.255.255"}};
  conditions.insert(conditions.begin(), many);
  const Evaluation evaluation = Evaluated(json{{"allOf", conditions}}.dump(), registry);
  ASSERT_EQ(evaluation.evidence.size(), kMaxEvidence);
  for (const Evidence& evidence : evaluation.evidence) {
    EXPECT_LE(evidence.actual.size(), kMaxEvidenceText);
    EXPECT_LE(evidence.expected.size(), 256U);
    EXPECT_TRUE(json::accept(evidence.actual)) << evidence.actual;
    EXPECT_FALSE(evidence.brief);
  }
}

TEST(DefinitionUnknown, ADecisionThatRestsOnAHiddenMemberIsUnknown) {
  json registry = Registry();
  registry["properties"].erase("encryption");
  registry["properties"].erase("privateEndpointConnections");
  const Evaluation status = Evaluated(R"({"field": "R.encryption.status", "notEquals": "enabled"})", registry);
  EXPECT_EQ(status.result, FindingResult::kUnknown);
  EXPECT_NE(status.reason.find("encryption.status"), std::string::npos);
  EXPECT_NE(status.reason.find("api-version 2025-11-01"), std::string::npos);
  EXPECT_EQ(OnlyEvidence(status).actual, "null");
  EXPECT_EQ(Evaluated(R"({"field": "R.encryption.keyVaultProperties.keyIdentifier", "exists": false})", registry).result,
            FindingResult::kUnknown);
  const Evaluation count = Evaluated(R"({"count": {"field": "R.privateEndpointConnections[*]"}, "less": 1})", registry);
  EXPECT_EQ(count.result, FindingResult::kUnknown);
  EXPECT_NE(count.reason.find("privateEndpointConnections"), std::string::npos);
}

TEST(DefinitionUnknown, WhatIsNonCompliantAnywayStaysSo) {
  json registry = Registry();
  registry["properties"].erase("encryption");
  const std::string hidden = R"({"field": "R.encryption.status", "notEquals": "enabled"})";
  const std::string open = R"({"field": "R.publicNetworkAccess", "equals": "Disabled"})";
  const Evaluation any = Evaluated("{\"anyOf\": [" + hidden + "," + open + "]}", registry);
  EXPECT_EQ(any.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(any).field, "publicNetworkAccess");
  EXPECT_TRUE(any.reason.empty());
  EXPECT_EQ(Evaluated("{\"allOf\": [" + hidden + "," + open + "]}", registry).result, FindingResult::kUnknown);
}

TEST(DefinitionUnknown, ReadLiveAFalseRuleThatRestsOnAHiddenMemberIsUnknownToo) {
  json registry = Registry();
  registry["properties"].erase("encryption");
  registry["properties"].erase("anonymousPullEnabled");
  const auto live = [&](const std::string& condition) {
    return Evaluate(*Parse(condition), json::object(), registry, kNow, HiddenMembers::kUnknown);
  };
  const std::string anonymous = R"({"field": "R.anonymousPullEnabled", "equals": true})";
  const std::string encrypted = R"({"field": "R.encryption.status", "equals": "enabled"})";
  const std::string missing = R"({"field": "R.encryption.status", "exists": false})";
  const std::string open = R"({"field": "R.publicNetworkAccess", "equals": "Enabled"})";
  EXPECT_EQ(live("{\"allOf\": [" + anonymous + "," + open + "]}").result, FindingResult::kCompliant) << "open is false whatever is hidden";

  const Evaluation any = live("{\"anyOf\": [" + anonymous + "," + encrypted + "," + open + "]}");
  EXPECT_EQ(any.result, FindingResult::kUnknown);
  EXPECT_NE(any.reason.find("without anonymousPullEnabled, encryption.status, which"), std::string::npos) << any.reason;
  ASSERT_EQ(any.evidence.size(), 3U);
  EXPECT_EQ(any.evidence[0].expected, "false");
  EXPECT_EQ(any.evidence[1].expected, "disabled");

  const Evaluation none = live("{\"not\": {\"anyOf\": [" + missing + "," + encrypted + "]}}");
  EXPECT_EQ(none.result, FindingResult::kUnknown);
  EXPECT_EQ(OnlyEvidence(none).field, "encryption.status");
  EXPECT_EQ(OnlyEvidence(none).expected, "absent");
}

TEST(DefinitionUnknown, CompliantStaysCompliantAndLegitimateAbsenceDecides) {
  json registry = Registry();
  registry["properties"].erase("anonymousPullEnabled");
  registry["properties"].erase("networkRuleSet");
  EXPECT_EQ(Evaluated(R"({"field": "R.anonymousPullEnabled", "equals": true})", registry).result, FindingResult::kCompliant);
  EXPECT_EQ(Evaluated(R"({"field": "R.networkRuleSet.defaultAction", "exists": false})", registry).result, FindingResult::kNonCompliant);
  EXPECT_EQ(Evaluated(R"({"field": "R.encryption.keyVaultProperties.keyIdentifier", "exists": false})", registry).result,
            FindingResult::kNonCompliant);
  EXPECT_EQ(Evaluated(R"({"field": "tags.owner", "exists": false})", registry).result, FindingResult::kNonCompliant);
}

}  // namespace
}  // namespace policy
