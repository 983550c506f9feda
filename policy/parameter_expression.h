// Values of Azure Policy that stand outside of a rule and may be expressions over parameters: what an initiative gives to its
// members, and a definition's effect.
#pragma once

#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace policy {

// `value` with every expression in it, at any depth, replaced by what it comes to. `parameters` holds the values by name. The
// error is a message: an expression that is not understood, fails, or needs more than the parameters.
tl::expected<nlohmann::json, std::string> ResolveExpressions(const nlohmann::json& value, const nlohmann::json& parameters);

}  // namespace policy
