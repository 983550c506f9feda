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

}  // namespace policy
