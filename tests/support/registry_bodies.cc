#include "tests/support/registry_bodies.h"

#include "base/text.h"

namespace support {
namespace {

using nlohmann::json;

constexpr const char* kCreated = "2023-12-21T23:57:13.3199686Z";
constexpr const char* kLocation = "westeurope";

json Status(const char* status) { return {{"status", status}}; }

json Connection(const std::string& registry_id, const std::string& group_id, const std::string& name) {
  const std::string connection = name + ".59f404576d2643a59fdc2bc43667619f";
  return {{"type", "Microsoft.ContainerRegistry/registries/privateEndpointConnections"},
          {"id", registry_id + "/privateEndpointConnections/" + connection},
          {"name", connection},
          {"properties",
           {{"privateEndpoint", {{"id", group_id + "/providers/Microsoft.Network/privateEndpoints/" + name}}},
            {"privateLinkServiceConnectionState", {{"status", "Approved"}, {"description", "Auto-approved"}}},
            {"provisioningState", "Succeeded"}}}};
}

json Properties(const std::string& registry_id, const std::string& group_id, const std::string& name) {
  const std::string label = base::AsciiLower(name);
  const std::string key = "https://registry-keys.vault.azure.net/keys/" + label + "/3c1d23fec54040e78781eb88bf52ef7a";
  return {{"loginServer", label + ".azurecr.io"},
          {"creationDate", kCreated},
          {"provisioningState", "Succeeded"},
          {"adminUserEnabled", false},
          {"networkRuleSet", {{"defaultAction", "Deny"}, {"ipRules", json::array()}}},
          {"policies",
           {{"quarantinePolicy", Status("disabled")},
            {"trustPolicy", {{"type", "Notary"}, {"status", "disabled"}}},
            {"retentionPolicy", {{"days", 7}, {"lastUpdatedTime", kCreated}, {"status", "disabled"}}},
            {"exportPolicy", Status("enabled")},
            {"azureADAuthenticationAsArmPolicy", Status("enabled")},
            {"softDeletePolicy", {{"retentionDays", 7}, {"lastUpdatedTime", kCreated}, {"status", "disabled"}}}}},
          {"encryption",
           {{"status", "enabled"},
            {"keyVaultProperties",
             {{"keyIdentifier", key},
              {"versionedKeyIdentifier", key},
              {"identity", "aecb151b-96a1-4594-882c-e5ca361c51df"},
              {"keyRotationEnabled", false}}}}},
          {"dataEndpointEnabled", true},
          {"dataEndpointHostNames", json::array({label + "." + kLocation + ".data.azurecr.io"})},
          {"privateEndpointConnections", json::array({Connection(registry_id, group_id, name)})},
          {"publicNetworkAccess", "Disabled"},
          {"networkRuleBypassOptions", "AzureServices"},
          {"zoneRedundancy", "Disabled"},
          {"anonymousPullEnabled", false},
          {"metadataSearch", "Disabled"}};
}

}  // namespace

std::string RegistryId(const std::string& subscription, const std::string& resource_group, const std::string& name) {
  return "/subscriptions/" + subscription + "/resourceGroups/" + resource_group + "/providers/Microsoft.ContainerRegistry/registries/" +
         name;
}

json RegistryBody(const std::string& subscription, const std::string& resource_group, const std::string& name, const json& properties) {
  const std::string id = RegistryId(subscription, resource_group, name);
  const std::string group_id = "/subscriptions/" + subscription + "/resourceGroups/" + resource_group;
  json body = {{"sku", {{"name", "Premium"}, {"tier", "Premium"}}},
               {"type", "Microsoft.ContainerRegistry/registries"},
               {"identity",
                {{"type", "userAssigned"},
                 {"userAssignedIdentities",
                  {{group_id + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/registry-keys",
                    {{"principalId", "0de63f7d-beca-4cf6-b641-cdcfef67c73e"}, {"clientId", "aecb151b-96a1-4594-882c-e5ca361c51df"}}}}}}},
               {"id", id},
               {"name", name},
               {"location", kLocation},
               {"tags", json::object()},
               {"systemData", {{"createdBy", "user@example.com"}, {"createdByType", "User"}, {"createdAt", kCreated}}},
               {"properties", Properties(id, group_id, name)}};
  body["properties"].merge_patch(properties);
  return body;
}

json WithoutCustomerManagedKey() { return {{"encryption", {{"status", "disabled"}, {"keyVaultProperties", nullptr}}}}; }

json WithOpenNetwork() {
  return {
      {"publicNetworkAccess", "Enabled"}, {"networkRuleSet", {{"defaultAction", "Allow"}}}, {"privateEndpointConnections", json::array()}};
}

json WithoutPrivateEndpoint() { return {{"privateEndpointConnections", json::array()}}; }

json WithoutDataEndpoint() { return {{"dataEndpointEnabled", false}, {"dataEndpointHostNames", json::array()}}; }

json WithAdminUser() { return {{"adminUserEnabled", true}}; }

json WithPrivateEndpoint(const json& body, const std::string& status) {
  json connections = body.at("properties").at("privateEndpointConnections");
  connections.at(0)["properties"]["privateLinkServiceConnectionState"] = {{"status", status}};
  return {{"privateEndpointConnections", std::move(connections)}};
}

json ViewOf(const json& body, RegistryView view) {
  json seen = body;
  json& properties = seen["properties"];
  if (view == RegistryView::kPreview) {
    return seen;
  }
  for (const char* const member :
       {"metadataSearch", "autoGeneratedDomainNameLabelScope", "regionalEndpoints", "regionalEndpointHostNames", "endpointProtocol"}) {
    properties.erase(member);
  }
  if (properties.contains("policies")) {
    properties["policies"].erase("softDeletePolicy");
  }
  if (view == RegistryView::kStable) {
    if (properties.contains("networkRuleSet")) {
      properties["networkRuleSet"].erase("virtualNetworkRules");
    }
    return seen;
  }
  for (const char* const member : {"encryption", "publicNetworkAccess", "dataEndpointEnabled", "dataEndpointHostNames",
                                   "privateEndpointConnections", "networkRuleBypassOptions", "zoneRedundancy", "anonymousPullEnabled"}) {
    properties.erase(member);
  }
  seen.erase("systemData");
  return seen;
}

}  // namespace support
