// Follows the chain through the whole log, and compares it with anchors. From a read-only connection of its own: `serve` may
// be writing meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "audit/anchor.h"
#include "base/result.h"

namespace audit {

struct Verification {
  std::int64_t first = 0;    // the id that the chain begins with
  std::int64_t last = 0;     // the last that it reaches; first - 1: none
  std::int64_t records = 0;  // stored, up to the break if there is one
  std::int64_t deleted = 0;  // of which a tombstone is left, or a gap
  std::int64_t older = 0;    // stored, but from before the chain: nothing is said of them

  // What anchors say. Records are proven by an anchor at or behind them with no gap in between.
  std::int64_t anchors = 0;            // compared, and equal
  std::int64_t proven = 0;             // records
  std::int64_t proven_to = 0;          // the last anchor's sequence
  std::string proven_time;             // and its time
  std::int64_t unproven_in_front = 0;  // records before a gap that stands before any anchor of theirs
  std::int64_t unproven_at_end = 0;    // records behind the last anchor
  bool deletions_known = false;        // the last anchor says how many records were deleted, and not more are

  // The first place where the chain does not hold.
  struct Break {
    std::int64_t from = 0;  // what is wrong is a record of from … to
    std::int64_t to = 0;
    std::string time, uid;  // of the record `to`, if it is there
    std::string what;
  };
  std::optional<Break> broken;
};

// The name of the log in a database, 16 bytes.
base::Result<std::string> LogName(const std::string& database);

// `anchors` by sequence, all of this log.
base::Result<Verification> Verify(const std::string& database, std::span<const Anchor> anchors);

}  // namespace audit
