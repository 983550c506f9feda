// The ids of resources, checked for their shape before they go into a URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace azure {

// A GUID, in any case.
bool IsSubscriptionId(std::string_view text);

// The name (Azure's word for its id) of a management group.
bool IsManagementGroup(std::string_view text);

struct RegistryId {
  std::string subscription, resource_group, name;

  // Percent-encoded: names of resource groups may hold letters of any alphabet.
  std::string Path() const;
};

// "/subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/…" and nothing else; the words that are
// the same in all ids in any case.
std::optional<RegistryId> ParseRegistryId(std::string_view id);

}  // namespace azure
