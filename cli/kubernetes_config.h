// The `kubernetes` section of the configuration file: how the API server is reached, and what is kept there.
#pragma once

#include <filesystem>
#include <string>

#include "base/problem.h"
#include "base/yaml.h"

namespace cli {

// Paths as in Config.
struct KubernetesConfig {
  std::string kubeconfig;         // "": the pod's own service account
  std::string context;            // of the kubeconfig; "": its current one
  std::string inventory_secret;   // "": the inventory is not shared with other replicas
  std::string policy_config_map;  // "": the last good policy is not kept
};

// `node` is the section, `file` and `folder` are the configuration file's. Whether the kubeconfig can be read is found where it is
// used.
KubernetesConfig ReadKubernetes(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder,
                                base::Problems& problems);

}  // namespace cli
