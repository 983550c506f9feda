// Gives memory back to the system once after each time of work.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "webhook/metrics.h"

namespace cli {

// For one thread.
class IdleTrim {
 public:
  // Both must outlive it.
  IdleTrim(const webhook::Metrics& metrics, const base::Clock& clock);

  // To be called now and then.
  void Run();

 private:
  const webhook::Metrics& metrics_;
  const base::Clock& clock_;
  std::uint64_t answers_ = 0;
  std::chrono::steady_clock::time_point quiet_since_;
  bool trimmed_ = false;
};

}  // namespace cli
