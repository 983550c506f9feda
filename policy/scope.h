// Where a requirement or an exemption applies: everything below a subscription or a resource group, or one registry, by ARM's ids.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace policy {

// The name of a management group's id, a view into it; "" where it is none.
std::string_view ManagementGroupOf(std::string_view id);

// What an id is of, the fixed parts in any case as ARM compares them.
enum class ScopeKind { kManagementGroup, kSubscription, kResourceGroup, kRegistry, kBelowRegistry, kOther };
ScopeKind KindOfScope(std::string_view id);

// "/subscriptions/ID", "…/resourceGroups/GROUP" or "…/providers/Microsoft.ContainerRegistry/registries/NAME".
bool IsScopeId(std::string_view text);

// What is wrong with an id that is none, for a message.
std::string WhyNoScopeId(std::string_view text);

// Whether the resource is the scope itself, or lies below it. Without regard to case.
bool IsBelow(std::string_view scope, std::string_view resource_id);

// Both empty: everywhere.
struct Scopes {
  std::vector<std::string> in;      // ids; empty: all
  std::vector<std::string> not_in;  // but what lies below these

  bool Contain(std::string_view resource_id) const;
  friend bool operator==(const Scopes&, const Scopes&) = default;
};

}  // namespace policy
