#include "policy/compliance_state.h"

#include "base/text.h"

namespace policy {

std::string_view ToString(ComplianceState state) {
  switch (state) {
    case ComplianceState::kCompliant:
      return "Compliant";
    case ComplianceState::kExempt:
      return "Exempt";
    case ComplianceState::kConflicting:
      return "Conflicting";
    case ComplianceState::kNonCompliant:
      return "NonCompliant";
    case ComplianceState::kOther:
      break;
  }
  return "Other";
}

ComplianceState ParseComplianceState(std::string_view word) {
  for (const ComplianceState state :
       {ComplianceState::kCompliant, ComplianceState::kExempt, ComplianceState::kConflicting, ComplianceState::kNonCompliant}) {
    if (base::EqualsIgnoreAsciiCase(word, ToString(state))) {
      return state;
    }
  }
  return base::EqualsIgnoreAsciiCase(word, "Conflict") ? ComplianceState::kConflicting : ComplianceState::kOther;
}

}  // namespace policy
