#include "audit/clock_trust.h"

#include <utility>

namespace audit {
namespace {

std::chrono::microseconds OffsetOf(base::Time now, std::chrono::steady_clock::time_point monotonic) {
  return now.time_since_epoch() - std::chrono::duration_cast<std::chrono::microseconds>(monotonic.time_since_epoch());
}

std::string HoursAndMinutes(std::chrono::microseconds time) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time).count();
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

}  // namespace

ClockTrust::ClockTrust(base::Time now, std::chrono::steady_clock::time_point monotonic, std::optional<base::Time> newest)
    : offset_(OffsetOf(now, monotonic)), since_(monotonic) {
  if (newest && now - *newest > kAbsence) {
    Doubt("at the start the wall clock said " + base::FormatTime(now) + ", " + HoursAndMinutes(now - *newest) + " after the newest record",
          now, monotonic);
  }
}

void ClockTrust::Look(base::Time now, std::chrono::steady_clock::time_point monotonic) {
  const std::chrono::microseconds moved = OffsetOf(now, monotonic) - offset_;
  if (std::chrono::abs(moved) > kStep) {
    Doubt("the wall clock was set " + HoursAndMinutes(std::chrono::abs(moved)) + (moved.count() > 0 ? " ahead" : " back") + ", to " +
              base::FormatTime(now),
          now, monotonic);
  } else if (monotonic - since_ >= kAgreed) {
    offset_ = OffsetOf(now, monotonic);
    since_ = monotonic;
    doubt_.reset();
  }
}

void ClockTrust::Doubt(std::string why, base::Time now, std::chrono::steady_clock::time_point monotonic) {
  offset_ = OffsetOf(now, monotonic);
  since_ = monotonic;
  doubt_ = std::move(why) + "; it is believed when it has gone like the monotonic clock for an hour";
}

}  // namespace audit
