// More than one attempt at what a person, or a job, waits for.
#pragma once

#include <algorithm>
#include <chrono>

#include "azure/arm_error.h"
#include "azure/back_off.h"
#include "azure/credential.h"

namespace azure {

// Of a question that may be answered at another try. Between two, as long as Azure asks, but no longer than a person waits.
inline constexpr int kReadAttempts = 3;
inline constexpr std::chrono::milliseconds kLongestReadPause{20'000};

// `ask` returns an ArmResult. What another try cannot change is asked once. `wait` is also how the waiting is cut short.
template <class Ask>
auto WithAttempts(const Wait& wait, const Ask& ask) {
  auto answer = ask();
  for (int attempt = 1; attempt < kReadAttempts && !answer; ++attempt) {
    const ArmError& error = answer.error();
    if (error.kind != ArmError::Kind::kThrottled && error.kind != ArmError::Kind::kUnavailable) {
      break;
    }
    if (error.retry_after > kLongestReadPause || !wait(std::max(error.retry_after, kFirstRetry))) {
      break;
    }
    answer = ask();
  }
  return answer;
}

}  // namespace azure
