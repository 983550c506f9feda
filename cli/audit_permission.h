// Who may read the audit log: Kubernetes' own permissions say so.
#pragma once

#include "cli/cluster.h"
#include "kube/authorizer.h"
#include "webhook/audit_api.h"

namespace cli {

// Asks `authorizer`; what the API server did not tell is counted as a failure of `cluster`. Both must outlive it.
webhook::Authorize AuditPermission(kube::Authorizer& authorizer, Cluster& cluster);

}  // namespace cli
