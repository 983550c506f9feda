#include "cli/running_assessment.h"

#include <utility>

#include "policy/verdict.h"
#include "scan/assess.h"

namespace cli {

RunningAssessment AssessRunning(const RunningIndex& index, std::shared_ptr<const state::State> state, base::Time now) {
  RunningAssessment result;
  index.Read([&](const scan::Index& running) {
    const policy::Policy& policy = *state->policy;
    const scan::Assessment assessment = scan::Assess(running, policy, state->facts, now);
    result.pods = running.pods();
    result.standings = scan::StandingsOf(running, assessment, policy, state->facts, now);
    result.usage = scan::UsageOf(running, policy);
    for (const scan::Outcome& outcome : assessment.workloads) {
      result.passing[outcome.workload.namespace_name] += outcome.effect == policy::Effect::kDisabled ? 1 : 0;
    }
  });
  result.state = std::move(state);
  result.time = now;
  return result;
}

}  // namespace cli
