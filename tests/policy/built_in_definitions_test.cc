#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "policy/definition.h"
#include "policy/registry.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr base::Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
const std::string kFolder = std::string(ACR_TEST_DATA) + "/registries/";

std::string Content(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, '\t');) {
    cells.push_back(cell);
  }
  return cells;
}

json Bound(const Definition& definition, const json& given = json::object()) { return BindParameters(definition, given).value(); }

const Definition& BuiltIn(std::string_view name) {
  for (const auto& definition : BuiltInDefinitions()) {
    if (definition->name == name) {
      return *definition;
    }
  }
  ADD_FAILURE() << name;
  return *BuiltInDefinitions().front();
}

json Body(const std::string& file) { return json::parse(Content(kFolder + file)); }

Evaluation Evaluated(std::string_view definition, const json& body, const json& parameters = json::object(),
                     HiddenMembers hidden = HiddenMembers::kAsAzure) {
  return Evaluate(BuiltIn(definition), Bound(BuiltIn(definition), parameters), body, kNow, hidden);
}

Evaluation EvaluatedLive(std::string_view definition, const json& body, const json& parameters = json::object()) {
  return Evaluated(definition, body, parameters, HiddenMembers::kUnknown);
}

TEST(BuiltInDefinitions, AreComplete) {
  const std::map<std::string, std::string> guids = {
      {"admin-account-disabled", "dc921057-6b28-4fbe-9b83-f7bec05db6c2"},
      {"anonymous-pull-disabled", "9f2dea28-e834-476c-99c5-3507b4728395"},
      {"arm-audience-token-disabled", "42781ec6-6127-4c30-bdfa-fb423a0047d3"},
      {"cache-rules-prevented", "84497762-32b6-4ab3-80b6-732ea48b85a2"},
      {"configure-admin-account-disabled", "79fdfe03-ffcb-4e55-b4d0-b925b8241759"},
      {"configure-anonymous-pull-disabled", "cced2946-b08a-44fe-9fd9-e4ed8a779897"},
      {"configure-arm-audience-token-disabled", "785596ed-054f-41bc-aaec-7f3d0ba05725"},
      {"configure-private-endpoints", "d85c6833-7d33-4cf5-a915-aaa2de84405f"},
      {"configure-public-network-access-disabled", "a3701552-92ea-433e-9d17-33b7f1208fc9"},
      {"configure-repository-scoped-token-disabled", "a9b426fe-8856-4945-8600-18c5dd1cca2a"},
      {"customer-managed-key", "5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580"},
      {"dedicated-data-endpoints", ""},
      {"export-disabled", "524b0254-c285-4903-bee6-bb8126cde579"},
      {"external-private-endpoints-restricted", "696cb1d3-2dcf-4b44-aa7a-caccd18b1b96"},
      {"premium-sku", "bd560fc0-3c69-498a-ae9f-aa8eb7de0e13"},
      {"private-link", "e8eef0a8-67cf-4eb4-9386-14b0e78733d4"},
      {"public-network-access-disabled", "0fdf0491-d080-4575-b627-ad0e843cba0f"},
      {"repository-scoped-token-disabled", "ff05e24e-195c-447e-b322-5e90c9f9f366"},
      {"restricted-network", "d0793b48-0edc-4296-a390-4c75d1bdfd71"},
      {"restricted-network-v1", ""},
      {"virtual-network-service-endpoint", "c4857be7-912a-4c75-87e6-e30292bcdf78"},
      {"zone-redundant", "9d2b0a20-57d6-474c-9d12-44a4a20999c6"},
  };
  ASSERT_EQ(BuiltInDefinitions().size(), guids.size());
  const DefinitionSet set = DefinitionSet::WithBuiltIns();
  for (const auto& definition : BuiltInDefinitions()) {
    ASSERT_TRUE(guids.contains(definition->name)) << definition->name;
    const std::string& guid = guids.at(definition->name);
    EXPECT_EQ(definition->id, guid.empty() ? "" : "/providers/Microsoft.Authorization/policyDefinitions/" + guid);
    EXPECT_EQ(set.Find(guid.empty() ? definition->name : guid), definition);
    EXPECT_FALSE(definition->display_name.empty());
    EXPECT_FALSE(definition->version.empty());
    EXPECT_THAT(definition->remedy, testing::HasSubstr("az "));
    EXPECT_THAT(definition->remedy, testing::Not(testing::HasSubstr("/subscriptions/")));
  }
}

json Token(const std::string& name, const std::string& status) {
  return {{"id", "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso/tokens/" + name},
          {"name", name},
          {"properties", {{"status", status}}}};
}

TEST(BuiltInDefinitions, JudgeTokensAndCacheRules) {
  const json body = Body("premium_open_2023-11-01-preview.json");
  const auto evaluated = [&](std::string_view name, const ChildLists& lists) {
    RegistryResources registry(body, &lists);
    return Evaluate(BuiltIn(name), Bound(BuiltIn(name)), registry, kNow, HiddenMembers::kUnknown);
  };
  const ChildLists none = {{"tokens", {kNow, "[]", ""}}, {"cacheRules", {kNow, "[]", ""}}};
  ChildLists some = none;
  some["tokens"].resources = json::array({Token("old", "disabled"), Token("ci", "enabled")}).dump();
  some["cacheRules"].resources = R"([{"name": "hub", "properties": {"sourceRepository": "docker.io/library/nginx"}}])";
  for (const char* name : {"repository-scoped-token-disabled", "configure-repository-scoped-token-disabled"}) {
    EXPECT_EQ(evaluated(name, none).result, FindingResult::kCompliant) << name;
    EXPECT_EQ(evaluated(name, {}).result, FindingResult::kUnknown) << name;
    const Evaluation bad = evaluated(name, some);
    EXPECT_EQ(bad.result, FindingResult::kNonCompliant) << name;
    EXPECT_EQ(bad.child, "ci");
    ASSERT_EQ(bad.evidence.size(), 1U);
    EXPECT_EQ(bad.evidence[0].field, "tokens/ci: status");
  }
  EXPECT_EQ(evaluated("cache-rules-prevented", none).result, FindingResult::kCompliant);
  const Evaluation rules = evaluated("cache-rules-prevented", some);
  EXPECT_EQ(rules.result, FindingResult::kNonCompliant);
  EXPECT_EQ(rules.child, "hub");
}

TEST(BuiltInDefinitions, AskForAnApprovedPrivateEndpointOfPremiumRegistriesAlone) {
  const std::map<std::string, FindingResult> expected = {
      {"basic_open_2023-11-01-preview.json", FindingResult::kCompliant},
      {"premium_open_2023-11-01-preview.json", FindingResult::kNonCompliant},
      {"composed_pec-approved_public-disabled.json", FindingResult::kCompliant},
      {"composed_pec-approved-and-pending_public-disabled.json", FindingResult::kCompliant},
      {"composed_pec-pending-only_public-disabled.json", FindingResult::kNonCompliant},
      {"composed_pec-rejected-only_public-disabled.json", FindingResult::kNonCompliant},
      {"composed_pec-disconnected-only_public-disabled.json", FindingResult::kNonCompliant},
      {"premium_default-deny_2019-05-01.json", FindingResult::kUnknown},
  };
  for (const auto& [file, result] : expected) {
    EXPECT_EQ(Evaluated("configure-private-endpoints", Body(file)).result, result) << file;
  }
}

TEST(BuiltInDefinitions, RestrictExternalPrivateEndpoints) {
  json body = Body("composed_pec-approved-and-pending_public-disabled.json");
  body["id"] = "/subscriptions/AAAA/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso";
  json& connections = body["properties"]["privateEndpointConnections"];
  for (std::size_t i = 0; i < connections.size(); ++i) {
    connections[i]["name"] = "pe" + std::to_string(i);
    connections[i]["id"] = body["id"].get<std::string>() + "/privateEndpointConnections/pe" + std::to_string(i);
    connections[i]["properties"]["privateEndpoint"]["id"] =
        "/subscriptions/bbbb/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/e";
  }
  const char* name = "external-private-endpoints-restricted";
  const Evaluation outside = Evaluated(name, body);
  EXPECT_EQ(outside.result, FindingResult::kNonCompliant);
  EXPECT_EQ(Evaluated(name, body, {{"excludedSubscriptionIDs", {"BBBB"}}}).result, FindingResult::kCompliant);
  for (json& connection : connections) {
    connection["properties"]["privateEndpoint"]["id"] =
        "/subscriptions/aaaa/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/e";
  }
  EXPECT_EQ(Evaluated(name, body).result, FindingResult::kCompliant);
}

// Their rules are the same; Azure's ids are not.
TEST(BuiltInDefinitions, ThatConfigureJudgeAsTheirCounterparts) {
  for (const char* name :
       {"public-network-access-disabled", "admin-account-disabled", "anonymous-pull-disabled", "arm-audience-token-disabled"}) {
    const std::string configure = std::string("configure-") + name;
    for (const char* file : {"premium_open_2023-11-01-preview.json", "premium_admin-enabled_2023-11-01-preview.json",
                             "premium_anonymous-pull_2023-11-01-preview.json", "premium_public-disabled_2023-11-01-preview.json"}) {
      EXPECT_EQ(Evaluated(configure, Body(file)).result, Evaluated(name, Body(file)).result) << configure << " " << file;
    }
    EXPECT_EQ(BuiltIn(configure).remedy, BuiltIn(name).remedy);
  }
}

TEST(BuiltInDefinitions, JudgeRecordedBodiesAsAzureDoes) {
  const std::map<std::string, std::string> columns = {
      {"cmk", "customer-managed-key"},
      {"private_link", "private-link"},
      {"network_rules_v2", "restricted-network"},
      {"network_rules_v1_1", "restricted-network-v1"},
      {"public_access", "public-network-access-disabled"},
      {"sku", "premium-sku"},
      {"admin", "admin-account-disabled"},
      {"anonymous", "anonymous-pull-disabled"},
      {"export", "export-disabled"},
      {"arm_audience", "arm-audience-token-disabled"},
      {"data_endpoint_own_rule", "dedicated-data-endpoints"},
  };
  std::istringstream table(Content(kFolder + "expected_verdicts.tsv"));
  std::string line;
  std::getline(table, line);
  const std::vector<std::string> header = Cells(line);
  int checked = 0;
  while (std::getline(table, line)) {
    const std::vector<std::string> row = Cells(line);
    ASSERT_EQ(row.size(), header.size()) << line;
    json body = Body(row[0]);
    if (row[1] != "-") {
      body = body["value"][std::stoul(row[1])];
    }
    const bool hides = row[0].find("2019-05-01") != std::string::npos || row[0].find("2020-11-01") != std::string::npos ||
                       row[0].find("2021-08-01") != std::string::npos;
    for (std::size_t i = 3; i < row.size(); ++i) {
      const Evaluation evaluation = Evaluated(columns.at(header[i]), body);
      ++checked;
      const std::string where = row[0] + " " + header[i];
      if (row[i] == "C") {
        EXPECT_EQ(evaluation.result, FindingResult::kCompliant) << where;
        EXPECT_TRUE(evaluation.evidence.empty()) << where;
      } else if (hides && evaluation.result == FindingResult::kUnknown) {
        EXPECT_FALSE(evaluation.reason.empty()) << where;
      } else {
        EXPECT_EQ(evaluation.result, FindingResult::kNonCompliant) << where;
        EXPECT_FALSE(evaluation.evidence.empty()) << where;
      }
    }
  }
  EXPECT_GT(checked, 250);
}

TEST(BuiltInDefinitions, ABodyOfAnOldApiVersionIsUnknownWhereItHidesWhatDecides) {
  const json body = Body("premium_default-deny_2019-05-01.json");
  for (const char* name : {"customer-managed-key", "private-link", "public-network-access-disabled", "export-disabled",
                           "arm-audience-token-disabled", "dedicated-data-endpoints", "zone-redundant"}) {
    EXPECT_EQ(Evaluated(name, body).result, FindingResult::kUnknown) << name;
  }
  for (const char* name :
       {"restricted-network", "restricted-network-v1", "premium-sku", "admin-account-disabled", "anonymous-pull-disabled"}) {
    EXPECT_EQ(Evaluated(name, body).result, FindingResult::kCompliant) << name;
  }
}

TEST(BuiltInDefinitions, ReadLiveABodyOfAnOldApiVersionIsNotCompliantByWhatItHides) {
  const json body = Body("premium_default-deny_2019-05-01.json");
  for (const char* name : {"anonymous-pull-disabled", "customer-managed-key", "private-link", "public-network-access-disabled",
                           "export-disabled", "arm-audience-token-disabled", "dedicated-data-endpoints", "zone-redundant"}) {
    EXPECT_EQ(EvaluatedLive(name, body).result, FindingResult::kUnknown) << name;
  }
  const Evaluation anonymous = EvaluatedLive("anonymous-pull-disabled", body);
  EXPECT_THAT(anonymous.reason, testing::HasSubstr("was read without anonymousPullEnabled, which"));
  ASSERT_EQ(anonymous.evidence.size(), 1U);
  EXPECT_EQ(anonymous.evidence[0].field, "anonymousPullEnabled");
  EXPECT_EQ(anonymous.evidence[0].actual, "null");
  EXPECT_EQ(anonymous.evidence[0].expected, "false");
}

TEST(BuiltInDefinitions, ReadLiveARuleThatIsFalseWhateverIsHiddenStaysCompliant) {
  const json body = Body("premium_default-deny_2019-05-01.json");
  for (const char* name : {"restricted-network", "restricted-network-v1", "premium-sku", "admin-account-disabled"}) {
    EXPECT_EQ(EvaluatedLive(name, body).result, FindingResult::kCompliant) << name;
  }
  json other = body;
  other["type"] = "Microsoft.ContainerRegistry/registries/tokens";
  EXPECT_EQ(EvaluatedLive("anonymous-pull-disabled", other).result, FindingResult::kCompliant);
}

TEST(BuiltInDefinitions, ReadLiveAWholeBodyIsJudgedAsEver) {
  int checked = 0;
  for (const char* file : {"composed_fully-compliant_cmk_pec_private_data-endpoint.json", "basic_open_2023-11-01-preview.json",
                           "standard_open_2023-11-01-preview.json", "premium_anonymous-pull_2023-11-01-preview.json",
                           "premium_open_2023-11-01-preview.json"}) {
    for (const auto& definition : BuiltInDefinitions()) {
      const Evaluation live = EvaluatedLive(definition->name, Body(file));
      if (!definition->types.registry && definition->name != "external-private-endpoints-restricted") {
        EXPECT_EQ(live.result, FindingResult::kUnknown) << definition->name << ": its children are no part of the body";
        continue;
      }
      EXPECT_EQ(live.result, Evaluated(definition->name, Body(file)).result) << file << ' ' << definition->name;
      EXPECT_NE(live.result, FindingResult::kUnknown) << file << ' ' << definition->name;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 5 * 19);
}

TEST(BuiltInDefinitions, EvidenceTellsWhatIsWrong) {
  const json basic = Body("basic_open_2023-11-01-preview.json");
  const auto text = [&](const char* name) {
    std::string all;
    for (const Evidence& evidence : Evaluated(name, basic).evidence) {
      EXPECT_TRUE(evidence.brief) << name;
      all += evidence.field + ": " + evidence.actual + " (" + evidence.expected + "); ";
    }
    return all;
  };
  EXPECT_EQ(text("customer-managed-key"), "encryption.status: \"disabled\" (enabled); ");
  EXPECT_EQ(text("private-link"), "privateEndpointConnections[*] where status is Approved: 0 (at least 1); ");
  EXPECT_EQ(text("restricted-network"), "networkRuleSet.defaultAction: null (Deny); publicNetworkAccess: \"Enabled\" (Disabled); ");
  EXPECT_EQ(text("premium-sku"), "sku.name: \"Basic\" (Premium); ");
  EXPECT_EQ(text("dedicated-data-endpoints"), "dataEndpointEnabled: false (true); ");
  EXPECT_EQ(text("arm-audience-token-disabled"), "policies.azureADAuthenticationAsArmPolicy.status: \"enabled\" (disabled); ");
  EXPECT_EQ(text("export-disabled"), "policies.exportPolicy.status: \"enabled\" (Disabled); publicNetworkAccess: \"Enabled\" (Disabled); ");
}

TEST(BuiltInDefinitions, DedicatedDataEndpointsMayAcceptAPrivateEndpoint) {
  const json accept = {{"acceptPrivateEndpoint", true}};
  const json with_endpoint = Body("composed_pec-approved_data-endpoint-flag-false.json");
  EXPECT_EQ(Evaluated("dedicated-data-endpoints", with_endpoint).result, FindingResult::kNonCompliant);
  EXPECT_EQ(Evaluated("dedicated-data-endpoints", with_endpoint, accept).result, FindingResult::kCompliant);

  json open = with_endpoint;
  open["properties"]["publicNetworkAccess"] = "Enabled";
  EXPECT_EQ(Evaluated("dedicated-data-endpoints", open, accept).result, FindingResult::kNonCompliant);
  const Evaluation pending = Evaluated("dedicated-data-endpoints", Body("composed_pec-pending-only_public-disabled.json"), accept);
  EXPECT_EQ(pending.result, FindingResult::kNonCompliant);
  ASSERT_EQ(pending.evidence.size(), 2U);
  EXPECT_EQ(pending.evidence[1].field, "privateEndpointConnections[*] where status is Approved");
}

}  // namespace
}  // namespace policy
