// Definitions of Azure's for registries that are not built in here, written from their facts, over bodies that Azure answered.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "policy/definition.h"
#include "tests/policy/definition_world.h"

namespace policy {
namespace {

using nlohmann::json;

// The recorded bodies by their files' names, without those that hold lists.
std::map<std::string, json> Bodies() {
  std::map<std::string, json> bodies;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(ACR_TEST_DATA) + "/registries")) {
    std::ifstream file(entry.path());
    const json body = entry.path().extension() == ".json" ? json::parse(file) : json();
    if (body.is_object() && !body.contains("value")) {
      bodies[entry.path().stem()] = body;
    }
  }
  return bodies;
}

// The files whose registries come to `result`.
std::set<std::string> FilesThatAre(FindingResult result, const std::string& condition, const json& parameters = json::object(),
                                   const json& declared = json::object()) {
  std::set<std::string> files;
  const auto definition = Parse(condition, declared);
  for (const auto& [file, body] : Bodies()) {
    if (definition && Evaluate(*definition, parameters, body, kNow).result == result) {
      files.insert(file);
    }
  }
  return files;
}

constexpr const char* kType = R"({"field": "type", "equals": "Microsoft.ContainerRegistry/registries"})";

std::string AllOf(const std::string& condition) { return std::string("{\"allOf\": [") + kType + ", " + condition + "]}"; }

// [Preview]: Container Registry should use a virtual network service endpoint, c4857be7-912a-4c75-87e6-e30292bcdf78.
TEST(AzureDefinitions, VirtualNetworkServiceEndpoint) {
  const std::string condition = AllOf(R"({"anyOf": [{"field": "R.networkRuleSet.defaultAction", "notEquals": "Deny"},
      {"field": "R.networkRuleSet.virtualNetworkRules[*].action", "exists": "false"}]})");
  EXPECT_EQ(FilesThatAre(FindingResult::kCompliant, condition),
            std::set<std::string>{"premium_default-deny_1-ip_1-vnet_2021-08-01-preview"});
  EXPECT_EQ(FilesThatAre(FindingResult::kUnknown, condition), std::set<std::string>());
}

// Definitions with the effect Modify have the same `if` as those that audit: their counterparts are built in.
TEST(AzureDefinitions, ModifyDefinitionsJudgeAsTheirCounterparts) {
  const std::map<std::string, std::string> conditions = {
      {"public-network-access-disabled", AllOf(R"({"field": "R.publicNetworkAccess", "notEquals": "Disabled"})")},  // a3701552-…
      {"admin-account-disabled", AllOf(R"({"field": "R.adminUserEnabled", "equals": true})")},                      // 79fdfe03-…
      {"anonymous-pull-disabled", AllOf(R"({"field": "R.anonymousPullEnabled", "equals": true})")},                 // cced2946-…
      {"arm-audience-token-disabled",                                                                               // 785596ed-…
       AllOf(R"({"anyOf": [{"field": "R.policies.azureADAuthenticationAsArmPolicy", "exists": false},
           {"field": "R.policies.azureADAuthenticationAsArmPolicy.status", "exists": false},
           {"field": "R.policies.azureADAuthenticationAsArmPolicy.status", "equals": "enabled"}]})")},
  };
  const DefinitionSet built_ins = DefinitionSet::WithBuiltIns();
  for (const auto& [name, condition] : conditions) {
    std::set<std::string> expected;
    for (const auto& [file, body] : Bodies()) {
      if (Evaluate(*built_ins.Find(name), json::object(), body, kNow).result == FindingResult::kNonCompliant) {
        expected.insert(file);
      }
    }
    EXPECT_FALSE(expected.empty()) << name;
    EXPECT_EQ(FilesThatAre(FindingResult::kNonCompliant, condition), expected) << name;
  }
}

// Configure Container registries with private endpoints, d85c6833-7d33-4cf5-a915-aaa2de84405f: its `if`.
TEST(AzureDefinitions, PrivateEndpointsAreMadeForPremiumRegistries) {
  EXPECT_EQ(FilesThatAre(FindingResult::kCompliant, AllOf(R"({"field": "R.sku.name", "equals": "Premium"})")),
            (std::set<std::string>{"basic_open_2023-11-01-preview", "standard_open_2023-11-01-preview"}));
}

// Container Registry should restrict external private endpoints, 696cb1d3-2dcf-4b44-aa7a-caccd18b1b96, asked of the registry's own list
// of connections: an approved one whose endpoint is in another subscription that is not excluded.
constexpr const char* kExternal = R"({"count": {"field": "R.privateEndpointConnections[*]", "where": {"allOf": [
    {"field": "R.privateEndpointConnections[*].privateLinkServiceConnectionState.status", "equals": "Approved"},
    {"anyOf": [
      {"field": "R.privateEndpointConnections[*].privateEndpoint.id", "exists": false},
      {"allOf": [
        {"value": "[split(concat(first(field('R.privateEndpointConnections[*].privateEndpoint.id')), '//'), '/')[2]]",
         "notEquals": "[subscription().subscriptionId]"},
        {"value": "[split(concat(current('R.privateEndpointConnections[*].privateEndpoint.id'), '//'), '/')[2]]",
         "notIn": "[parameters('excludedSubscriptionIDs')]"}]}]}]}}, "greater": 0})";

TEST(AzureDefinitions, ExternalPrivateEndpointsAreRestricted) {
  const json declared = {{"excludedSubscriptionIDs", {{"type", "Array"}, {"defaultValue", json::array()}}}};
  const auto definition = Parse(AllOf(kExternal), declared);
  ASSERT_NE(definition, nullptr);
  const auto evaluated = [&](const json& body, const json& excluded) {
    return Evaluate(*definition, {{"excludedSubscriptionIDs", excluded}}, body, kNow);
  };
  json body = Bodies().at("composed_pec-approved-and-pending_public-disabled");
  json& connections = body["properties"]["privateEndpointConnections"];
  body["id"] = "/subscriptions/AAAA/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso";
  const auto place = [&](const std::string& subscription) {
    for (json& connection : connections) {
      connection["properties"]["privateEndpoint"]["id"] =
          "/subscriptions/" + subscription + "/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/e";
    }
  };
  place("aaaa");
  EXPECT_EQ(evaluated(body, json::array()).result, FindingResult::kCompliant);
  place("bbbb");
  const Evaluation outside = evaluated(body, json::array());
  EXPECT_EQ(outside.result, FindingResult::kNonCompliant);
  ASSERT_EQ(outside.evidence.size(), 2U);
  EXPECT_EQ(outside.evidence[0].actual, "1");
  EXPECT_EQ(outside.evidence[1].field, "these privateEndpointConnections[*]");
  EXPECT_EQ(evaluated(body, {"BBBB"}).result, FindingResult::kCompliant);
  body.erase("id");
  EXPECT_EQ(evaluated(body, json::array()).result, FindingResult::kUnknown);
  EXPECT_EQ(evaluated(body, {"bbbb"}).result, FindingResult::kCompliant) << "the subscription does not matter then";
  for (json& connection : connections) {
    connection["properties"].erase("privateEndpoint");
  }
  EXPECT_EQ(evaluated(body, {"bbbb"}).result, FindingResult::kNonCompliant);
  connections = json::array();
  EXPECT_EQ(evaluated(body, json::array()).result, FindingResult::kCompliant);
}

// Require a tag on resources, 871b6d14-10aa-478d-b590-94f262ecfa99, and Allowed locations, e56962a6-4747-49cd-b67b-bf8b01975c4c.
TEST(AzureDefinitions, TagsAndLocationsOfEveryResource) {
  const json tag = {{"tagName", {{"type", "String"}}}};
  const std::string required = R"({"field": "[concat('tags[', parameters('tagName'), ']')]", "exists": "false"})";
  EXPECT_EQ(FilesThatAre(FindingResult::kNonCompliant, required, {{"tagName", "owner"}}, tag).size(), Bodies().size());
  json body = Registry();
  EXPECT_EQ(Evaluate(*Parse(required, tag), {{"tagName", "TEAM"}}, body, kNow).result, FindingResult::kCompliant);
  const Evaluation missing = Evaluate(*Parse(required, tag), {{"tagName", "it's mine"}}, body, kNow);
  EXPECT_EQ(missing.result, FindingResult::kNonCompliant);
  EXPECT_EQ(OnlyEvidence(missing).field, "tags.it's mine");
  EXPECT_EQ(OnlyEvidence(missing).expected, "present");

  const json locations = {{"listOfAllowedLocations", {{"type", "Array"}}}};
  const auto allowed = Parse(R"({"allOf": [{"field": "location", "notIn": "[parameters('listOfAllowedLocations')]"},
      {"field": "location", "notEquals": "global"}, {"field": "type", "notEquals": "Microsoft.AzureActiveDirectory/b2cDirectories"}]})",
                             locations);
  EXPECT_EQ(Evaluate(*allowed, {{"listOfAllowedLocations", {"East US 2"}}}, body, kNow).result, FindingResult::kCompliant);
  EXPECT_EQ(Evaluate(*allowed, {{"listOfAllowedLocations", {"westus"}}}, body, kNow).result, FindingResult::kNonCompliant);
}

}  // namespace
}  // namespace policy
