// How many bytes of request bodies may be in memory at a time, over all connections.
#pragma once

#include <atomic>
#include <cstddef>

namespace webhook {

// Safe for concurrent use.
class BodyBudget {
 public:
  // 0: no bound.
  explicit BodyBudget(std::size_t most) : most_(most) {}

  // All or nothing; what was taken is given back by Release.
  bool Take(std::size_t bytes) {
    if (most_ == 0) {
      return true;
    }
    if (taken_.fetch_add(bytes, std::memory_order_relaxed) + bytes > most_) {
      taken_.fetch_sub(bytes, std::memory_order_relaxed);
      return false;
    }
    return true;
  }
  void Release(std::size_t bytes) {
    if (most_ != 0) {
      taken_.fetch_sub(bytes, std::memory_order_relaxed);
    }
  }

  // Whether as much would be given now: a promise to nobody.
  bool Fits(std::size_t bytes) const { return most_ == 0 || taken_.load(std::memory_order_relaxed) + bytes <= most_; }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace webhook
