// How evidence reads.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "policy/definition_rule.h"

namespace policy {

inline constexpr std::size_t kMaxEvidenceWords = 160;  // bytes of Evidence::field and Evidence::expected

// A value as Evidence::actual holds it: JSON text of at most kMaxEvidenceText bytes; what is longer becomes a JSON string
// that ends with "…".
std::string EvidenceText(const nlohmann::json& value);

// Whether everybody who is denied may read the value (Evidence::brief).
bool IsBrief(const nlohmann::json& value);

// What a value must be for the comparison to have the result `holds`: "Disabled", "at least 1", "not Basic". With
// `two_valued`, the other value of a known pair is named instead of "not" the one.
std::string DescribeExpected(Comparison comparison, bool holds, const nlohmann::json& operand, bool two_valued);

}  // namespace policy
