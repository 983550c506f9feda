#include "cli/table.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>

#include "base/text.h"

namespace cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastColumn = 4;      // what is left of a cut column still says something: "abc…"
constexpr std::size_t kMaxCellBytes = 4096;  // wider than any terminal
constexpr std::string_view kEllipsis = "\u2026";

bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

// Takes columns from the widest until all fit or none can give more.
void Shrink(std::vector<std::size_t>& widths, std::size_t available) {
  std::size_t total = std::accumulate(widths.begin(), widths.end(), kGap * (widths.size() - 1));
  while (total > available) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kLeastColumn) {
      return;
    }
    --*widest;
    --total;
  }
}

void AppendLine(std::string& out, const std::vector<Cell>& cells, const std::vector<std::size_t>& widths, const Terminal& terminal) {
  std::size_t padding = 0;  // written before the next cell, so that no line ends in spaces
  for (std::size_t i = 0; i < cells.size() && i < widths.size(); ++i) {
    const std::string text = FitText(cells[i].text, widths[i]);
    if (!text.empty()) {
      out.append(padding, ' ');
      padding = 0;
      out += Styled(terminal, cells[i].style, text);
    }
    padding += widths[i] - TextWidth(text) + kGap;
  }
  out += '\n';
}

}  // namespace

std::size_t TextWidth(std::string_view text) { return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), BeginsCharacter)); }

std::string FitText(std::string text, std::size_t width) {
  if (TextWidth(text) <= width) {
    return text;
  }
  std::size_t characters = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    if (BeginsCharacter(text[bytes])) {
      if (characters == width - 1) {
        break;
      }
      ++characters;
    }
    ++bytes;
  }
  text.resize(bytes);
  return text.append(kEllipsis);
}

std::string FormatTable(const std::vector<std::string>& headings, const std::vector<std::vector<Cell>>& rows, const Terminal& terminal) {
  if (headings.empty()) {
    return {};
  }
  std::vector<Cell> first;
  first.reserve(headings.size());
  std::vector<std::size_t> widths;
  widths.reserve(headings.size());
  for (const std::string& heading : headings) {
    first.push_back({heading, Style::kHeading});
    widths.push_back(TextWidth(heading));
  }
  std::vector<std::vector<Cell>> safe = rows;
  for (std::vector<Cell>& row : safe) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      row[i].text = base::Printable(row[i].text, kMaxCellBytes);
      widths[i] = std::max(widths[i], TextWidth(row[i].text));
    }
  }
  Shrink(widths, static_cast<std::size_t>(terminal.width));

  std::string out;
  AppendLine(out, first, widths, terminal);
  for (const std::vector<Cell>& row : safe) {
    AppendLine(out, row, widths, terminal);
  }
  return out;
}

}  // namespace cli
