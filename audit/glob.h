// Shell-like patterns over text, for people who search.
#pragma once

#include <string_view>

namespace audit {

// The whole text must match: '*' is any text, also none and across '/'; '?' is one character (of UTF-8); everything else is
// itself. At worst the product of the two lengths: a pattern cannot be made to take longer.
bool GlobMatches(std::string_view pattern, std::string_view text);

}  // namespace audit
