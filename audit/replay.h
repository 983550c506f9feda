// What another policy would have decided about an admission that is on record. Pure; decides by policy::Decide.
//
// All that policy::Decide depends on, and where it is from:
//
// | input | of the record |
// |---|---|
// | the policy | the one that is asked about; registry suffixes and the reading of Azure's states as it was loaded with |
// | the policy's scopes | exact: applied to the recorded resource id; any may hold a registry that was not looked up |
// | now, also for exemptions' expiry | exact: `time` |
// | Admission: namespace, images in their order, in_old_object, problem, mirror_pod, template_changed | exact, but for images that had no
// room, and texts that were cut | | Admission: workload | exact: from `resource` | | Admission: container names, operation, user, groups,
// owner | no decision depends on them | | Facts: which registry a host is, its resource id | exact for login servers that the old policy
// came to; an alias that is new leads to one that was not looked up | | Facts: observed, last_compliant, when Azure's states were read |
// cut to the second: not exact where that very second decides | | Facts: the verdict | exact for requirements whose rule (definition and
// parameters) is the recorded one; not recorded where the old policy did not judge by that rule, or did not ask for a verdict | | Facts:
// definitions as they were evaluated, members that were hidden | exact: the recorded result is taken, nothing is evaluated |
//
// Not replayed: Azure being asked once more before a denial (a record has what was known in the end), and admissions that left no
// record (`audit.record: denied`; workloads under `workloads: Off`; updates that leave the pod spec alone).
//
// What is not recorded is never guessed. It is decided with whatever would be best and with whatever would be worst, and where both
// come to the same decision, that is the one.
#pragma once

#include <string>
#include <vector>

#include "audit/recorded_admission.h"
#include "policy/decision.h"
#include "policy/policy.h"
#include "policy/registry.h"

namespace audit {

enum class Certainty {
  kExact,      // so it would have been decided
  kEstimated,  // what the record lacks was taken from what is known of the registries now
  kUntold,     // it cannot be told
};

struct ReplayedImage {
  policy::Effect before = policy::Effect::kDisabled;
  // After: the same where nothing that the effect depends on is missing.
  policy::Effect at_least = policy::Effect::kDisabled;
  policy::Effect at_most = policy::Effect::kDisabled;
};

// Why a decision is another one: "" for the registry where it is not about one.
struct Cause {
  std::string registry;
  std::string requirement;  // or a decision's own name for it (policy/decision.h), or kNotRecorded

  friend bool operator==(const Cause&, const Cause&) = default;
};
inline constexpr const char* kNotRecorded = "(not recorded)";

struct Replayed {
  Certainty certainty = Certainty::kExact;
  policy::DecisionKind before = policy::DecisionKind::kAllowed;
  policy::DecisionKind after = policy::DecisionKind::kAllowed;  // kUntold: the strongest that it can be
  policy::DecisionKind at_least = policy::DecisionKind::kAllowed;
  policy::DecisionKind at_most = policy::DecisionKind::kAllowed;
  std::vector<std::string> missing;   // not kExact: what the record lacks, each once
  std::vector<ReplayedImage> images;  // of the record's images, one each
  std::vector<Cause> causes;          // of `after` where it is stronger than `before`, of `before` where it is weaker; each once

  bool MayDiffer() const { return at_least != before || at_most != before; }
};

// `now` (may be null) are today's registries, judged by `policy`: where the record lacks something, they answer.
Replayed Replay(const RecordedAdmission& recorded, const policy::Policy& policy, const policy::Facts* now);

}  // namespace audit
