#include "kube/config.h"

#include "base/secret_file.h"
#include "http/url.h"
#include "kube/collection.h"

namespace kube {

base::Result<Config> InClusterConfig(const base::Environment& environment, const std::string& folder) {
  const std::string host = environment("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = environment("KUBERNETES_SERVICE_PORT").value_or("");
  if (host.empty() || port.empty()) {
    return base::Fail(base::ErrorCode::kNotFound, "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
                      "outside of a cluster, name a kubeconfig");
  }
  Config config;
  const bool ipv6 = host.find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? "[" + host + "]" : host) + ":" + port;
  if (const auto url = http::ParseUrl(config.server); !url || url->target != "/") {
    return base::Fail(base::ErrorCode::kInvalidArgument, "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no host and port");
  }
  auto own = base::ReadSecretFile(folder + "/namespace");
  if (!own) {
    return base::Fail(own.error().code, own.error().message,
                      "give the pod a service account, and do not turn automountServiceAccountToken off");
  }
  if (!IsNamespaceName(*own)) {
    return base::Fail(base::ErrorCode::kInvalidArgument, folder + "/namespace holds no namespace's name");
  }
  config.namespace_name = *std::move(own);
  config.ca_file = folder + "/ca.crt";
  config.token_file = folder + "/token";
  return config;
}

}  // namespace kube
