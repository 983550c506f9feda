// Bars for tables.
#pragma once

#include <cstdint>
#include <string>

#include "cli/terminal.h"

namespace cli {

// `width` columns for `most`, and less for less; something for anything but 0. Eighths of a column where the terminal shows them, else
// '#'.
std::string Bar(std::int64_t value, std::int64_t most, std::size_t width, const Terminal& terminal);

}  // namespace cli
