// The parameters of definitions and initiatives: declared, and given.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-parameters
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "policy/definition.h"

namespace policy {

// `parameters` is the member of that name, which stands at `path`, or null. The error begins with the JSON path of what is wrong.
tl::expected<std::vector<ParameterDefinition>, std::string> ParseParameters(const nlohmann::json* parameters, const std::string& path);

// As BindParameters of a definition; `owner` is what messages call whoever has them.
tl::expected<nlohmann::json, std::vector<std::string>> BindParameters(std::string_view owner,
                                                                      const std::vector<ParameterDefinition>& parameters,
                                                                      const nlohmann::json& given);

}  // namespace policy
