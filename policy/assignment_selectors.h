// What an assignment or an exemption of Azure Policy says of the resources it is about, and of its effects, beside its scope.
// https://learn.microsoft.com/azure/governance/policy/concepts/assignment-structure#resource-selectors
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace policy {

enum class Selected {
  kNo,
  kYes,
  kCannotTell,  // it depends on the registry (its location), on who asks, or on what we do not know
};

// Whether `resourceSelectors` select registries: any one of them, by all that it says. None select everything.
Selected SelectsRegistries(const nlohmann::json& resource_selectors);

// The effect that `overrides` put in place of the one of a definition, by its reference id in the initiative ("": it is assigned by
// itself); nothing where none does. The error says why it cannot be told.
tl::expected<std::optional<std::string>, std::string> OverriddenEffect(const nlohmann::json& overrides, std::string_view reference_id);

}  // namespace policy
