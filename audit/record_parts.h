// What the kinds of records have in common: how long a text of theirs may be, and how findings are written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "policy/compliance_state.h"
#include "policy/verdict.h"

namespace audit {

// Bytes of one text. Kubernetes' own names end at 253; what may rightly be longer (a user who is a certificate's subject,
// an image reference, a reason) gets more. A longer text is cut at a character and ends with "…".
inline constexpr std::size_t kMaxName = 256;
inline constexpr std::size_t kMaxText = 1024;

// Of a text that is the program's own: a digest with its algorithm.
inline constexpr std::size_t kMaxDigest = 80;

std::string Clipped(std::string_view text, std::size_t max);
void WriteText(base::JsonWriter& json, std::string_view text, std::size_t max);
void WriteTextOrNull(base::JsonWriter& json, std::string_view text, std::size_t max);

// {"field","actual","expected"}
void WriteEvidence(base::JsonWriter& json, const policy::Evidence& evidence);

// "azurePolicy", what a result by Azure Policy rests on: its age is another than the registry's. Nothing for other results.
void WriteOpinion(base::JsonWriter& json, const policy::Finding& finding, const policy::ComplianceStates* states);

// "policy", "cluster" and "replica": by what a record was decided or judged, and where.
void WriteOrigin(base::JsonWriter& json, std::string_view policy_digest, std::string_view cluster, std::string_view replica);

// Of a rule's digest, as many digits as records have.
std::string_view ShortRule(std::string_view rule);

}  // namespace audit
