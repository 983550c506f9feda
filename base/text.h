// Small functions on text. ASCII only, by intention: K (U+212A) lower-cases to k in Unicode, and host names must not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace base {

std::string AsciiLower(std::string_view text);
bool EqualsIgnoreAsciiCase(std::string_view a, std::string_view b);

// Text from outside, made fit to be shown to a person or put into a Warning header: valid UTF-8, control characters and
// invisible or direction-changing ones replaced by '?', at most `max_bytes` (cut at a character, with "…").
std::string Printable(std::string_view text, std::size_t max_bytes);

// The candidate that `word` is probably a misspelling of, or "" when none is near.
std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace base
