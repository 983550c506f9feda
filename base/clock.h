// The clock that is handed to whatever needs the time. Tests hand in tests/support/fake_clock.h.
#pragma once

#include <chrono>

#include "base/time.h"

namespace base {

// Safe for concurrent use.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;                                         // wall time: may step
  virtual std::chrono::steady_clock::time_point Monotonic() const = 0;  // never steps: deadlines and durations
};

class SystemClock final : public Clock {
 public:
  Time Now() const override { return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()); }
  std::chrono::steady_clock::time_point Monotonic() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace base
