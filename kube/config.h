// Where the API server is, whom to believe there, and who we are to it.
#pragma once

#include <string>

#include "base/environment.h"
#include "base/result.h"

namespace kube {

struct Config {
  std::string server;          // "https://10.0.0.1:443", perhaps with a path; no "/" at its end
  std::string namespace_name;  // ours, where nothing else is asked for

  std::string ca_file, ca_pem;  // one of them; both "": the system's certificate authorities

  // Who we are: a client certificate (its key is secret), or a token, or both. `token_file`, where there is one, is read again and
  // again; `token` is secret.
  std::string client_certificate_pem, client_key_pem;
  std::string token, token_file;
};

// Where the kubelet mounts a service account into every container that has one.
// https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api
inline constexpr const char* kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

// A pod's own: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, and `folder` with the files ca.crt, namespace and token. Reads
// the namespace alone; the others belong to who connects. kNotFound outside of a cluster.
base::Result<Config> InClusterConfig(const base::Environment& environment, const std::string& folder = kServiceAccountFolder);

}  // namespace kube
