#include "kube/find_config.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "kube/kubeconfig.h"

namespace kube {
namespace {

base::Result<FoundConfig> FromFile(const std::string& path, const std::string& context) {
  return LoadKubeconfig(path, context).map([](Config config) { return FoundConfig{std::move(config), false}; });
}

}  // namespace

base::Result<FoundConfig> FindConfig(const std::string& path, const std::string& context, const base::Environment& environment,
                                     const std::string& service_account_folder) {
  if (!path.empty()) {
    return FromFile(path, context);
  }
  if (std::string listed = environment("KUBECONFIG").value_or(""); !listed.empty()) {
    if (listed.find(':') != std::string::npos) {  // kubectl merges them, and two readings of one merge may mean two clusters
      return base::Fail(base::ErrorCode::kInvalidArgument, "KUBECONFIG names several files",
                        "give the one that is meant with --kubeconfig");
    }
    return FromFile(listed, context);
  }
  const std::string home = environment("HOME").value_or("");
  const std::string own = home + "/.kube/config";
  std::error_code error;
  if (!home.empty() && std::filesystem::exists(own, error)) {
    return FromFile(own, context);
  }
  auto pod = InClusterConfig(environment, service_account_folder);
  if (!pod && pod.error().code == base::ErrorCode::kNotFound) {
    return base::Fail(base::ErrorCode::kNotFound, "no cluster: there is neither KUBECONFIG nor ~/.kube/config, and this is no pod",
                      "give a kubeconfig with --kubeconfig FILE");
  }
  if (pod && !context.empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--context: a pod's service account has no contexts",
                      "give the kubeconfig that has it with --kubeconfig");
  }
  return std::move(pod).map([](Config config) { return FoundConfig{std::move(config), true}; });
}

}  // namespace kube
