#include "policy/definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace policy {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

json Flat() {
  return json::parse(R"({
    "description": "x", "displayName": "No admin account", "mode": "All",
    "id": "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Authorization/policyDefinitions/no-admin",
    "name": "no-admin", "metadata": {"version": "1.2.3", "remedy": "az acr update --name {name} --admin-enabled false"},
    "parameters": {"effect": {"type": "string", "allowedValues": ["Audit", "Deny"], "defaultValue": "Audit"}},
    "policyRule": {"if": {"field": "Microsoft.ContainerRegistry/registries/adminUserEnabled", "equals": true},
                   "then": {"effect": "[parameters('effect')]"}},
    "policyType": "Custom", "systemData": {}, "type": "Microsoft.Authorization/policyDefinitions"})");
}

std::string ErrorOf(const json& document) {
  const auto definition = ParseDefinition(document.dump(), "a.json", "a");
  return definition ? "no error" : definition.error().message;
}

TEST(Definition, TakesWhatAzPrints) {
  const auto definition = ParseDefinition(Flat().dump(), "no-admin.json", "short");
  ASSERT_TRUE(definition) << definition.error().message;
  EXPECT_EQ((*definition)->name, "short");
  EXPECT_EQ((*definition)->guid, "no-admin");
  EXPECT_THAT((*definition)->id, HasSubstr("/managementGroups/m/"));
  EXPECT_EQ((*definition)->display_name, "No admin account");
  EXPECT_EQ((*definition)->version, "1.2.3");
  EXPECT_EQ((*definition)->remedy, "az acr update --name {name} --admin-enabled false");
  ASSERT_EQ((*definition)->parameters.size(), 1U);
  EXPECT_EQ((*definition)->parameters[0].type, "String");
}

TEST(Definition, TakesArmsShape) {
  json arm = {{"id", Flat()["id"]}, {"name", "no-admin"}, {"properties", Flat()}};
  arm["properties"].erase("id");
  const auto definition = ParseDefinition(arm.dump(), "no-admin.json", "short");
  ASSERT_TRUE(definition) << definition.error().message;
  EXPECT_EQ((*definition)->guid, "no-admin");
  EXPECT_EQ((*definition)->version, "1.2.3");
}

TEST(Definition, RefusesWhatIsNoDefinitionAndSaysWhere) {
  const auto with = [](const char* pointer, json value) {
    json document = Flat();
    document[json::json_pointer(pointer)] = std::move(value);
    return ErrorOf(document);
  };
  EXPECT_THAT(with("/policyRule", 7), HasSubstr("a.json: $.policyRule: expected an object"));
  EXPECT_THAT(with("/policyRule/if", nullptr), HasSubstr("$.policyRule.if: expected a condition"));
  EXPECT_THAT(with("/policyRule/then", json::object()), HasSubstr("$.policyRule.then.effect: expected a string"));
  EXPECT_THAT(with("/policyRule/then/effect", 7), HasSubstr("$.policyRule.then.effect: expected a string"));
  EXPECT_THAT(with("/mode", "Microsoft.Kubernetes.Data"), HasSubstr("$.mode: "));
  EXPECT_THAT(with("/policyDefinitions", json::array()), HasSubstr("an initiative"));
  EXPECT_THAT(with("/properties", json::array()), HasSubstr("$.properties: expected an object"));
  EXPECT_THAT(with("/parameters", json::array()), HasSubstr("$.parameters: expected an object"));
  EXPECT_THAT(with("/parameters/effect", 7), HasSubstr("$.parameters.effect.type: expected String"));
  EXPECT_THAT(with("/parameters/effect/type", "Text"), HasSubstr("$.parameters.effect.type: expected String"));
  EXPECT_THAT(with("/parameters/effect/defaultValue", 7), HasSubstr("$.parameters.effect.defaultValue: expected a value of type String"));
  EXPECT_THAT(with("/parameters/effect/defaultValue", "audit"), HasSubstr("not among the allowed values"));
  EXPECT_THAT(with("/parameters/effect/allowedValues", "Audit"), HasSubstr("$.parameters.effect.allowedValues: expected an array"));
  EXPECT_THAT(ErrorOf(json::array()), HasSubstr("$: expected an object"));
  EXPECT_THAT(with("/parameters", nullptr), HasSubstr("$.policyRule.then.effect: ")) << "which comes from one";
}

TEST(Definition, RefusesWhatIsNoJsonWithTheFilesName) {
  const auto definition = ParseDefinition("{\"a\": }", "a.json", "a");
  ASSERT_FALSE(definition);
  EXPECT_TRUE(definition.error().message.starts_with("a.json")) << definition.error().message;
}

TEST(DefinitionSet, FindsByNameGuidAndIdWithoutRegardToCase) {
  const DefinitionSet set = DefinitionSet::WithBuiltIns();
  const auto cmk = set.Find("customer-managed-key");
  ASSERT_NE(cmk, nullptr);
  EXPECT_EQ(set.Find("Customer-Managed-KEY"), cmk);
  EXPECT_EQ(set.Find("5B9159AE-1701-4a6f-9a7a-aa9c8ddd0580"), cmk);
  EXPECT_EQ(set.Find("/providers/microsoft.authorization/policydefinitions/5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580"), cmk);
  EXPECT_EQ(set.Find("customer-managed"), nullptr);
  EXPECT_EQ(set.Find(""), nullptr);
}

TEST(DefinitionSet, TakesNoNameOrIdTwice) {
  DefinitionSet set = DefinitionSet::WithBuiltIns();
  const std::size_t built_in = set.Names().size();
  ASSERT_TRUE(set.Add(*ParseDefinition(Flat().dump(), "a.json", "no-admin")));
  EXPECT_NE(set.Find("no-admin"), nullptr);
  EXPECT_EQ(set.Names().size(), built_in + 1);

  const auto same_id = set.Add(*ParseDefinition(Flat().dump(), "b.json", "b"));
  ASSERT_FALSE(same_id);
  EXPECT_THAT(same_id.error().message, HasSubstr("already the definition \"no-admin\""));
  EXPECT_FALSE(set.Add(*ParseDefinition(Flat().dump(), "private-link.json", "Private-Link")));

  // What Azure prints of a built-in definition works unedited.
  constexpr const char* kGuid = "e8eef0a8-67cf-4eb4-9386-14b0e78733d4";
  json exported = Flat();
  exported["name"] = kGuid;
  exported["id"] = std::string("/providers/Microsoft.Authorization/policyDefinitions/") + kGuid;
  ASSERT_TRUE(set.Add(*ParseDefinition(exported.dump(), "exported.json", "exported")));
  EXPECT_EQ(set.Find(kGuid)->name, "exported");
  EXPECT_EQ(set.Find("private-link")->guid, kGuid);
  EXPECT_NE(set.Find("private-link"), set.Find(kGuid));
  EXPECT_FALSE(set.Add(*ParseDefinition(exported.dump(), "again.json", "again")));
  EXPECT_EQ(set.Names().size(), built_in + 2);
}

std::shared_ptr<const Definition> WithParameters(const char* parameters) {
  json document = Flat();
  document["parameters"] = json::parse(parameters);
  document["policyRule"]["then"]["effect"] = "deny";
  json& condition = document["policyRule"]["if"];
  condition = {{"anyOf", json::array({condition})}};
  for (const auto& [name, body] : document["parameters"].items()) {
    if (!name.starts_with("unused")) {
      condition["anyOf"].push_back({{"value", "[parameters('" + name + "')]"}, {"equals", "x"}});
    }
  }
  return ParseDefinition(document.dump(), "a.json", "a").value();
}

TEST(BindParameters, CompletesWithDefaultsUnderTheDeclaredNames) {
  const auto definition = WithParameters(R"({"maxDays": {"type": "Integer", "defaultValue": 7}, "names": {"type": "Array"}})");
  const auto bound = BindParameters(*definition, {{"NAMES", {"x"}}});
  ASSERT_TRUE(bound) << bound.error().front();
  EXPECT_EQ(*bound, json::parse(R"({"maxDays": 7, "names": ["x"]})"));
}

TEST(BindParameters, TellsEveryProblem) {
  const auto definition = WithParameters(R"({"days": {"type": "Integer"}, "mode": {"type": "String", "allowedValues": ["A", "B"]},
                                             "missing": {"type": "Boolean"}})");
  const auto bound = BindParameters(*definition, {{"days", "7"}, {"mode", "a"}, {"moed", 1}});
  ASSERT_FALSE(bound);
  EXPECT_THAT(bound.error(),
              ElementsAre(HasSubstr("expected a value of type Integer"), HasSubstr("\"a\" is not among the allowed values"),
                          HasSubstr("no parameter \"moed\"; did you mean \"mode\"?"), HasSubstr("needs its parameter missing")));
}

TEST(BindParameters, ChecksEveryType) {
  const auto definition = WithParameters(R"({"s": {"type": "String", "defaultValue": ""}, "a": {"type": "array", "defaultValue": []},
      "o": {"type": "Object", "defaultValue": {}}, "b": {"type": "Boolean", "defaultValue": true}, "f": {"type": "Float", "defaultValue": 1.5},
      "t": {"type": "DateTime", "defaultValue": "2024-01-01T00:00:00.0000000Z"}, "l": {"type": "Array", "allowedValues": ["x", "y"], "defaultValue": []}})");
  EXPECT_TRUE(BindParameters(*definition, json::parse(R"({"s": "x", "a": [1], "o": {"x": 1}, "b": false, "f": 2,
                                                          "t": "2024-01-01T00:00:00Z", "l": ["y", "x"]})")));
  for (const char* wrong : {R"({"s": 1})", R"({"a": "x"})", R"({"o": []})", R"({"b": "true"})", R"({"f": "1"})", R"({"t": "yesterday"})",
                            R"({"l": ["z"]})", R"({"s": null})", R"([1])"}) {
    EXPECT_FALSE(BindParameters(*definition, json::parse(wrong))) << wrong;
  }
}

TEST(BindParameters, NeedsNoParameterThatOnlyTheEffectUses) {
  const auto definition = WithParameters(R"({"unusedSubnet": {"type": "String"}})");
  EXPECT_TRUE(BindParameters(*definition, json::object()));
  EXPECT_TRUE(BindParameters(*definition, nullptr));
}

}  // namespace
}  // namespace policy
