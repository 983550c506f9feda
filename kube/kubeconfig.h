// A kubeconfig: how people and programs outside of a cluster say how they reach one.
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
#pragma once

#include <string>

#include "base/result.h"
#include "kube/config.h"

namespace kube {

// The file's context of that name; "" is its current-context. Relative paths in it are relative to the file. Certificates and keys
// are read now, a token file by who connects. The file is written for other programs, so keys that mean nothing here are fine; what
// would make the connection another one than the file says is refused: no verification of the server, another name for it, a proxy,
// impersonation, passwords, and plugins that log in (exec, auth-provider). No error repeats what is secret.
base::Result<Config> LoadKubeconfig(const std::string& path, const std::string& context = "");

}  // namespace kube
