#include "cli/local_time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>

#include "audit/time_argument.h"
#include "base/text.h"

namespace cli {
namespace {

constexpr std::size_t kShownBytes = 64;  // of what is no time

std::tm LocalOf(base::Time time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

// Nothing for a moment that is on no calendar.
std::optional<base::Time> TimeOf(std::tm local) {
  const std::tm asked = local;
  local.tm_isdst = -1;  // whatever holds on that day
  const std::time_t seconds = std::mktime(&local);
  if (local.tm_year != asked.tm_year || local.tm_mon != asked.tm_mon || local.tm_mday != asked.tm_mday) {
    return std::nullopt;  // February 30
  }
  return base::Time(std::chrono::seconds(seconds));
}

std::optional<int> Number(std::string_view text, std::size_t at, std::size_t digits, int least, int most) {
  if (at + digits > text.size()) {
    return std::nullopt;
  }
  const char* const begin = text.data() + at;
  int value = 0;
  const auto [end, error] = std::from_chars(begin, begin + digits, value);
  return error == std::errc() && end == begin + digits && *begin != '-' && value >= least && value <= most ? std::optional(value)
                                                                                                           : std::nullopt;
}

// "2026-11-23 14:00", "2026-11-23T14:00:30"
std::optional<base::Time> ParseLocalTime(std::string_view text) {
  constexpr std::size_t kMinutes = 16;
  constexpr std::size_t kSeconds = 19;
  const bool with_seconds = text.size() == kSeconds;
  if (text.size() != kMinutes && !with_seconds) {
    return std::nullopt;
  }
  const bool shape = text[4] == '-' && text[7] == '-' && (text[10] == ' ' || text[10] == 'T') && text[13] == ':';
  const auto year = Number(text, 0, 4, 1970, 9999);
  const auto month = Number(text, 5, 2, 1, 12);
  const auto day = Number(text, 8, 2, 1, 31);
  const auto hour = Number(text, 11, 2, 0, 23);
  const auto minute = Number(text, 14, 2, 0, 59);
  const auto second = with_seconds ? Number(text, 17, 2, 0, 59) : std::optional(0);
  if (!shape || (with_seconds && text[kMinutes] != ':') || !year || !month || !day || !hour || !minute || !second) {
    return std::nullopt;
  }
  std::tm local{};
  local.tm_year = *year - 1900;
  local.tm_mon = *month - 1;
  local.tm_mday = *day;
  local.tm_hour = *hour;
  local.tm_min = *minute;
  local.tm_sec = *second;
  return TimeOf(local);
}

std::string Format(base::Time time, const char* format) {
  const std::tm local = LocalOf(time);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &local)};
}

}  // namespace

base::Result<base::Time> ParseTimeOfPerson(std::string_view option, std::string_view text, base::Time now) {
  if (base::EqualsIgnoreAsciiCase(text, "today")) {
    return LocalMidnight(now);
  }
  if (base::EqualsIgnoreAsciiCase(text, "yesterday")) {
    return LocalMidnight(LocalMidnight(now) - std::chrono::hours(1));
  }
  if (const auto local = ParseLocalTime(text)) {
    return *local;
  }
  if (const auto time = audit::ParseTimeArgument(option, text, now)) {
    return *time;
  }
  return base::Fail(base::ErrorCode::kInvalidArgument, std::string(option) + " " + base::Printable(text, kShownBytes) + ": is no time",
                    "give a duration back from now (90m, 1h30m, 7d), today, yesterday, a local time ('2026-11-23 14:00'), a date "
                    "(2026-11-23, UTC) or a time with its zone (2026-11-23T12:00:00Z)");
}

std::string FormatLocalTime(base::Time time) { return Format(time, "%Y-%m-%d %H:%M:%S"); }

std::string FormatLocalTimeAndZone(base::Time time) {
  std::string text = Format(time, "%Y-%m-%d %H:%M:%S %z");
  return text.insert(text.size() - 2, ":");  // %z has none
}

base::Time LocalMidnight(base::Time time) {
  std::tm local = LocalOf(time);
  local.tm_hour = 0;
  local.tm_min = 0;
  local.tm_sec = 0;
  return TimeOf(local).value_or(time);
}

}  // namespace cli
