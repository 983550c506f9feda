// What is known of the place that output goes to, and text dressed for it.
#pragma once

#include <string>
#include <string_view>

namespace cli {

struct Terminal {
  int width = 100;  // columns; 100 where output goes to a file or pipe
  bool colour = false;
  bool unicode = false;  // the locale's characters are UTF-8
};

// What the locale's characters are is the environment's to say: LC_ALL, LC_CTYPE or LANG, whichever is set first.
// Colours only on a terminal, and not when NO_COLOR is set (https://no-color.org) or TERM is "dumb".
Terminal DescribeTerminal(int file_descriptor);

enum class Style { kPlain, kHeading, kGood, kWarning, kBad, kFaint };

// The text between colour codes, or as it is where colours are off.
std::string Styled(const Terminal& terminal, Style style, std::string_view text);

}  // namespace cli
