// Diagnostics: JSON lines on standard error, {"time","level","message"}.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "base/time.h"

namespace cli {

// One line, without the newline.
std::string FormatLogLine(base::Time time, base::LogLevel level, std::string_view message);

// Writes messages of `least` and above, each in one write. A line that cannot be written is lost: there is nowhere left to
// say so, and diagnostics never stop the work. Safe for concurrent use.
base::Log MakeLog(base::LogLevel least);

}  // namespace cli
