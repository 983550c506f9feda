#include "http/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/http_date.h"

namespace http {
namespace {

using std::chrono::milliseconds;

// Digits alone; so many that they overflow are as good as the maximum.
std::optional<std::int64_t> ParseCount(std::string_view text, std::int64_t max) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::min(value, max) : max;
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
