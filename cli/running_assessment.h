// What the policy says of what ran at one time, in the form in which it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/running_index.h"
#include "scan/standing.h"
#include "scan/usage.h"
#include "state/state.h"

namespace cli {

struct RunningAssessment {
  std::shared_ptr<const state::State> state;  // it was judged by this
  base::Time time{};
  std::size_t pods = 0;
  std::vector<scan::Standing> standings;        // by namespace
  std::map<std::string, std::int64_t> passing;  // workloads with which nothing is wrong, by namespace: of each where anything runs
  std::map<std::string, scan::Usage> usage;     // by login server
};

// Judges what is in the index, which waits.
RunningAssessment AssessRunning(const RunningIndex& index, std::shared_ptr<const state::State> state, base::Time now);

}  // namespace cli
