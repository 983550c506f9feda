// A pod's service account token, exchanged for the token of an identity that trusts the cluster's issuer.
// https://azure.github.io/azure-workload-identity/
#pragma once

#include <string>

#include "azure/entra_source.h"

namespace azure {

// The kubelet renews the file's token long before it expires, under another inode: it is read at every exchange.
Prove FederatedToken(std::string file);

}  // namespace azure
