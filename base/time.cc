#include "base/time.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace base {
namespace {

using std::chrono::microseconds;

std::string FormatDateAndTime(Time time, int* micros) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss<microseconds> of_day{time - day};
  *micros = static_cast<int>(of_day.subseconds().count());
  std::array<char, 40> text;
  const int length =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(of_day.hours().count()),
                    static_cast<int>(of_day.minutes().count()), static_cast<int>(of_day.seconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

// The times that four digits of a year can say: beyond them texts would not sort as times do.
constexpr Time kFirst = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
constexpr Time kEnd = std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1);

// Takes exactly `digits` digits off the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) {
    return std::nullopt;
  }
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> TakeDate(std::string_view& text) {
  const auto year = TakeNumber(text, 4);
  if (!year || !Take(text, "-")) {
    return std::nullopt;
  }
  const auto month = TakeNumber(text, 2);
  if (!month || !Take(text, "-")) {
    return std::nullopt;
  }
  const auto day = TakeNumber(text, 2);
  if (!day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date);
}

std::optional<microseconds> TakeTimeOfDay(std::string_view& text) {
  const auto hour = TakeNumber(text, 2);
  if (!hour || *hour > 23 || !Take(text, ":")) {
    return std::nullopt;
  }
  const auto minute = TakeNumber(text, 2);
  if (!minute || *minute > 59 || !Take(text, ":")) {
    return std::nullopt;
  }
  const auto second = TakeNumber(text, 2);
  if (!second || *second > 60) {  // 60: a leap second, which the next minute's first stands for
    return std::nullopt;
  }
  microseconds fraction{0};
  if (Take(text, ".")) {
    int digits = 0;
    int scale = 100'000;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      fraction += microseconds((text.front() - '0') * scale);
      scale /= 10;
      text.remove_prefix(1);
      ++digits;
    }
    if (digits == 0) {
      return std::nullopt;
    }
  }
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second) + fraction;
}

// "Z" or "+hh:mm".
std::optional<std::chrono::minutes> TakeOffset(std::string_view& text) {
  if (Take(text, "Zz")) {
    return std::chrono::minutes(0);
  }
  if (text.empty() || (text.front() != '+' && text.front() != '-')) {
    return std::nullopt;
  }
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hours = TakeNumber(text, 2);
  if (!hours || *hours > 23 || !Take(text, ":")) {
    return std::nullopt;
  }
  const auto minutes = TakeNumber(text, 2);
  if (!minutes || *minutes > 59) {
    return std::nullopt;
  }
  return std::chrono::minutes(sign * (*hours * 60 + *minutes));
}

struct Unit {
  std::string_view name;
  microseconds length;
};

// Larger first. "ms" stands before "m" so that it is not read as minutes.
constexpr std::array<Unit, 5> kUnits = {Unit{"d", std::chrono::hours(24)}, Unit{"h", std::chrono::hours(1)},
                                        Unit{"ms", std::chrono::milliseconds(1)}, Unit{"m", std::chrono::minutes(1)},
                                        Unit{"s", std::chrono::seconds(1)}};

// A hundred years: every duration that a person means is shorter, and sums of two never overflow.
constexpr std::chrono::hours kLongest{24 * 36'500};

}  // namespace

std::string FormatTime(Time time) {
  int micros = 0;
  std::string text = FormatDateAndTime(time, &micros);
  std::array<char, 16> fraction;
  const int length = std::snprintf(fraction.data(), fraction.size(), ".%06dZ", micros);
  return text.append(fraction.data(), static_cast<std::size_t>(length));
}

std::string FormatTimeSeconds(Time time) {
  int micros = 0;
  return FormatDateAndTime(time, &micros) + "Z";
}

std::optional<Time> ParseTime(std::string_view text) {
  const auto day = TakeDate(text);
  if (!day) {
    return std::nullopt;
  }
  if (text.empty()) {
    return Time(*day);
  }
  if (!Take(text, "Tt ")) {
    return std::nullopt;
  }
  const auto of_day = TakeTimeOfDay(text);
  if (!of_day) {
    return std::nullopt;
  }
  const auto offset = TakeOffset(text);
  if (!offset || !text.empty()) {
    return std::nullopt;
  }
  const Time time = Time(*day) + *of_day - *offset;
  return time >= kFirst && time < kEnd ? std::optional(time) : std::nullopt;
}

std::optional<microseconds> ParseDuration(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  microseconds total{0};
  microseconds last_unit = microseconds::max();
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || text.front() == '-') {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (text.starts_with(candidate.name)) {
        unit = &candidate;
        break;
      }
    }
    if (unit == nullptr || unit->length >= last_unit || number > kLongest / unit->length) {
      return std::nullopt;
    }
    text.remove_prefix(unit->name.size());
    total += number * unit->length;
    last_unit = unit->length;
  }
  if (total > kLongest) {
    return std::nullopt;
  }
  return total;
}

std::string FormatAge(microseconds age) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(age).count();
  const auto two = [](std::int64_t large, const char* large_unit, std::int64_t small, const char* small_unit) {
    std::string text = std::to_string(large) + large_unit;
    if (small > 0) {
      text += ' ' + std::to_string(small) + small_unit;
    }
    return text;
  };
  if (seconds <= 0) {
    return "0 s";
  }
  if (seconds < 60) {
    return std::to_string(seconds) + " s";
  }
  if (seconds < 3600) {
    return std::to_string(seconds / 60) + " min";
  }
  if (seconds < 86'400) {
    return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
  }
  return two(seconds / 86'400, " d", seconds % 86'400 / 3600, " h");
}

}  // namespace base
