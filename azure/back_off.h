// When something that is done again and again is done next, after what came of it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

#include "azure/arm_error.h"

namespace azure {

// Of what failed: soon, for most failures are short, then ever more seldom, so that an outage of a day costs Azure and us
// little. Forbidden is no different: a role that is assigned acts within 30 minutes, and nobody tells us.
inline constexpr std::chrono::milliseconds kFirstRetry{2'000};
inline constexpr std::chrono::milliseconds kLastRetry{300'000};

// Many replicas and clusters that were started together must not ask together for ever: a time within 10% of `interval`.
// The same generator gives the same times.
std::chrono::milliseconds Jittered(std::chrono::milliseconds interval, std::mt19937_64& random);

// One thing's turn. For one thread at a time.
class Turn {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit Turn(Instant due) : due_(due) {}

  bool IsDue(Instant now) const { return !running_ && due_ <= now; }
  bool IsRunning() const { return running_; }
  Instant due() const { return running_ ? Instant::max() : due_; }
  int failures() const { return failures_; }  // since the last success

  void Begin() { running_ = true; }
  void Succeeded(Instant now, std::chrono::milliseconds interval, std::mt19937_64& random);
  // What was not sent for Azure's limits is no failure: it waits as long as they ask. Anything else waits for its back-off
  // and at least as long as Azure asked.
  void Failed(Instant now, const ArmError& error, std::mt19937_64& random);

 private:
  Instant due_;
  bool running_ = false;
  int failures_ = 0;
};

}  // namespace azure
