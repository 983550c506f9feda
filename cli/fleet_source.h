// The logs of all replicas, for a command that runs beside one of them, as with `kubectl exec`: it is to the others who its pod is.
#pragma once

#include <memory>
#include <string>

#include "audit/reader.h"
#include "base/environment.h"
#include "base/result.h"
#include "cli/config.h"
#include "kube/config.h"

namespace cli {

// `config` has audit.replicas. Asks nobody yet. An error says what of the service account or the kubeconfig is missing.
// `service_account` is another folder in tests alone.
base::Result<std::unique_ptr<audit::Reader>> OpenFleetSource(const Config& config, const base::Environment& environment,
                                                             const std::string& service_account = kube::kServiceAccountFolder);

}  // namespace cli
