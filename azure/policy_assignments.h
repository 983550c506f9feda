// Reads what Azure Policy has assigned in subscriptions: assignments, the definitions and initiatives that they name, and
// exemptions.
// https://learn.microsoft.com/rest/api/policy/policy-assignments/list
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "azure/arm.h"
#include "azure/credential.h"
#include "azure/registry_reader.h"
#include "base/clock.h"
#include "policy/assigned_policies.h"

namespace azure {

// Of one list. A subscription has at most 200 assignments of its own, each of its resource groups too, and each of the
// management groups above; an answer that goes on for longer goes round in circles.
// https://learn.microsoft.com/azure/governance/policy/overview#maximum-count-of-azure-policy-objects
inline constexpr std::size_t kMaxPolicyPages = 200;
inline constexpr std::size_t kMaxPolicyItems = 20'000;
// That all assignments name together. The largest initiatives have some hundreds of members, and Azure itself has 5,000.
inline constexpr std::size_t kMaxAssignedDefinitions = 10'000;

// Of one list, all pages, and of one definition. A command waits for it.
inline constexpr std::chrono::milliseconds kPolicyListDeadline{60'000};
inline constexpr std::chrono::milliseconds kPolicyGetDeadline{15'000};

struct PolicyAssignments {
  policy::AssignedPolicies assigned;
  std::vector<std::string> problems;  // what could not be read, and what to do; nothing is to be made of `assigned` then
};

// Of the subscriptions that `scope` names, and of those below its management groups. Each question is asked of the first of
// `identities` that may ask it. Blocks; `wait` between the attempts, and it is how the reading is cut short. What does not
// exist (an assignment may outlive its definition) is no problem.
PolicyAssignments ReadPolicyAssignments(const std::vector<Arm*>& identities, const Scope& scope, const Wait& wait,
                                        const base::Clock& clock);

}  // namespace azure
