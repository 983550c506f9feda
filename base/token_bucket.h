// How often something may be done: so many times at once, and after that once every so often. Pure: no clock but the times handed in.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace base {

// Full at first. For one thread at a time.
class TokenBucket {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  constexpr TokenBucket(int burst, std::chrono::milliseconds refill) : burst_(burst), refill_(refill), tokens_(burst) {}

  // False when it is empty.
  bool Take(Instant now) {
    if (tokens_ >= burst_) {
      refilled_ = now;
    } else if (const auto periods = (now - refilled_) / refill_; periods > 0) {
      tokens_ = static_cast<int>(std::min<std::int64_t>(burst_, tokens_ + periods));
      refilled_ += periods * refill_;
    }
    if (tokens_ == 0) {
      return false;
    }
    --tokens_;
    return true;
  }

 private:
  int burst_;
  std::chrono::milliseconds refill_;
  int tokens_;
  Instant refilled_{};
};

}  // namespace base
