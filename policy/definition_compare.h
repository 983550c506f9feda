// Azure Policy's comparisons of two JSON values.
#pragma once

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "policy/definition_rule.h"
#include "policy/outcome.h"

namespace policy {

// `actual` is null where the resource has no such member: for Azure that is the same. Strings compare as text_compare.h has it.
Outcome Compare(Comparison comparison, bool negated, const nlohmann::json& actual, const nlohmann::json& operand);

// What a comparison with the value costs, in steps of an evaluation, beside the one that each takes: an element or 64 bytes are a step.
// Members of objects are looked up one among all.
std::size_t ComparisonSteps(const nlohmann::json& value);

// The member of that name, without regard to ASCII case; null when `object` is none or has none.
const nlohmann::json* FindMember(const nlohmann::json& object, std::string_view name);
// Where FindMember finds none: whether there is one whose name Azure might take for the same, as it differs beyond ASCII alone.
bool MayHaveMember(const nlohmann::json& object, std::string_view name);
// The same of a text; null, too, where the member is another thing.
const std::string* FindText(const nlohmann::json& object, std::string_view name);

}  // namespace policy
