#include "http/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace http {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Digits alone; so many that they overflow are as good as the maximum.
std::optional<std::int64_t> ParseCount(std::string_view text, std::int64_t max) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::min(value, max) : max;
}

// "Sun, 06 Nov 1994 08:49:37 GMT". The day's name is not compared with the date: the date is what counts.
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

}  // namespace

std::optional<milliseconds> RetryAfter(const Response& response, base::Time now) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto wait = ParseCount(response.Header(name), kMaxRetryAfter.count())) {
      return milliseconds(*wait);
    }
  }
  const std::string_view value = response.Header("Retry-After");
  if (const auto seconds = ParseCount(value, std::chrono::duration_cast<std::chrono::seconds>(kMaxRetryAfter).count())) {
    return std::chrono::seconds(*seconds);
  }
  const auto date = ParseHttpDate(value);
  if (!date) {
    return std::nullopt;
  }
  // Rounded up: a request must not leave a fraction of a millisecond too early.
  return std::clamp(std::chrono::ceil<milliseconds>(*date - now), milliseconds(0), kMaxRetryAfter);
}

}  // namespace http
