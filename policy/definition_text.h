// What the files that Azure prints of definitions and initiatives have in common. Members are found without regard to case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace policy {

inline constexpr std::size_t kMaxQuotedText = 128;  // bytes of a file's text that a message repeats

// Null where there is none, or it is null.
const nlohmann::json* PresentMember(const nlohmann::json& object, std::string_view name);

// "" where there is none, or it is no text.
std::string TextMember(const nlohmann::json& object, std::string_view name);

// "…/policyDefinitions/NAME" → "NAME"
std::string LastPartOfId(const std::string& id);

// What such a file says of what it defines.
struct DefinedAs {
  std::string id, guid, display_name, version;
};
// `body` is `document`, or its "properties".
DefinedAs ReadDefinedAs(const nlohmann::json& document, const nlohmann::json& body);

}  // namespace policy
