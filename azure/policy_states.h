// Reads what Azure Policy says of the registries of a subscription, from Policy Insights.
// https://learn.microsoft.com/rest/api/policyinsights/policy-states/list-query-results-for-subscription
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "azure/arm_error.h"
#include "azure/paging.h"
#include "base/clock.h"
#include "policy/compliance_state.h"

namespace azure {

class Arm;

// Pages of one answer. A page has 1,000 rows, one for each registry and assigned definition: 5,000 registries under 100
// definitions are 500 pages, and an answer that goes on for longer goes round in circles.
inline constexpr std::size_t kMaxStatesPages = 500;

// Reads the states of one subscription, lower-case. Blocks; safe for concurrent use.
using StatesReader =
    std::function<ArmResult<policy::SubscriptionStates>(const std::string& subscription, std::chrono::milliseconds deadline)>;

// The latest states, all pages: all of them or an error. Of several assignments of one definition the heaviest state counts,
// and the newest of the same. `arm` and `clock` must outlive the reader.
StatesReader MakeStatesReader(Arm& arm, const base::Clock& clock, Pause pause = SleepPause);

}  // namespace azure
