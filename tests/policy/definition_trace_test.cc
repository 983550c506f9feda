#include "policy/definition_trace.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/definition_world.h"

namespace policy {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

RuleTrace Trace(const std::string& condition, const json& resource = Registry(), const json& parameters = json::object(),
                const json& bound = json::object()) {
  const auto definition = Parse(condition, parameters);
  return definition ? TraceRule(*definition, bound, resource, kNow) : RuleTrace{};
}

TEST(TraceRule, ShowsEveryConditionWhetherItDecidedOrNot) {
  const RuleTrace trace = Trace(R"({"allOf": [
      {"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
      {"field": "R.adminUserEnabled", "equals": true},
      {"not": {"field": "R.sku.name", "in": ["Premium"]}}]})");
  EXPECT_EQ(trace.kind, RuleTrace::Kind::kAllOf);
  EXPECT_EQ(trace.outcome, Outcome::kFalse);
  ASSERT_EQ(trace.members.size(), 3U);
  EXPECT_EQ(trace.members[0].subject, "type");
  EXPECT_EQ(trace.members[0].outcome, Outcome::kTrue);
  EXPECT_EQ(trace.members[1].subject, "adminUserEnabled");
  EXPECT_EQ(trace.members[1].actual, "false");
  EXPECT_EQ(trace.members[1].comparison, "equals");
  EXPECT_EQ(trace.members[1].expected, "true");
  EXPECT_EQ(trace.members[1].outcome, Outcome::kFalse);
  EXPECT_EQ(trace.members[2].kind, RuleTrace::Kind::kNot);
  EXPECT_EQ(trace.members[2].outcome, Outcome::kFalse);
  ASSERT_EQ(trace.members[2].members.size(), 1U);
  EXPECT_EQ(trace.members[2].members[0].expected, R"(["Premium"])");
  EXPECT_EQ(trace.members[2].members[0].outcome, Outcome::kTrue);
}

TEST(TraceRule, ComesToWhatEvaluateSays) {
  const auto definition =
      Parse(R"({"anyOf": [{"field": "R.publicNetworkAccess", "notEquals": "Disabled"}, {"field": "name", "like": "con*"}]})");
  EXPECT_EQ(TraceRule(*definition, json::object(), Registry(), kNow).outcome, Outcome::kTrue);
  EXPECT_EQ(Evaluate(*definition, json::object(), Registry(), kNow).result, FindingResult::kNonCompliant);
}

TEST(TraceRule, WritesComparisonsAsAzureDoes) {
  EXPECT_EQ(Trace(R"({"field": "name", "notContains": "x"})").comparison, "notContains");
  EXPECT_EQ(Trace(R"({"field": "name", "matchInsensitively": "x"})").comparison, "matchInsensitively");
  EXPECT_EQ(Trace(R"({"field": "tags['x']", "exists": "false"})").comparison, "exists");
  EXPECT_EQ(Trace(R"({"field": "R.policies.retentionPolicy.days", "greaterOrEquals": 7})").comparison, "greaterOrEquals");
}

TEST(TraceRule, ShowsAllValuesOfAnArray) {
  const RuleTrace trace = Trace(R"({"field": "R.networkRuleSet.ipRules[*].value", "like": "10.*"})");
  EXPECT_EQ(trace.subject, "networkRuleSet.ipRules[*].value");
  EXPECT_EQ(trace.actual, R"(["10.0.0.0/8","16.17.18.0/24"])");
  EXPECT_EQ(trace.outcome, Outcome::kFalse);
}

TEST(TraceRule, ShowsWhatACountCounted) {
  const RuleTrace trace = Trace(R"({"count": {"field": "R.privateEndpointConnections[*]", "where":
      {"field": "R.privateEndpointConnections[*].privateLinkServiceConnectionState.status", "equals": "Approved"}}, "less": 1})");
  EXPECT_EQ(trace.subject, "count of privateEndpointConnections[*] where status is Approved");
  EXPECT_EQ(trace.actual, "1");
  EXPECT_THAT(trace.matched, ElementsAre("\"a\""));
  EXPECT_EQ(trace.outcome, Outcome::kFalse);

  const RuleTrace values = Trace(R"({"count": {"value": ["con", "x"], "name": "n", "where":
      {"field": "name", "contains": "[current('n')]"}}, "equals": 1})");
  EXPECT_THAT(values.subject, HasSubstr("count of values of value where "));
  EXPECT_EQ(values.actual, "1");
  EXPECT_THAT(values.matched, ElementsAre("\"con\""));
}

// Of each condition what it comes to on values that are not there or empty. T: true, f: false, !: Azure fails the rule.
TEST(TraceRule, EveryConditionOnWhatIsNotThere) {
  json registry = Registry();
  registry["tags"] = {{"null", nullptr}, {"empty", ""}};
  registry["properties"]["networkRuleSet"] = {{"virtualNetworkRules", json::array()},
                                              {"ipRules", {{{"value", "a"}}, {{"value", nullptr}}, {{"value", 7}}}}};
  const std::vector<json> lefts = {"tags.null",
                                   "tags.nothing",
                                   "tags.empty",
                                   std::string(kPrefix) + "networkRuleSet.virtualNetworkRules",
                                   std::string(kPrefix) + "networkRuleSet.virtualNetworkRules[*].id",
                                   std::string(kPrefix) + "networkRuleSet.ipRules[*].value"};
  struct Row {
    const char* comparison;
    json operand;
    const char* outcomes;  // of null, missing, "", [], [*] of nothing, [*] of "a", null and 7
  };
  const std::vector<Row> rows = {
      {"equals", "a", "ffffTf"},
      {"notEquals", "a", "TTTTTf"},
      {"equals", "", "ffTfTf"},
      {"notEquals", "", "TTfTTT"},
      {"like", "a*", "ffffTf"},
      {"notLike", "a*", "TTTTTf"},
      {"like", "*", "ffTfTf"},
      {"match", "?", "ffffTf"},
      {"notMatch", "?", "TTTTTf"},
      {"matchInsensitively", "A", "ffffTf"},
      {"notMatchInsensitively", "A", "TTTTTf"},
      {"contains", "a", "ffffTf"},
      {"notContains", "a", "TTTTTf"},
      {"in", {"a", "b"}, "ffffTf"},
      {"notIn", {"a", "b"}, "TTTTTf"},
      {"notIn", json::array(), "TTTTTT"},
      {"containsKey", "a", "ffffTf"},
      {"notContainsKey", "a", "TTTTTT"},
      {"less", "b", "!!T!T!"},
      {"lessOrEquals", "b", "!!T!T!"},
      {"greater", "b", "!!f!Tf"},
      {"greaterOrEquals", "b", "!!f!Tf"},
      {"less", 8, "!!!!T!"},
      {"greater", 6, "!!!!T!"},
      {"exists", true, "ffTTTf"},
      {"exists", "false", "TTffTf"},
  };
  for (const Row& row : rows) {
    std::string outcomes;
    for (const json& left : lefts) {
      const RuleTrace trace = Trace(json{{"field", left}, {row.comparison, row.operand}}.dump(), registry);
      EXPECT_EQ(trace.comparison, row.comparison);
      outcomes += trace.outcome == Outcome::kTrue     ? 'T'
                  : trace.outcome == Outcome::kFalse  ? 'f'
                  : trace.outcome == Outcome::kFailed ? '!'
                                                      : '?';
    }
    EXPECT_EQ(outcomes, row.outcomes) << row.comparison << " " << row.operand;
  }
}

TEST(TraceRule, ComputesExpressions) {
  const RuleTrace trace = Trace(R"({"value": "[toLower(field('tags.Team'))]", "equals": "[parameters('team')]"})", Registry(),
                                {{"team", {{"type", "String"}}}}, {{"team", "search"}});
  EXPECT_EQ(trace.subject, "toLower(field('tags.Team'))");
  EXPECT_EQ(trace.actual, "\"payments\"");
  EXPECT_EQ(trace.expected, "\"search\"");
}

TEST(TraceRule, SaysWhyAConditionFailsOrIsNotKnown) {
  const RuleTrace fails = Trace(R"({"value": "[substring(field('name'), 99)]", "equals": "x"})");
  EXPECT_EQ(fails.outcome, Outcome::kFailed);
  EXPECT_EQ(fails.actual, "");
  EXPECT_THAT(fails.note, HasSubstr("substring: "));
  const RuleTrace words = Trace(R"({"field": "R.policies.retentionPolicy.days", "less": "[parameters('x')]"})", Registry(),
                                {{"x", {{"type", "String"}}}}, {{"x", "many"}});
  EXPECT_EQ(words.outcome, Outcome::kFailed);
  EXPECT_THAT(words.note, HasSubstr("cannot be compared"));
  const RuleTrace unknown = Trace(R"({"value": "[resourceGroup().location]", "equals": "x"})");
  EXPECT_EQ(unknown.outcome, Outcome::kUnknown);
  EXPECT_THAT(unknown.note, HasSubstr("resourceGroup()"));
}

TEST(TraceRule, SaysWhatRestsOnAMemberThatTheDescriptionLacks) {
  json old = Registry();
  old["properties"].erase("publicNetworkAccess");
  const RuleTrace trace = Trace(R"({"field": "R.publicNetworkAccess", "notEquals": "Disabled"})", old);
  EXPECT_EQ(trace.outcome, Outcome::kTrue);
  EXPECT_EQ(trace.actual, "null");
  EXPECT_THAT(trace.note, HasSubstr("read without it"));
}

TEST(TraceRegistry, ShowsEachOfTheResourcesThatTheDefinitionIsAbout) {
  const auto definition =
      Parse(R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries/privateEndpointConnections"},
      {"field": "name", "equals": "b"}]})");
  const json body = Registry();
  RegistryResources resources(body, nullptr);
  const RegistryTrace trace = TraceRegistry(*definition, json::object(), resources, kNow);
  ASSERT_EQ(trace.resources.size(), 2U);
  EXPECT_EQ(trace.resources[0].name, "privateEndpointConnections/a");
  EXPECT_EQ(trace.resources[0].rule.outcome, Outcome::kFalse);
  EXPECT_EQ(trace.resources[1].name, "privateEndpointConnections/b");
  EXPECT_EQ(trace.resources[1].rule.outcome, Outcome::kTrue);
  EXPECT_TRUE(trace.unknown.empty());

  const auto about_both = Parse(R"({"field": "type", "like": "Microsoft.ContainerRegistry/registries*"})");
  const RegistryTrace both = TraceRegistry(*about_both, json::object(), resources, kNow);
  EXPECT_EQ(both.resources[0].name, "");
  EXPECT_EQ(both.resources[0].rule.outcome, Outcome::kTrue);
  EXPECT_FALSE(both.unknown.empty()) << "tokens were not read";
}

TEST(TraceRegistry, ShowsWhatHasToBeThereBesideAResourceForWhichTheRuleIsTrue) {
  const auto trace = [](const std::string& name) {
    const json condition = {{"field", std::string(kPrefix) + "privateEndpointConnections/privateLinkServiceConnectionState.status"},
                            {"equals", "Approved"}};
    const json then = {{"effect", "auditIfNotExists"},
                       {"details", {{"type", std::string(kPrefix) + "privateEndpointConnections"}, {"existenceCondition", condition}}}};
    const json document = {{"policyRule", {{"if", {{"field", "name"}, {"equals", name}}}, {"then", then}}}};
    const auto definition = ParseDefinition(document.dump(), "test.json", "test");
    EXPECT_TRUE(definition) << definition.error().message;
    const json body = Registry();
    RegistryResources resources(body, nullptr);
    return TraceRegistry(**definition, json::object(), resources, kNow).resources.at(0);
  };
  const ResourceTrace asked = trace("contoso");
  ASSERT_TRUE(asked.existence);
  EXPECT_EQ(asked.existence->outcome, Outcome::kTrue);
  EXPECT_EQ(asked.existence->subject, "privateEndpointConnections");
  EXPECT_THAT(asked.existence->names, ElementsAre("privateEndpointConnections/a", "privateEndpointConnections/b"));
  ASSERT_EQ(asked.existence->conditions.size(), 2U);
  EXPECT_EQ(asked.existence->conditions[0].outcome, Outcome::kTrue);
  EXPECT_EQ(asked.existence->conditions[1].outcome, Outcome::kFalse);
  EXPECT_FALSE(trace("fabrikam").existence);
}

TEST(TraceRegistry, TheFunctionFieldOfAnExistenceConditionReadsTheResourceThatTheRuleIsAbout) {
  const json condition = {{"value", "[field('name')]"}, {"equals", "contoso"}};
  const json details = {{"type", std::string(kPrefix) + "privateEndpointConnections"}, {"existenceCondition", condition}};
  const json document = {{"policyRule",
                          {{"if", {{"field", "type"}, {"equals", "Microsoft.ContainerRegistry/registries"}}},
                           {"then", {{"effect", "auditIfNotExists"}, {"details", details}}}}}};
  const auto definition = ParseDefinition(document.dump(), "test.json", "test");
  ASSERT_TRUE(definition) << definition.error().message;
  const json body = Registry();
  RegistryResources resources(body, nullptr);
  const ResourceTrace asked = TraceRegistry(**definition, json::object(), resources, kNow).resources.at(0);
  ASSERT_TRUE(asked.existence && asked.existence->conditions.size() == 2);
  EXPECT_EQ(asked.existence->conditions[0].actual, R"("contoso")");
  EXPECT_EQ(asked.existence->conditions[0].outcome, Outcome::kTrue);
}

TEST(TraceRegistry, IsBounded) {
  json body = Registry();
  json& connections = body["properties"]["privateEndpointConnections"];
  for (std::size_t i = 0; connections.size() < kMaxTracedResources + 3; ++i) {
    connections.push_back({{"name", "c" + std::to_string(i)}, {"properties", json::object()}});
  }
  const auto definition = Parse(R"({"field": "type", "equals": "Microsoft.ContainerRegistry/registries/privateEndpointConnections"})");
  RegistryResources resources(body, nullptr);
  const RegistryTrace trace = TraceRegistry(*definition, json::object(), resources, kNow);
  EXPECT_EQ(trace.resources.size(), kMaxTracedResources);
  EXPECT_EQ(trace.left_out, 3U);
}

TEST(TraceRule, SpendsNoMoreOnAllConditionsThanARuleMay) {
  json texts = json::array();
  for (int i = 0; i < 100000; ++i) {
    texts.push_back("text");
  }
  const json one = {{"value", "[parameters('l')]"}, {"notContains", "x"}};
  const json four = {{"allOf", json::array_t(4, one)}};
  const json rule = {{"allOf", json::array_t(2, four)}};
  const RuleTrace trace = Trace(rule.dump(), Registry(), {{"l", {{"type", "Array"}}}}, {{"l", texts}});
  EXPECT_EQ(trace.outcome, Outcome::kTrue) << "as the finding";
  ASSERT_EQ(trace.members.size(), 2U);
  EXPECT_EQ(trace.members[0].outcome, Outcome::kTrue);
  ASSERT_EQ(trace.members[1].members.size(), 4U);
  EXPECT_EQ(trace.members[1].members[3].outcome, Outcome::kUnknown);
  EXPECT_EQ(trace.members[1].members[3].note, "needs more time or memory than one registry is given");
  EXPECT_EQ(trace.members[1].members[3].comparison, "notContains");
}

TEST(TraceRule, IsBounded) {
  json many = json::array();
  for (std::size_t i = 0; i < kMaxTraced + 100; ++i) {
    many.push_back({{"field", "name"}, {"equals", std::string(10000, 'x')}});
  }
  const RuleTrace trace = Trace(json{{"anyOf", many}}.dump());
  EXPECT_EQ(trace.members.size(), kMaxTraced - 1);
  EXPECT_EQ(trace.left_out, 101U);
  EXPECT_LE(trace.members[0].expected.size(), kMaxEvidenceText);
}

}  // namespace
}  // namespace policy
