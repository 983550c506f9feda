#include "tests/support/azure_policy_assignments.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "http/url.h"
#include "tests/support/azure_answers.h"

namespace support {
namespace {

using nlohmann::json;

std::string VersionOf(const AzureCall& call) {
  return call.operation == AzureOperation::kListPolicyExemptions ? "2022-07-01-preview"
         : call.operation == AzureOperation::kListDescendants    ? "2020-05-01"
                                                                 : "2023-04-01";
}

http::Response WrongVersion(const AzureCall& call) {
  return GatewayError(
      400, "InvalidApiVersionParameter",
      "The api-version '" + call.Query("api-version") + "' is invalid. The supported versions are '" + VersionOf(call) + "'.");
}

http::Response Page(const AzureCall& call, const std::vector<json>& items, std::size_t page_items) {
  const std::string token = call.Query("$skiptoken");
  std::size_t begin = 0;
  std::from_chars(token.data(), token.data() + token.size(), begin);
  const std::size_t end = std::min(items.size(), begin + page_items);
  json value = json::array();
  for (std::size_t i = begin; i < end; ++i) {
    value.push_back(items[i]);
  }
  json answer = {{"value", std::move(value)}};
  if (end < items.size()) {
    answer["nextLink"] = call.origin + call.target.substr(0, call.target.find('?')) + "?api-version=" + call.Query("api-version") +
                         "&%24skiptoken=" + std::to_string(end);
  }
  return AzureJson(200, answer);
}

}  // namespace

void AzurePolicyAssignments::Put(json body) {
  const std::string id = base::AsciiLower(body.at("id").get_ref<const std::string&>());
  bodies_[id] = std::move(body);
}

void AzurePolicyAssignments::Erase(const std::string& id) { bodies_.erase(base::AsciiLower(id)); }

http::Response AzurePolicyAssignments::List(const AzureCall& call, const Groups& groups, std::size_t page_items) const {
  if (call.Query("api-version") != VersionOf(call)) {
    return WrongVersion(call);
  }
  if (!call.Query("$filter").empty()) {
    return GatewayError(400, "InvalidFilterInQueryString", "Invalid $filter query parameter.");
  }
  const std::string type = call.operation == AzureOperation::kListPolicyExemptions ? "policyexemptions" : "policyassignments";
  const std::string here = "/subscriptions/" + call.subscription + "/";
  std::vector<json> items;
  for (const auto& [id, body] : bodies_) {
    if (id.find("/providers/microsoft.authorization/" + type + "/") == std::string::npos) {
      continue;
    }
    bool applies = id.starts_with(here);
    for (const auto& [group, subscriptions] : groups) {
      applies = applies || (id.starts_with("/providers/microsoft.management/managementgroups/" + group + "/") &&
                            std::ranges::find(subscriptions, call.subscription) != subscriptions.end());
    }
    if (applies) {
      items.push_back(body);
    }
  }
  return Page(call, items, page_items);
}

http::Response AzurePolicyAssignments::Get(const AzureCall& call) const {
  if (call.Query("api-version") != VersionOf(call)) {
    return WrongVersion(call);
  }
  const auto found = bodies_.find(call.path);
  if (found == bodies_.end()) {
    const bool initiative = call.path.find("/policysetdefinitions/") != std::string::npos;
    return GatewayError(404, initiative ? "PolicySetDefinitionNotFound" : "PolicyDefinitionNotFound",
                        std::string("The policy ") + (initiative ? "set " : "") + "definition '" +
                            call.path.substr(call.path.rfind('/') + 1) + "' could not be found.");
  }
  return AzureJson(200, found->second);
}

http::Response AzurePolicyAssignments::ListDescendants(const AzureCall& call, const Groups& groups, std::size_t page_items) {
  if (call.Query("api-version") != VersionOf(call)) {
    return WrongVersion(call);
  }
  constexpr std::string_view kGroups = "/providers/microsoft.management/managementgroups/";
  const std::string name = call.path.substr(kGroups.size(), call.path.find('/', kGroups.size()) - kGroups.size());
  const auto group = groups.find(name);
  if (group == groups.end()) {
    return GatewayError(403, "AuthorizationFailed",
                        "The client does not have authorization to perform action 'Microsoft.Management/managementGroups/descendants/read' "
                        "over scope '/providers/Microsoft.Management/managementGroups/" +
                            name + "' or the scope is invalid.");
  }
  std::vector<json> items = {{{"id", "/providers/Microsoft.Management/managementGroups/" + name + "-child"},
                              {"type", "Microsoft.Management/managementGroups"},
                              {"name", name + "-child"}}};
  for (const std::string& subscription : group->second) {
    items.push_back({{"id", "/subscriptions/" + subscription}, {"type", "/subscriptions"}, {"name", subscription}});
  }
  return Page(call, items, page_items);
}

}  // namespace support
