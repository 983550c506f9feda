// The strict JSON reader: what nlohmann/json takes silently is refused here.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace base {

// Nesting beyond this is refused: nothing we read is nearly as deep, and recursion must end.
inline constexpr std::size_t kMaxJsonDepth = 100;

// One JSON text, whole: duplicate keys (at any depth), invalid UTF-8, nesting beyond kMaxJsonDepth and trailing bytes are
// errors whose message begins with `source` and names line and column (syntax) or the path (duplicate key). A UTF-8 byte
// order mark at the beginning is skipped, as PowerShell writes one. Parsed by simdjson (about five times nlohmann's speed
// with the conversion), reported by nlohmann.
Result<nlohmann::json> ParseJson(std::string_view text, std::string_view source);

// Reading members of what comes from outside; `object` may be any JSON value, and what is absent or of another type counts as not there.
std::string TextAt(const nlohmann::json& object, std::string_view key);             // "" when there is none
const nlohmann::json& ArrayAt(const nlohmann::json& object, std::string_view key);  // [] when there is none

// Null for an empty text: where there is nothing, rows say so.
nlohmann::json TextOrNull(std::string_view text);

// nlohmann's dump throws on invalid UTF-8; this one replaces it. indent -1: on one line.
std::string DumpJson(const nlohmann::json& value, int indent = -1);

}  // namespace base
