// Definitions for tests, written as their `if` alone, and a registry to judge by them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "policy/definition.h"

namespace policy {

inline constexpr base::Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
inline constexpr std::string_view kPrefix = "Microsoft.ContainerRegistry/registries/";

inline nlohmann::json Registry() {
  return nlohmann::json::parse(R"({
    "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso",
    "name": "contoso", "type": "Microsoft.ContainerRegistry/registries", "location": "eastus2",
    "tags": {"Team": "Payments", "cost.center": "42"},
    "sku": {"name": "Premium", "tier": "Premium"},
    "identity": {"type": "userAssigned"},
    "properties": {
      "loginServer": "contoso.azurecr.io", "creationDate": "2024-04-12T08:09:30.4886362Z", "adminUserEnabled": false,
      "anonymousPullEnabled": false, "dataEndpointEnabled": true, "dataEndpointHostNames": [], "publicNetworkAccess": "Disabled",
      "zoneRedundancy": "Disabled", "networkRuleBypassOptions": "AzureServices", "encryption": {"status": "disabled"},
      "networkRuleSet": {"defaultAction": "Deny", "ipRules": [
        {"action": "Allow", "value": "10.0.0.0/8"}, {"action": "Allow", "value": "16.17.18.0/24"}]},
      "policies": {"retentionPolicy": {"days": 7, "status": "disabled"}, "exportPolicy": {"status": "enabled"},
                   "azureADAuthenticationAsArmPolicy": {"status": "enabled"}},
      "privateEndpointConnections": [
        {"id": "a", "name": "a", "properties": {"privateLinkServiceConnectionState": {"status": "Approved"}, "provisioningState": "Succeeded"}},
        {"id": "b", "name": "b", "properties": {"privateLinkServiceConnectionState": {"status": "Pending"}, "provisioningState": "Succeeded"}}
      ]}})");
}

// A child of it, as ARM answers.
inline nlohmann::json Child(const std::string& kind, const std::string& name, const nlohmann::json& properties) {
  return {{"id", Registry()["id"].get<std::string>() + "/" + kind + "/" + name},
          {"name", name},
          {"type", std::string(kPrefix) + kind},
          {"properties", properties}};
}

inline std::string Document(const nlohmann::json& condition, const nlohmann::json& parameters) {
  return nlohmann::json{
      {"properties", {{"mode", "All"}, {"parameters", parameters}, {"policyRule", {{"if", condition}, {"then", {{"effect", "deny"}}}}}}}}
      .dump();
}

// "R.x" stands for the alias of x, in expressions too ("[field('R.x')]").
inline nlohmann::json WithAliases(nlohmann::json condition) {
  if (condition.is_string() && condition.get<std::string>().starts_with("R.")) {
    return std::string(kPrefix) + condition.get<std::string>().substr(2);
  }
  if (condition.is_string() && condition.get<std::string>().starts_with('[')) {
    std::string text = condition.get<std::string>();
    for (std::size_t at = text.find("'R."); at != std::string::npos; at = text.find("'R.", at)) {
      text.replace(at + 1, 2, kPrefix);
    }
    return text;
  }
  if (condition.is_structured()) {
    for (nlohmann::json& member : condition) {
      member = WithAliases(member);
    }
  }
  return condition;
}

inline std::shared_ptr<const Definition> Parse(const std::string& condition, const nlohmann::json& parameters = nlohmann::json::object()) {
  auto definition = ParseDefinition(Document(WithAliases(nlohmann::json::parse(condition)), parameters), "test.json", "test");
  if (!definition) {
    ADD_FAILURE() << condition << ": " << definition.error().message;
    return nullptr;
  }
  return *definition;
}

inline std::string ErrorOf(const std::string& condition, const nlohmann::json& parameters = nlohmann::json::object()) {
  const auto definition = ParseDefinition(Document(WithAliases(nlohmann::json::parse(condition)), parameters), "test.json", "test");
  return definition ? "no error" : definition.error().message;
}

inline Evaluation Evaluated(const std::string& condition, const nlohmann::json& resource,
                            const nlohmann::json& parameters = nlohmann::json::object()) {
  const auto definition = Parse(condition);
  return definition ? Evaluate(*definition, parameters, resource, kNow) : Evaluation{};
}

inline bool IsTrue(const std::string& condition, const nlohmann::json& resource = Registry()) {
  return Evaluated(condition, resource).result != FindingResult::kCompliant;
}

inline Evidence OnlyEvidence(const Evaluation& evaluation) {
  EXPECT_EQ(evaluation.evidence.size(), 1U);
  return evaluation.evidence.empty() ? Evidence{} : evaluation.evidence.front();
}

}  // namespace policy
