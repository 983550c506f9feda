#include "webhook/audit_endpoint.h"

namespace webhook {

std::string_view ToString(AuditEndpoint endpoint) {
  switch (endpoint) {
    case AuditEndpoint::kDecisions:
      return "decisions";
    case AuditEndpoint::kSummary:
      return "summary";
    case AuditEndpoint::kDecision:
      return "decision";
    case AuditEndpoint::kOther:
      return "other";
  }
  return "";
}

AuditEndpoint AuditEndpointOf(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == kAuditDecisions) {
    return AuditEndpoint::kDecisions;
  }
  if (path == kAuditSummary) {
    return AuditEndpoint::kSummary;
  }
  if (path.starts_with(kAuditDecisions) && path.size() > kAuditDecisions.size() + 1 && path[kAuditDecisions.size()] == '/' &&
      path.find('/', kAuditDecisions.size() + 1) == std::string_view::npos) {
    return AuditEndpoint::kDecision;
  }
  return AuditEndpoint::kOther;
}

}  // namespace webhook
