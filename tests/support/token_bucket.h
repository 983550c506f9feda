// How Azure counts reads: a bucket that every read takes a token from, and that refills all the time.
// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace support {

struct BucketSize {
  double tokens = 0;
  double refill_per_second = 0;
};

// Full at first. For one thread at a time.
class TokenBucket {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // False when it is empty.
  bool Take(const BucketSize& size, Instant now) {
    using Seconds = std::chrono::duration<double>;
    level_ = filled_ ? std::min(size.tokens, level_ + Seconds(now - at_).count() * size.refill_per_second) : size.tokens;
    filled_ = true;
    at_ = now;
    if (level_ < 1) {
      return false;
    }
    level_ -= 1;
    return true;
  }

  std::int64_t left() const { return static_cast<std::int64_t>(level_); }

 private:
  bool filled_ = false;
  double level_ = 0;
  Instant at_{};
};

}  // namespace support
