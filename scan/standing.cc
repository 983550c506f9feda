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
  std::ranges::sort(standings, [](const Standing& a, const Standing& b) {
    return std::tie(a.namespace_name, b.effect, a.requirement, a.registry) <
           std::tie(b.namespace_name, a.effect, b.requirement, b.registry);
  });
  return standings;
}

std::vector<NamespaceViolations> CountByNamespace(const std::vector<Standing>& standings, std::size_t max) {
  using Counts = std::map<std::pair<std::string, std::string>, std::int64_t>;
  Counts counts;
  for (const Standing& standing : standings) {
    counts[{standing.namespace_name, standing.requirement}] += standing.workload_count;
  }
  std::vector<Counts::const_pointer> most;
  most.reserve(counts.size());
  for (const auto& count : counts) {
    most.push_back(&count);
  }
  std::ranges::sort(most, [](const auto* a, const auto* b) { return std::tie(b->second, a->first) < std::tie(a->second, b->first); });
  Counts kept;
  for (std::size_t i = 0; i < most.size(); ++i) {
    const auto& [where, workloads] = *most[i];
    kept[i < max ? where : std::pair(std::string(kOtherNamespaces), where.second)] += workloads;
  }
  std::vector<NamespaceViolations> violations;
  violations.reserve(kept.size());
  for (const auto& [where, workloads] : kept) {
    violations.push_back({where.first, where.second, workloads});
  }
  return violations;
}

}  // namespace scan
