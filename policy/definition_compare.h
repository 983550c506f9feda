// Azure Policy's comparisons of two JSON values.
#pragma once

#include <nlohmann/json.hpp>

#include "policy/definition_rule.h"

namespace policy {

// What a condition comes to. Azure refuses a resource over which its rule fails (a number compared with a word); it never
// takes the failure for false.
enum class Outcome {
  kFalse,
  kTrue,
  kFailed,
  kUnknown,  // what it comes to in Azure cannot be told here
};

// kFailed and kUnknown have no opposite: they stay.
Outcome Opposite(Outcome outcome);

// `actual` is null where the resource has no such member: for Azure that is the same. Strings compare without regard to
// ASCII case, but for kMatch.
Outcome Compare(Comparison comparison, bool negated, const nlohmann::json& actual, const nlohmann::json& operand);

// As kEquals has it: a scalar equals the string that it would be written as ("true", "1").
bool LooselyEqual(const nlohmann::json& a, const nlohmann::json& b);

// The member of that name, without regard to case; null when `object` is none or has none.
const nlohmann::json* FindMember(const nlohmann::json& object, std::string_view name);
// The same of a text; null, too, where the member is another thing.
const std::string* FindText(const nlohmann::json& object, std::string_view name);

}  // namespace policy
