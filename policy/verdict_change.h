// How verdicts turn: what was known of the registries, and what is known of them now. Pure.
//
// A change is one of facts: a finding of the same rule (definition and parameters, by digest) that has another result, because the
// registry, its children or Azure Policy's opinion of it was observed anew, or because a definition asks for the time. A policy that
// changes is none: what it newly requires, or requires otherwise, has no finding before that it could be compared with. A registry that
// appears had no verdict. One that goes is one change, of the requirement `unknownRegistry` (policy/decision.h), by which admissions are
// decided from then on; so is one whose login server is another resource's now, which appears.
#pragma once

#include <functional>

#include "policy/policy.h"
#include "policy/registry.h"
#include "policy/verdict.h"

namespace policy {

// Points into the facts that were compared, and to findings that are there for the time of the call.
struct VerdictChange {
  const RegistryFacts* before = nullptr;  // never null
  const RegistryFacts* after = nullptr;   // null: the registry is gone
  const Finding* from = nullptr;
  const Finding* to = nullptr;  // of the same requirement and rule, with another result
};

// Calls `take` for each change, by login server and then in the policy's order. `after` was judged by `policy`. Facts that both share are
// not looked into.
//
// Not known is no result: of a requirement whose sources have not been read since the start (a kind of children, Azure Policy's states)
// the finding says Unknown, and what is read first is no change.
void ForEachVerdictChange(const Facts& before, const Facts& after, const Policy& policy,
                          const std::function<void(const VerdictChange& change)>& take);

// What a saved inventory is compared with `now` as: its registries judged by the policy in force, so that a policy that changed meanwhile
// makes no difference. Those that `current` has with the same description are taken from there, and not judged.
Facts JudgeSaved(const Facts& saved, const Facts& current, const Policy& policy, base::Time now, HiddenMembers hidden);

}  // namespace policy
