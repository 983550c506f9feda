// What is known, and what was learned since. Pure.
#pragma once

#include <memory>
#include <vector>

#include "base/time.h"
#include "policy/observations.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "state/saved_inventory.h"

namespace state {

// The facts with what was learned; the registries that were observed are judged, the others are taken over. Of two
// observations of one login server the later one counts, since answers of Azure's overtake each other. What was observed
// later than `now`, by a clock that has been set back since, gives way to any. A registry that is gone takes only its own
// facts along: another resource that has its login server by now stays. States of Azure Policy's meet the registries that are known
// by then, and stay with them. Lists of children stay with the resource that they are of, of each kind the one that MergeChildren takes;
// a registry that comes without keeps what is known. `hidden` is the same from call to call.
policy::Facts Merge(policy::Facts known, policy::Observations learned, const policy::Policy& policy, base::Time now,
                    policy::HiddenMembers hidden = policy::HiddenMembers::kAsAzure);

// Of two readings of one registry's children the better list of each kind: one that could be read rather than one that could not, whose
// age is its own; else the later, where one that is later than `now` gives way to any. Null: nothing was read.
std::shared_ptr<const policy::ChildLists> MergeChildren(const std::shared_ptr<const policy::ChildLists>& known,
                                                        const std::shared_ptr<const policy::ChildLists>& read, base::Time now);

// Gives registries what is known of their children, where they come without it or with what is no better.
void TakeKnownChildren(std::vector<policy::Registry>& registries, const policy::Facts& known, base::Time now);

// The facts with those of a saved inventory that they lack, or that it observed later, be it children alone; these come with their memory
// of compliance.
policy::Facts MergeSaved(policy::Facts known, const policy::Facts& saved, const policy::Policy& policy, base::Time now,
                         policy::HiddenMembers hidden = policy::HiddenMembers::kAsAzure);

}  // namespace state
