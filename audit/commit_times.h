// How old the records of this run are at least, whatever the wall clock says: by the monotonic clock. In 64 parts of the age that is asked
// for, so that memory is bounded. For one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace audit {

class CommitTimes {
 public:
  // `before`: the last row of earlier runs, of whose age the monotonic clock tells nothing.
  CommitTimes(std::int64_t before, std::chrono::microseconds age) : aged_(before), age_(age) {}

  // Rows up to `id` are committed now.
  void Committed(std::int64_t id, std::chrono::steady_clock::time_point now);

  // Rows behind it are younger than the age (or nearly so: by a part at most).
  std::int64_t Aged(std::chrono::steady_clock::time_point now);

 private:
  struct Part {
    std::chrono::steady_clock::time_point begin, end;  // of its first and its last commit
    std::int64_t last = 0;                             // row
  };

  std::int64_t aged_;
  std::chrono::microseconds age_;
  std::deque<Part> parts_;
};

}  // namespace audit
