#include "scan/compare.h"

namespace scan {

Comparison Compare(const Assessment& before, const Assessment& after) {
  using policy::Effect;
  Comparison comparison;
  for (std::size_t i = 0; i < before.workloads.size(); ++i) {
    const Effect was = before.workloads[i].effect;
    const Effect is = after.workloads[i].effect;
    if (was == is || (was < Effect::kWarn && is < Effect::kWarn)) {
      continue;  // a record of the audit log's more or less changes nothing for who runs it
    }
    comparison.changes.push_back({i, was, is});
    ++(is == Effect::kDeny    ? comparison.newly_refused
       : was == Effect::kDeny ? comparison.no_longer_refused
       : is == Effect::kWarn  ? comparison.newly_warned
                              : comparison.no_longer_warned);
  }
  return comparison;
}

}  // namespace scan
