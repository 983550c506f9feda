// Which cluster a person means who says nothing, or little: as kubectl finds it.
#pragma once

#include <string>

#include "base/environment.h"
#include "base/result.h"
#include "kube/config.h"

namespace kube {

struct FoundConfig {
  Config config;
  bool in_cluster = false;  // a pod's own: it reaches its API server without a proxy
};

// The kubeconfig at `path`; with "" that of $KUBECONFIG, else ~/.kube/config, else, in a pod, the service account. `context` "" is the
// kubeconfig's current one.
base::Result<FoundConfig> FindConfig(const std::string& path, const std::string& context, const base::Environment& environment,
                                     const std::string& service_account_folder = kServiceAccountFolder);

}  // namespace kube
