// A clock that stands still until a test moves it. Safe for concurrent use.
#pragma once

#include <atomic>
#include <chrono>

#include "base/clock.h"

namespace support {

class FakeClock final : public base::Clock {
 public:
  explicit FakeClock(base::Time now = base::ParseTime("2026-11-23T12:00:00Z").value()) : micros_(now.time_since_epoch().count()) {}

  base::Time Now() const override { return base::Time(std::chrono::microseconds(micros_.load())); }
  std::chrono::steady_clock::time_point Monotonic() const override {
    return std::chrono::steady_clock::time_point(std::chrono::microseconds(monotonic_.load()));
  }

  // Both clocks go on.
  void Advance(std::chrono::microseconds by) {
    micros_ += by.count();
    monotonic_ += by.count();
  }
  // Wall time alone steps, as when a clock is set.
  void Step(std::chrono::microseconds by) { micros_ += by.count(); }

 private:
  std::atomic<std::int64_t> micros_;
  std::atomic<std::int64_t> monotonic_{0};
};

}  // namespace support
