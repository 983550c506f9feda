#include "scan/standing.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "policy/decision.h"

namespace scan {
namespace {

// Of one workload: nobody has that many images, each of which fails so many requirements.
constexpr std::size_t kMaxViolations = 256;

}  // namespace

std::vector<Standing> StandingsOf(const Index& index, const Assessment& assessment, const policy::Policy& policy,
                                  const policy::Facts& facts, base::Time now) {
  struct Counted {
    Standing standing;
    const Outcome* last = nullptr;  // the workload that was counted last: several of its images may have the same wrong
  };
  std::map<std::tuple<std::string, std::string, std::string>, Counted> all;
  for (const Outcome& outcome : assessment.workloads) {
    if (outcome.effect == policy::Effect::kDisabled) {
      continue;
    }
    for (Violation& violation : ViolationsOf(index, outcome, policy, facts, now, kMaxViolations).violations) {
      Counted& counted = all[{outcome.workload.namespace_name, violation.finding.requirement, violation.registry}];
      Standing& standing = counted.standing;
      if (counted.last == nullptr) {
        standing.namespace_name = outcome.workload.namespace_name;
        standing.requirement = violation.finding.requirement;
        standing.registry = violation.registry;
        standing.result = violation.finding.result;
        standing.why = policy::WhyText(violation.finding, policy.messages);
        standing.remedy = std::move(violation.finding.remedy);
      }
      standing.effect = std::max(standing.effect, violation.effect);
      if (std::exchange(counted.last, &outcome) == &outcome) {
        continue;
      }
      ++standing.workload_count;
      if (standing.workloads.size() < kMaxNamedWorkloads) {
        standing.workloads.push_back(outcome.workload);
      }
    }
  }
  std::vector<Standing> standings;
  standings.reserve(all.size());
  for (auto& [key, counted] : all) {
    standings.push_back(std::move(counted.standing));
  }
  std::ranges::stable_sort(standings, [](const Standing& a, const Standing& b) {
    return a.namespace_name != b.namespace_name ? a.namespace_name < b.namespace_name : a.effect > b.effect;
  });
  return standings;
}

}  // namespace scan
