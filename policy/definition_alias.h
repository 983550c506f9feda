// Which fields a rule may name, and where each lies in the ARM body of a registry or of one of its children.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "policy/child_kinds.h"

namespace policy {

inline constexpr std::string_view kRegistryType = "Microsoft.ContainerRegistry/registries";

// The api-version that the lists in definition_alias.cc are made for, and that people are told to read registries with.
inline constexpr std::string_view kRegistryApiVersion = "2025-11-01";

struct FieldLocation {
  std::string text;                // as people read it: without the type's prefix ("encryption.status")
  std::vector<std::string> steps;  // member names from the top of the body; "" is every element of an array
  // So many first steps lead to a member that no body read with kRegistryApiVersion lacks; 0 when there is none.
  std::size_t always_returned = 0;
  bool is_alias = false;  // not one of the fields that every resource has
  // Whose alias it is; null: the registry's. It selects nothing of a resource of another type, as in Azure.
  const ChildKind* kind = nullptr;

  // Of every resource: with the names of the resource's parents before its own. A registry has none.
  bool IsFullName() const { return !is_alias && text == "fullName"; }
  // Whose name people chose.
  bool IsTag() const { return !is_alias && steps.size() == 2 && steps.front() == "tags"; }
};

// `field` as a rule writes it: "type", "tags['team']", "Microsoft.ContainerRegistry/registries/sku.name",
// "Microsoft.ContainerRegistry/registries/tokens/status"; in any case.
// The error is a message: an unknown alias would select nothing for ever, and a rule over it would be a guess.
tl::expected<FieldLocation, std::string> LocateField(std::string_view field);

}  // namespace policy
