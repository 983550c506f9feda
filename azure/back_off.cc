#include "azure/back_off.h"

#include <algorithm>

namespace azure {

using std::chrono::milliseconds;

milliseconds Jittered(milliseconds interval, std::mt19937_64& random) {
  // Not std::uniform_int_distribution, which gives other numbers with another standard library.
  const auto tenth = static_cast<std::uint64_t>(interval.count() / 10);
  return interval - milliseconds(tenth) + milliseconds(random() % (2 * tenth + 1));
}

void Turn::Succeeded(Instant now, milliseconds interval, std::mt19937_64& random) {
  running_ = false;
  failures_ = 0;
  due_ = now + Jittered(interval, random);
}

void Turn::Failed(Instant now, const ArmError& error, std::mt19937_64& random) {
  running_ = false;
  if (error.kind == ArmError::Kind::kThrottled && error.status == 0) {
    due_ = now + std::max(error.retry_after, milliseconds(1));
    return;
  }
  constexpr int kMostDoublings = 16;
  const milliseconds back_off = std::min(kFirstRetry * (1 << std::min(failures_, kMostDoublings)), kLastRetry);
  ++failures_;
  due_ = now + std::max(Jittered(back_off, random), error.retry_after);
}

}  // namespace azure
