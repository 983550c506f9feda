// What Azure Policy has assigned, as Resource Manager describes it: the input of an import.
// https://learn.microsoft.com/azure/governance/policy/concepts/assignment-structure
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace policy {

// An id of Microsoft.Authorization's: "SCOPE/providers/Microsoft.Authorization/TYPE/NAME". Views into the id.
struct AuthorizationId {
  std::string_view scope;  // "" of what is built in, a management group's, a subscription's, … id
  std::string_view type;   // "policyAssignments", as written
  std::string_view name;
};

// By the last such part: an assignment may be of any resource. Nothing where that has not exactly these parts.
std::optional<AuthorizationId> ParseAuthorizationId(std::string_view id);

// Keys are ids in lower case: Azure's are the same in any.
struct AssignedPolicies {
  struct Item {
    nlohmann::json body;
    std::set<std::string> subscriptions;  // of those that were read, whose lists hold it: where it applies, wholly or in part
  };

  std::set<std::string> subscriptions;  // that were read
  std::map<std::string, Item> assignments;
  std::map<std::string, Item> exemptions;
  // What the assignments name, and the initiatives among these; one that is nowhere here does not exist.
  std::map<std::string, nlohmann::json> definitions;
  std::map<std::string, nlohmann::json> initiatives;
  // The subscriptions below the management groups that assignments leave out; of one that is not here `unread_groups` says why.
  std::map<std::string, std::set<std::string>> management_groups;  // by name
  std::map<std::string, std::string> unread_groups;
};

}  // namespace policy
