// How what the policy says of what runs differs between two policies, or two states of the registries. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/verdict.h"
#include "scan/assess.h"

namespace scan {

struct Change {
  std::size_t workload = 0;  // in both assessments' workloads
  policy::Effect before = policy::Effect::kDisabled;
  policy::Effect after = policy::Effect::kDisabled;
};

struct Comparison {
  std::vector<Change> changes;  // to Deny and from it, and to Warn and from it; by workload
  std::int64_t newly_refused = 0, no_longer_refused = 0;
  std::int64_t newly_warned = 0, no_longer_warned = 0;  // where neither is a refusal
};

// Both are of one index that has not changed between them.
Comparison Compare(const Assessment& before, const Assessment& after);

}  // namespace scan
