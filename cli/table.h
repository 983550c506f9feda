// Tables for people.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.h"

namespace cli {

struct Cell {
  std::string text;
  Style style = Style::kPlain;
};

// Columns as wide as their content, two spaces apart, every line within the terminal's width: where there is too little
// room the widest columns are cut, with "…". Control and invisible characters in cells are replaced, so that a name from
// outside cannot steer the terminal. Rows may be shorter than the headings.
std::string FormatTable(const std::vector<std::string>& headings, const std::vector<std::vector<Cell>>& rows, const Terminal& terminal);

}  // namespace cli
