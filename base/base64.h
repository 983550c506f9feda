// Base64 by RFC 4648, section 4: the alphabet with "+" and "/", padded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string EncodeBase64(std::string_view bytes);

// Nothing for what is none: a character outside the alphabet, padding that is missing or too much. Line breaks are skipped, as Go's
// decoder does: files of Kubernetes' are read with that.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace base
