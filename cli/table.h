// Tables for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"

namespace cli {

struct Cell {
  std::string text;
  Style style = Style::kPlain;
};

// Characters, as an approximation of columns: what we print is nearly always ASCII.
std::size_t TextWidth(std::string_view text);

// The text, or as much of it as fits into `width` columns with "…".
std::string FitText(std::string text, std::size_t width);

// Columns as wide as their content, two spaces apart, every line within the terminal's width: where there is too little
// room the widest columns are cut, with "…". Control and invisible characters in cells are replaced, so that a name from
// outside cannot steer the terminal. Rows may be shorter than the headings.
std::string FormatTable(const std::vector<std::string>& headings, const std::vector<std::vector<Cell>>& rows, const Terminal& terminal);

}  // namespace cli
