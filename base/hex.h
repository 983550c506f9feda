// Hexadecimal digits, two a byte, in lower case.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string ToHex(std::string_view bytes);

// Nothing for what ToHex does not write.
std::optional<std::string> FromHex(std::string_view text);

}  // namespace base
