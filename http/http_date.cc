#include "http/http_date.h"

#include <algorithm>
#include <array>
#include <string>

namespace http {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::optional<base::Time> ParseHttpDate(std::string_view text) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' || text.substr(16, 1) != " " ||
      !text.ends_with(" GMT")) {
    return std::nullopt;
  }
  const auto* const month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) {
    return std::nullopt;
  }
  const auto number = static_cast<int>(month - kMonths.begin()) + 1;
  const std::string month_digits = {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
  // The parts in RFC 3339's order: one reader of calendars is enough.
  return base::ParseTime(std::string(text.substr(12, 4)) + "-" + month_digits + "-" + std::string(text.substr(5, 2)) + "T" +
                         std::string(text.substr(17, 8)) + "Z");
}

}  // namespace http
