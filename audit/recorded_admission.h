// An audit record read back: the admission that it is of, and what was known when it was decided. Pure.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "base/time.h"
#include "policy/admission.h"
#include "policy/compliance_state.h"
#include "policy/decision.h"
#include "policy/verdict.h"

namespace audit {

// One finding as it weighed on one image.
struct RecordedFinding {
  std::string_view requirement;
  std::string_view rule;  // the first digits of Finding::rule; "" for a decision's own findings, and in old records
  policy::FindingResult result = policy::FindingResult::kUnknown;
  policy::Effect effect = policy::Effect::kDisabled;
  std::optional<base::Time> last_compliant;      // cut to the second, as all times but the record's own are
  std::optional<policy::ComplianceState> state;  // Azure Policy's, where that was the result's source
  base::Time states_read{};                      // with `state`
};

struct RecordedImage {
  std::string_view registry;  // "": the reference was refused
  std::string_view resource_id;
  std::optional<base::Time> observed;
  std::vector<RecordedFinding> findings;
  policy::Effect effect = policy::Effect::kDisabled;  // the strongest of its findings
  bool cut = false;                                   // the image's text had no room: what is here is its beginning
};

// Views point into `document`.
struct RecordedAdmission {
  base::Time time{};
  policy::DecisionKind decision = policy::DecisionKind::kAllowed;
  std::string_view policy;   // digest of the policy that decided
  std::string_view cluster;  // "" when absent
  std::string_view replica;  // "" when absent
  // Without what no decision depends on: groups, dryRun and the API version stay empty, and so do containers' names.
  policy::Admission admission;
  std::vector<RecordedImage> images;  // of admission.images, one each
  std::size_t images_omitted = 0;     // for which the record had no room
  std::shared_ptr<const nlohmann::json> document;
};

// An error (kInvalidArgument) names the place: "images[0].findings[1].effect: expected Deny, Warn, Audit or Disabled". Keys that
// are not known are skipped.
base::Result<RecordedAdmission> ReadRecord(std::string_view json);

}  // namespace audit
