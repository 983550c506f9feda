// What Azure Policy itself says of registries: its compliance states, as Policy Insights tells them.
// https://learn.microsoft.com/azure/governance/policy/concepts/compliance-states
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/time.h"

namespace policy {

// Ordered by weight: of several assignments of one definition the heaviest counts.
enum class ComplianceState {
  kCompliant,
  kExempt,       // by an exemption in Azure
  kOther,        // "Error", "Unknown", "Protected" and whatever word may be added
  kConflicting,  // assignments contradict each other
  kNonCompliant,
};
std::string_view ToString(ComplianceState state);  // "Compliant", "Exempt", "Other", "Conflicting", "NonCompliant"

// Azure's word for it, in any case. Documents say "Conflicting", answers "Conflict".
ComplianceState ParseComplianceState(std::string_view word);

struct ComplianceOpinion {
  ComplianceState state = ComplianceState::kOther;
  base::Time time{};  // when Azure Policy evaluated it, which it does anew every 24 hours, or some time after a change
};

// By definition: its id, whole and lower-case, since whoever may define policies in some subscription chooses the last part
// of it. A definition that is not assigned has no opinion.
using ComplianceOpinions = std::map<std::string, ComplianceOpinion, std::less<>>;

// Of one registry.
struct ComplianceStates {
  base::Time asked{};  // when Azure was asked for them
  ComplianceOpinions opinions;
};

// Of all registries of one subscription: one that it does not name has no opinions.
struct SubscriptionStates {
  std::string subscription;  // lower-case
  base::Time asked{};
  std::map<std::string, ComplianceOpinions, std::less<>> registries;  // by resource id, lower-case
};

}  // namespace policy
