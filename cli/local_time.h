// Times of the person at the terminal: what they write, and what they read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace cli {

// What audit::ParseTimeArgument takes, and beside that "today" and "yesterday" (their local midnight) and a local time without a zone:
// "2026-11-23 14:00" or "2026-11-23T14:00:30". A date alone stays its first instant in UTC.
base::Result<base::Time> ParseTimeOfPerson(std::string_view option, std::string_view text, base::Time now);

// "2026-11-23 14:00:00", local.
std::string FormatLocalTime(base::Time time);

// Local time with its zone: "2026-11-23 14:00:00 +01:00".
std::string FormatLocalTimeAndZone(base::Time time);

// The local midnight before, or that very moment.
base::Time LocalMidnight(base::Time time);

}  // namespace cli
