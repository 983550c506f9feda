#include "cli/audit_permission.h"

#include <string>
#include <utility>

namespace cli {
namespace {

constexpr std::string_view kFailures = "audit_api";

webhook::Authorization::Kind KindOf(kube::Authorization::Kind kind) {
  using To = webhook::Authorization::Kind;
  switch (kind) {
    case kube::Authorization::Kind::kAllowed:
      return To::kAllowed;
    case kube::Authorization::Kind::kForbidden:
      return To::kForbidden;
    case kube::Authorization::Kind::kUnauthenticated:
      return To::kUnauthenticated;
    case kube::Authorization::Kind::kTooMany:
      return To::kTooMany;
    case kube::Authorization::Kind::kUnknown:
      break;
  }
  return To::kUnknown;
}

}  // namespace

webhook::Authorize AuditPermission(kube::Authorizer& authorizer, Cluster& cluster) {
  cluster.ExpectFailures(kFailures);
  return [&authorizer, &cluster](std::string_view token, std::string_view verb, std::string_view namespace_name) {
    const kube::AccessRequest request{.verb = std::string(verb),
                                      .resource = {.group = webhook::kAuditGroup,
                                                   .version = "v1",
                                                   .resource = webhook::kAuditResource,
                                                   .namespace_name = std::string(namespace_name)}};
    kube::Authorization answer = authorizer.Review(std::string(token), request);
    if (answer.kind == kube::Authorization::Kind::kUnknown) {
      cluster.CountFailure(kFailures);
    }
    return webhook::Authorization{KindOf(answer.kind), std::move(answer.user), std::move(answer.reason)};
  };
}

}  // namespace cli
