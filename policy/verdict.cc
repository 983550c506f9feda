#include "policy/verdict.h"

namespace policy {

std::string_view ToString(FindingResult result) {
  switch (result) {
    case FindingResult::kCompliant:
      return "Compliant";
    case FindingResult::kNonCompliant:
      return "NonCompliant";
    case FindingResult::kUnknown:
      break;
  }
  return "Unknown";
}

std::string_view ToString(Effect effect) {
  switch (effect) {
    case Effect::kDisabled:
      return "Disabled";
    case Effect::kAudit:
      return "Audit";
    case Effect::kWarn:
      return "Warn";
    case Effect::kDeny:
      break;
  }
  return "Deny";
}

bool DisagreesWithAzure(const Finding& finding) {
  if (!finding.azure) {
    return false;
  }
  const ComplianceState state = finding.azure->state;
  return (finding.result == FindingResult::kCompliant && state == ComplianceState::kNonCompliant) ||
         (finding.result == FindingResult::kNonCompliant && state == ComplianceState::kCompliant);
}

FindingResult WorstOf(const Verdict& verdict) {
  FindingResult worst = FindingResult::kCompliant;
  for (const Finding& finding : verdict) {
    if (finding.result == FindingResult::kNonCompliant) {
      return finding.result;
    }
    if (finding.result == FindingResult::kUnknown) {
      worst = finding.result;
    }
  }
  return worst;
}

}  // namespace policy
