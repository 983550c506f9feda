// What is wrong with what runs, one line for each namespace, requirement and registry: what reports, metrics and people are told.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "policy/policy.h"
#include "scan/assess.h"
#include "scan/index.h"

namespace scan {

// Workloads that one line names; the others are counted. A report of some hundred lines stays far below what an object may hold.
inline constexpr std::size_t kMaxNamedWorkloads = 10;

struct Standing {
  std::string namespace_name{};
  std::string requirement{};                          // of the policy's, or a decision's own ("unknownRegistry")
  std::string registry{};                             // as in Assessment::by_registry
  policy::Effect effect = policy::Effect::kDisabled;  // the strongest that it has on any of them
  policy::FindingResult result = policy::FindingResult::kUnknown;
  std::string why{}, remedy{};        // as denials say it, by the policy's `messages`
  std::vector<Workload> workloads{};  // the first of them
  std::int64_t workload_count = 0;

  bool operator==(const Standing&) const = default;
};

// By namespace, then the strongest first, then by requirement and registry. `assessment` is of this index, policy and facts.
std::vector<Standing> StandingsOf(const Index& index, const Assessment& assessment, const policy::Policy& policy,
                                  const policy::Facts& facts, base::Time now);

// How many workloads of a namespace are not as a requirement wants them. One that is so by several registries counts for each.
struct NamespaceViolations {
  std::string namespace_name, requirement;
  std::int64_t workloads = 0;

  bool operator==(const NamespaceViolations&) const = default;
};

// What stands for the namespaces that there is no room for.
inline constexpr const char* kOtherNamespaces = "other";

// By namespace and requirement: the `max` that have most workloads, and of all others one for each requirement.
std::vector<NamespaceViolations> CountByNamespace(const std::vector<Standing>& standings, std::size_t max);

}  // namespace scan
