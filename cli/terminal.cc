#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "cli/environment.h"

namespace cli {
namespace {

// Below this no table is readable; the terminal wraps it.
constexpr int kLeastWidth = 40;

std::string_view Code(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kHeading:
      return "\x1b[1m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kWarning:
      return "\x1b[33m";
    case Style::kBad:
      return "\x1b[31m";
    case Style::kFaint:
      return "\x1b[2m";
  }
  return "";
}

bool IsUtf8Locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (const std::string locale = EnvironmentVariable(name).value_or(""); !locale.empty()) {
      const std::string folded = base::AsciiLower(locale);
      return folded.find("utf-8") != std::string::npos || folded.find("utf8") != std::string::npos;
    }
  }
  return false;
}

}  // namespace

Terminal DescribeTerminal(int file_descriptor) {
  Terminal terminal;
  terminal.unicode = IsUtf8Locale();
  if (isatty(file_descriptor) == 0) {
    return terminal;
  }
  winsize size{};
  if (ioctl(file_descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) {
    terminal.width = std::max<int>(size.ws_col, kLeastWidth);
  }
  terminal.colour = EnvironmentVariable("NO_COLOR").value_or("").empty() && EnvironmentVariable("TERM") != "dumb";
  return terminal;
}

std::string Styled(const Terminal& terminal, Style style, std::string_view text) {
  if (!terminal.colour || style == Style::kPlain || text.empty()) {
    return std::string(text);
  }
  std::string styled(Code(style));
  styled += text;
  styled += "\x1b[0m";
  return styled;
}

}  // namespace cli
