#include "cli/idle_trim.h"

#include <malloc.h>

namespace cli {
namespace {

// What connections took is given back to the system when nothing was answered for this long: at times of work it would be
// asked for again at once.
constexpr std::chrono::seconds kIdleBeforeTrim{60};

}  // namespace

IdleTrim::IdleTrim(const webhook::Metrics& metrics, const base::Clock& clock)
    : metrics_(metrics), clock_(clock), quiet_since_(clock.Monotonic()) {}

void IdleTrim::Run() {
  const auto now = clock_.Monotonic();
  if (const std::uint64_t answers = metrics_.Answers(); answers != answers_) {
    answers_ = answers;
    quiet_since_ = now;
    trimmed_ = false;
  } else if (!trimmed_ && now - quiet_since_ >= kIdleBeforeTrim) {
    malloc_trim(0);
    trimmed_ = true;
  }
}

}  // namespace cli
