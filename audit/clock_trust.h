// Whether the wall clock's word is enough to delete something for its age. A clock that is a month ahead for a second must not cost a
// month of records.
//
// After a step it is not until wall time has agreed with the monotonic clock for an hour. At a start the monotonic clock tells nothing of
// the time before, so there a clock that is far beyond the newest record is taken for one that has stepped. What stays: a clock that is
// wrong for longer than that hour, with nobody who reads of it. For one thread at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/time.h"

namespace audit {

class ClockTrust {
 public:
  // Of wall against monotonic time, within kAgreed: more than a clock drifts or is slewed in that, and nothing beside an age in days.
  static constexpr std::chrono::minutes kStep{5};
  // Time synchronisation sets a clock right within minutes of a node's start; a person who reads of it needs longer.
  static constexpr std::chrono::hours kAgreed{1};
  // From the newest record to a start: a cluster that is stopped overnight is nothing unusual.
  static constexpr std::chrono::hours kAbsence{24};

  // `newest`: the time of the newest record; none: there is none.
  ClockTrust(base::Time now, std::chrono::steady_clock::time_point monotonic, std::optional<base::Time> newest);

  // Call often: a step there and back between two looks is not seen, and does no harm.
  void Look(base::Time now, std::chrono::steady_clock::time_point monotonic);

  // Why not, as of the last look; none: it is enough.
  const std::optional<std::string>& doubt() const { return doubt_; }

 private:
  void Doubt(std::string why, base::Time now, std::chrono::steady_clock::time_point monotonic);

  // How they stood to each other, and when: at the last step, or at the end of an hour without one. So a clock that moves in many small
  // steps is seen, too.
  std::chrono::microseconds offset_{};
  std::chrono::steady_clock::time_point since_;
  std::optional<std::string> doubt_;
};

}  // namespace audit
