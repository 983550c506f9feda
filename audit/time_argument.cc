#include "audit/time_argument.h"

#include "base/text.h"

namespace audit {

namespace {
constexpr std::size_t kShownBytes = 64;  // of what is no time
}  // namespace

base::Result<base::Time> ParseTimeArgument(std::string_view name, std::string_view text, base::Time now) {
  if (const auto back = base::ParseDuration(text)) {
    return now - *back;
  }
  if (const auto time = base::ParseTime(text)) {
    return *time;
  }
  return base::Fail(base::ErrorCode::kInvalidArgument, std::string(name) + " " + base::Printable(text, kShownBytes) + ": is no time",
                    "give a duration back from now (90m, 1h30m, 7d), a date (2026-11-23), or a time (2026-11-23T12:00:00Z)");
}

}  // namespace audit
