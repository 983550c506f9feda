#include "policy/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include <nlohmann/json.hpp>

namespace policy {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr base::Time kNow{std::chrono::hours(24)};

json Arm(const std::string& name) {
  return {{"id", "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name},
          {"name", name},
          {"type", "Microsoft.ContainerRegistry/registries"},
          {"location", "westus"},
          {"sku", {{"name", "Premium"}, {"tier", "Premium"}}},
          {"properties", {{"loginServer", name + ".azurecr.io"}, {"publicNetworkAccess", "Disabled"}}}};
}

std::vector<Registry> Read(const json& document) {
  auto registries = ReadRegistries(document.dump(), "r.json", kNow);
  EXPECT_TRUE(registries) << registries.error().message;
  return registries ? *registries : std::vector<Registry>();
}

std::string ErrorOf(const json& document) {
  const auto registries = ReadRegistries(document.dump(), "r.json", kNow);
  return registries ? "no error" : registries.error().message;
}

TEST(ReadRegistries, TakesAnArmGet) {
  const auto registries = Read(Arm("contosoProd"));
  ASSERT_EQ(registries.size(), 1U);
  EXPECT_EQ(registries[0].login_server, "contosoprod.azurecr.io");
  EXPECT_EQ(registries[0].name, "contosoProd");
  EXPECT_EQ(registries[0].resource_id, Arm("contosoProd")["id"]);
  EXPECT_EQ(registries[0].observed, kNow);
  EXPECT_EQ(json::parse(registries[0].body.Text()), Arm("contosoProd"));
  EXPECT_EQ(registries[0].body.Text().find('\n'), std::string::npos);
}

TEST(ReadRegistries, TakesAnArmList) {
  EXPECT_EQ(Read({{"value", {Arm("a1"), Arm("b2")}}, {"nextLink", nullptr}}).size(), 2U);
  EXPECT_EQ(Read({{"value", json::array()}}).size(), 0U);
}

TEST(ReadRegistries, TakesRecordedBodies) {
  for (const char* file : {"list_resource-group_2023-11-01-preview.json", "premium_dnl-tenant-reuse_2024-11-01-preview.json"}) {
    std::ifstream stream(std::string(ACR_TEST_DATA) + "/registries/" + file);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    const auto registries = ReadRegistries(text, file, kNow);
    ASSERT_TRUE(registries) << registries.error().message;
    EXPECT_EQ(registries->size(), 1U) << file;
  }
}

// As `az acr show` prints a registry: the SDK's names, nulls for what ARM leaves out.
constexpr std::string_view kAz = R"({
  "adminUserEnabled": false, "dataEndpointEnabled": true, "encryption": {"keyVaultProperties": null, "status": "disabled"},
  "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso", "identity": null,
  "location": "westeurope", "loginServer": "contoso.azurecr.io", "name": "contoso",
  "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "ipAddressOrRange": "10.0.0.0/8"}],
                     "virtualNetworkRules": [{"action": "Allow", "virtualNetworkResourceId": "/subnets/a"}]},
  "policies": {"azureAdAuthenticationAsArmPolicy": {"status": "enabled"}, "exportPolicy": {"status": "enabled"}},
  "privateEndpointConnections": [{"id": "/c", "name": "c", "privateEndpoint": {"id": "/pe"},
     "privateLinkServiceConnectionState": {"actionsRequired": "None", "description": "", "status": "Approved"},
     "provisioningState": "Succeeded", "resourceGroup": "rg", "type": "Microsoft.ContainerRegistry/registries/privateEndpointConnections"}],
  "publicNetworkAccess": "Enabled", "resourceGroup": "rg", "sku": {"name": "Premium", "tier": "Premium"}, "status": null,
  "systemData": {"createdBy": "x"}, "tags": {"a": "b"}, "type": "Microsoft.ContainerRegistry/registries", "zoneRedundancy": "Disabled"})";

TEST(ReadRegistries, GivesAzOutputArmsShape) {
  const json expected = json::parse(R"({
    "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso",
    "location": "westeurope", "name": "contoso", "sku": {"name": "Premium", "tier": "Premium"}, "systemData": {"createdBy": "x"},
    "tags": {"a": "b"}, "type": "Microsoft.ContainerRegistry/registries",
    "properties": {
      "adminUserEnabled": false, "dataEndpointEnabled": true, "encryption": {"keyVaultProperties": null, "status": "disabled"},
      "loginServer": "contoso.azurecr.io",
      "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "10.0.0.0/8"}],
                         "virtualNetworkRules": [{"action": "Allow", "id": "/subnets/a"}]},
      "policies": {"azureADAuthenticationAsArmPolicy": {"status": "enabled"}, "exportPolicy": {"status": "enabled"}},
      "privateEndpointConnections": [{"id": "/c", "name": "c", "type": "Microsoft.ContainerRegistry/registries/privateEndpointConnections",
        "properties": {"privateEndpoint": {"id": "/pe"},
          "privateLinkServiceConnectionState": {"actionsRequired": "None", "description": "", "status": "Approved"},
          "provisioningState": "Succeeded"}}],
      "publicNetworkAccess": "Enabled", "zoneRedundancy": "Disabled"}})");
  const json show = json::parse(kAz);
  ASSERT_EQ(Read(show).size(), 1U);
  EXPECT_EQ(json::parse(Read(show)[0].body.Text()), expected);
  EXPECT_EQ(json::parse(Read(json::array({show, Arm("other")}))[0].body.Text()), expected);
}

TEST(ReadRegistries, TakesChildrenOfAnElement) {
  json registry = Arm("contoso");
  const std::string id = registry["id"];
  const json arm = {{"id", id + "/tokens/ci"},
                    {"name", "ci"},
                    {"type", "Microsoft.ContainerRegistry/registries/tokens"},
                    {"properties", {{"status", "enabled"}}}};
  const json az = {{"id", id + "/scopeMaps/_pull"},
                   {"name", "_pull"},
                   {"resourceGroup", "rg"},
                   {"actions", {"repositories/*/content/read"}},
                   {"type", "Microsoft.ContainerRegistry/registries/scopeMaps"},
                   {"typePropertiesType", "SystemDefined"},
                   {"description", nullptr},
                   {"systemData", {{"createdBy", "x"}}}};
  registry["children"] = {{"tokens", {arm}}, {"SCOPEMAPS", {az}}, {"webhooks", json::array()}};
  const auto read = Read(json::array({registry}));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_FALSE(json::parse(read[0].body.Text()).contains("children"));
  ASSERT_NE(read[0].children, nullptr);
  ASSERT_EQ(read[0].children->size(), 3U);
  EXPECT_EQ(json::parse(read[0].children->at("tokens").resources), json::array({arm}));
  EXPECT_EQ(read[0].children->at("tokens").observed, kNow);
  EXPECT_EQ(read[0].children->at("webhooks").resources, "[]");
  EXPECT_EQ(json::parse(read[0].children->at("scopeMaps").resources),
            json::array({{{"id", az["id"]},
                          {"name", "_pull"},
                          {"type", az["type"]},
                          {"systemData", az["systemData"]},
                          {"properties", {{"type", "SystemDefined"}, {"actions", az["actions"]}}}}}));
  EXPECT_EQ(Read(Arm("contoso"))[0].children, nullptr);
}

TEST(ReadRegistries, RefusesChildrenThatAreNotTheRegistrysAndSaysWhere) {
  const auto with = [](const json& children) {
    json registry = Arm("contoso");
    registry["children"] = children;
    return ErrorOf(json::array({registry}));
  };
  const std::string id = Arm("contoso")["id"];
  EXPECT_THAT(with(7), HasSubstr("$[0].children: expected an object"));
  EXPECT_THAT(with({{"agentPools", json::array()}}), HasSubstr("$[0].children.agentPools: no kind of children that is read here"));
  EXPECT_THAT(with({{"privateEndpointConnections", json::array()}}), HasSubstr("stand in the registry's own properties"));
  EXPECT_THAT(with({{"tokens", json::array()}, {"Tokens", json::array()}}), HasSubstr("given twice"));
  EXPECT_THAT(with({{"tokens", {{"value", json::array()}}}}), HasSubstr("$[0].children.tokens: expected an array of all tokens"));
  EXPECT_THAT(with({{"tokens", {7}}}), HasSubstr("$[0].children.tokens[0]: expected a Microsoft.ContainerRegistry/registries/tokens"));
  EXPECT_THAT(with({{"tokens", {{{"name", "ci"}}}}}), HasSubstr("with its id"));
  EXPECT_THAT(with({{"tokens", {{{"id", id + "/tokens/ci"}, {"type", "Microsoft.ContainerRegistry/registries/webhooks"}}}}}),
              HasSubstr("expected a Microsoft.ContainerRegistry/registries/tokens"));
  EXPECT_THAT(with({{"tokens", {{{"id", id + "2/tokens/ci"}}}}}), HasSubstr("$[0].children.tokens[0]: it is of another registry"));
}

TEST(ReadRegistries, TakesResourceGraphAnswers) {
  json row = Arm("contoso");
  row["type"] = "microsoft.containerregistry/registries";
  row["subscriptionId"] = "s";
  const json answer = {{"totalRecords", 1}, {"count", 1}, {"resultTruncated", "false"}, {"data", {row}}, {"facets", json::array()}};
  ASSERT_EQ(Read(answer).size(), 1U);
  EXPECT_EQ(Read(answer)[0].login_server, "contoso.azurecr.io");

  json columns = json::array();
  json values = json::array();
  for (const auto& [name, value] : row.items()) {
    columns.push_back({{"name", name}, {"type", "object"}});
    values.push_back(value);
  }
  const json table = {{"totalRecords", 1}, {"count", 1}, {"data", {{"columns", columns}, {"rows", json::array({values})}}}};
  ASSERT_EQ(Read(table).size(), 1U);
  EXPECT_EQ(Read(table)[0].body, Read(answer)[0].body);
}

TEST(ReadRegistries, RefusesWhatIsIncomplete) {
  const json data = json::array({Arm("contoso")});
  EXPECT_THAT(ErrorOf({{"value", data}, {"nextLink", "https://management.azure.com/x"}}), HasSubstr("nextLink"));
  for (const json& more :
       {json{{"resultTruncated", "true"}}, json{{"$skipToken", "x"}}, json{{"skip_token", "x"}}, json{{"totalRecords", 2}, {"count", 1}}}) {
    json answer = {{"data", data}};
    answer.update(more);
    EXPECT_THAT(ErrorOf(answer), HasSubstr("one page of several")) << answer;
  }
  EXPECT_EQ(ErrorOf({{"data", data}, {"skip_token", nullptr}, {"total_records", 1}, {"count", 1}}), "no error");
}

TEST(ReadRegistries, SaysWhatAzuresErrorSays) {
  for (const char* file : {"error_400_rp_2026-09-01-preview.json", "error_404_rp.json", "error_404_arm-gateway.json"}) {
    std::ifstream stream(std::string(ACR_TEST_DATA) + "/azure/" + file);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    const auto registries = ReadRegistries(text, file, kNow);
    ASSERT_FALSE(registries) << file;
    EXPECT_THAT(registries.error().message, HasSubstr(json::parse(text)["error"]["code"].get<std::string>()));
    EXPECT_THAT(registries.error().message, HasSubstr("error of Azure's"));
  }
}

TEST(ReadRegistries, RefusesElementsThatAreNoRegistryAndSaysWhere) {
  const auto with = [](const char* pointer, json value) {
    json registry = Arm("second");
    registry[json::json_pointer(pointer)] = std::move(value);
    return ErrorOf({{"value", {Arm("first"), registry}}});
  };
  EXPECT_THAT(with("/type", "Microsoft.Storage/storageAccounts"), HasSubstr("r.json: $.value[1]: the element is a \"Microsoft.Storage"));
  EXPECT_THAT(with("/type", nullptr), HasSubstr("$.value[1]: the element has no type"));
  EXPECT_THAT(with("/properties/loginServer", nullptr), HasSubstr("$.value[1]: the registry \"second\" has no loginServer"));
  EXPECT_THAT(with("/properties", "x"), HasSubstr("has no loginServer"));
  EXPECT_THAT(with("/properties/loginServer", "registry.contoso.com"), HasSubstr("is no Azure Container Registry host"));
  EXPECT_THAT(with("/properties/loginServer", "second.westus.data.azurecr.io"), HasSubstr("is no Azure Container Registry host"));
  EXPECT_THAT(with("/properties/loginServer", "second.westus.geo.azurecr.io"), HasSubstr("is no Azure Container Registry host"));
  EXPECT_THAT(with("/properties/loginServer", "azurecr.io"), HasSubstr("is no Azure Container Registry host"));
  EXPECT_THAT(with("/properties/loginServer", "FIRST.azurecr.io"),
              HasSubstr("$.value[1]: the login server \"first.azurecr.io\" is also that of $.value[0]"));
  EXPECT_THAT(with("/id", 7), HasSubstr("no id"));
  EXPECT_THAT(with("/name", "x; rm -rf /"), HasSubstr("no name of a registry"));
  EXPECT_THAT(ErrorOf({{"value", {7}}}), HasSubstr("$.value[0]: expected a registry"));
  EXPECT_THAT(ErrorOf({{"value", 7}}), HasSubstr("$.value: expected an array"));
  EXPECT_THAT(ErrorOf({{"data", 7}}), HasSubstr("$.data: expected an array"));
  EXPECT_THAT(ErrorOf({{"data", {{"columns", {{{"name", "id"}}}}, {"rows", {{1, 2}}}}}}),
              HasSubstr("$.data.rows[0]: expected an array with one value"));
  EXPECT_THAT(ErrorOf(json("x")), HasSubstr("r.json: $: expected registries"));
  EXPECT_THAT(ErrorOf(json::array({json::array()})), HasSubstr("$[0]: expected a registry"));
}

TEST(ReadRegistries, TakesLoginServersUnderACustomCloudsSuffix) {
  json registry = Arm("contoso");
  registry["properties"]["loginServer"] = "contoso.azsacr.stack.example";
  const auto suffixes = RegistrySuffixes().With({"azsacr.stack.example"});
  const auto registries = ReadRegistries(json::array({registry, Arm("second")}).dump(), "r.json", kNow, suffixes);
  ASSERT_TRUE(registries) << registries.error().message;
  EXPECT_EQ(registries->at(0).login_server, "contoso.azsacr.stack.example");
  EXPECT_THAT(ErrorOf(registry), HasSubstr("is no Azure Container Registry host"));
}

TEST(ReadRegistries, RefusesWhatIsNoJson) {
  const auto registries = ReadRegistries("[{]", "r.json", kNow);
  ASSERT_FALSE(registries);
  EXPECT_TRUE(registries.error().message.starts_with("r.json")) << registries.error().message;
}

std::shared_ptr<const RegistryFacts> FactsOf(const std::string& login_server, const std::string& name) {
  auto facts = std::make_shared<RegistryFacts>();
  facts->registry.login_server = login_server;
  facts->registry.name = name;
  return facts;
}

TEST(Facts, FindsReplacesAndSortsByLoginServer) {
  Facts facts;
  facts.Add(FactsOf("b.azurecr.io", "old"));
  facts.Add(FactsOf("a.azurecr.io", "a"));
  facts.Add(FactsOf("b.azurecr.io", "new"));
  EXPECT_EQ(facts.size(), 2U);
  ASSERT_NE(facts.Find("b.azurecr.io"), nullptr);
  EXPECT_EQ(facts.Find("b.azurecr.io")->registry.name, "new");
  EXPECT_EQ(facts.FindShared("a.azurecr.io")->registry.name, "a");
  EXPECT_EQ(facts.Find("c.azurecr.io"), nullptr);
  EXPECT_EQ(facts.FindShared("c.azurecr.io"), nullptr);
  ASSERT_EQ(facts.Sorted().size(), 2U);
  EXPECT_EQ(facts.Sorted()[0]->registry.name, "a");
}

}  // namespace
}  // namespace policy
