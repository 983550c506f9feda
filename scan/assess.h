// What the policy says of what runs: what would be refused or warned about if it were made now. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "policy/decision.h"
#include "scan/index.h"
#include "scan/workload.h"

namespace scan {

// How many, each counted once, by the strongest that the policy makes of it.
struct Tally {
  std::int64_t refused = 0, warned = 0;
  std::int64_t audited = 0;  // not as the policy wants it, and let in without a word to whoever made it

  void Add(policy::Effect effect, std::int64_t count);
  bool operator==(const Tally&) const = default;
};

struct Outcome {
  Workload workload;
  std::int64_t pods = 0;
  policy::Effect effect = policy::Effect::kDisabled;  // the strongest of its pods'; kDisabled: nothing is wrong
  std::vector<Id> shapes{};                           // of its pods
};

struct Assessment {
  std::vector<Outcome> workloads;  // all that run, sorted by workload
  std::int64_t pods = 0;
  Tally of_workloads, of_pods;
  // Of workloads, where anything is wrong. A requirement is one of the policy's, or a decision's own ("unknownRegistry"); a registry
  // is a login server or host, "" where an image's reference has none.
  std::map<std::string, Tally, std::less<>> by_requirement, by_registry, by_namespace;
};

// Decides each shape once, as at CREATE of such a pod. The shapes in the outcomes are `index`'s, and valid as long as those.
Assessment Assess(const Index& index, const policy::Policy& policy, const policy::Facts& facts, base::Time now);

// One thing that is wrong with one image of a workload.
struct Violation {
  policy::Effect effect = policy::Effect::kDisabled;
  std::string image{}, container{};  // "" where the pod's shape is not understood
  std::string field{};               // "spec.containers[0].image"
  std::string registry{};            // as in Assessment::by_registry
  policy::Finding finding{};
  const policy::RegistryFacts* facts = nullptr;  // in the facts that were asked; null: none
  std::string expired_exemption{};               // one that would have waived it
};

// What is wrong with a workload's pods, the strongest first, each once: what several of its shapes share is not told again. At most `max`
// are kept; `omitted` counts the others.
struct Violations {
  std::vector<Violation> violations;
  std::size_t omitted = 0;
};
Violations ViolationsOf(const Index& index, const Outcome& outcome, const policy::Policy& policy, const policy::Facts& facts,
                        base::Time now, std::size_t max);

}  // namespace scan
