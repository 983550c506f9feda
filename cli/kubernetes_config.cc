#include "cli/kubernetes_config.h"

#include "cli/config_values.h"

namespace cli {

KubernetesConfig ReadKubernetes(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder,
                                base::Problems& problems) {
  KubernetesConfig kubernetes;
  base::YamlMapping section(node, file, "kubernetes", problems);
  const bool has_file = ReadPath(section, "kubeconfig", folder, &kubernetes.kubeconfig);
  if (section.Optional("context", &kubernetes.context) && !has_file) {
    section.AddProblem(*section.Member("context"), "context", "is of no use without kubeconfig; leave it out, or name the file");
  }
  ReadObjectName(section, "inventorySecret", &kubernetes.inventory_secret);
  ReadObjectName(section, "policyConfigMap", &kubernetes.policy_config_map);
  section.Finish();
  return kubernetes;
}

}  // namespace cli
