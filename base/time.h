// Times and durations as they stand in files, records and messages.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace base {

// UTC, microseconds: the resolution of the audit record.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

// "2026-11-23T12:00:00.123456Z"; always six decimals, so that texts sort as times do.
std::string FormatTime(Time time);

// "2026-11-23T12:00:00Z": whole seconds, for people and for `observed`.
std::string FormatTimeSeconds(Time time);

// RFC 3339 with any fraction and offset, or a date alone (its first instant, UTC); years 0000 to 9999 of UTC. Nothing else; no locale.
std::optional<Time> ParseTime(std::string_view text);

// "90s", "1h30m", "72h", "30d", "250ms": positive whole numbers with a unit, larger units first. "0" needs a unit too: "0s".
std::optional<std::chrono::microseconds> ParseDuration(std::string_view text);

// The largest two units that say it: "29 s", "4 min", "3 h 12 min", "5 d 2 h". Negative durations read "0 s".
std::string FormatAge(std::chrono::microseconds age);

}  // namespace base
