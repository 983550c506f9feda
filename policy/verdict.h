// What is known of a registry: one finding for each requirement, computed when the registry is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_text.h"
#include "base/time.h"
#include "policy/compliance_state.h"

namespace policy {

enum class FindingResult {
  kCompliant,
  kNonCompliant,  // we know that it is bad
  kUnknown,       // we could not tell, and `Finding::reason` says why
};
std::string_view ToString(FindingResult result);  // "Compliant", "NonCompliant", "Unknown"

// Ordered by strength: a cap is the lesser of two.
enum class Effect { kDisabled, kAudit, kWarn, kDeny };
std::string_view ToString(Effect effect);  // "Disabled", "Audit", "Warn", "Deny"

// Who says whether a requirement is met.
enum class FindingSource {
  kRegistry,     // the definition, evaluated here over the registry as Azure describes it
  kAzurePolicy,  // Azure Policy's own compliance state
};

// One field that decided: what it is, and what it would have to be.
struct Evidence {
  std::string field;     // "publicNetworkAccess", "privateEndpointConnections[*] where status is Approved"
  std::string actual;    // JSON text: "\"Enabled\"", "0", "null" when the field is missing; bounded in size
  std::string expected;  // for a person: "Disabled", "at least 1"
  // Whether `actual` may be shown under `messages: brief`: booleans, numbers and plain words may; addresses, key
  // identifiers, resource ids and anything with structure may not.
  bool brief = true;
};

// One requirement's result on one registry.
struct Finding {
  std::string requirement;         // the policy's word for it: "private-link"
  base::SharedText definition_id;  // Azure's id, or "" where Azure has none
  FindingResult result = FindingResult::kUnknown;
  Effect effect = Effect::kDisabled;         // what the requirement asks for, before caps
  std::vector<Evidence> evidence;            // empty when Compliant
  std::string reason;                        // Unknown: why; Compliant: that an exemption in Azure makes it so
  std::string remedy;                        // the `az` command that mends it, or ""
  base::SharedText rule;                     // of which rule it is: definition and parameters, as a digest
  std::optional<base::Time> last_compliant;  // the last observation at which this was Compliant, if any is remembered
  FindingSource source = FindingSource::kRegistry;
  std::optional<ComplianceOpinion> azure{};  // what Azure Policy says of the same definition, where that is known
};

// Whether one of the finding and Azure's opinion is Compliant and the other NonCompliant: no other two contradict each other.
bool DisagreesWithAzure(const Finding& finding);

// Makes what Azure Policy says (`finding.azure`, which is there) the finding's result.
void TakeOpinion(Finding& finding);

using Verdict = std::vector<Finding>;  // in the policy's order of requirements

// Of all findings the worst: what is known to be bad weighs more than what could not be told. Compliant when there is none.
FindingResult WorstOf(const Verdict& verdict);

}  // namespace policy
