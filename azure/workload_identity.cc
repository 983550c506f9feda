#include "azure/workload_identity.h"

#include <utility>

#include "base/secret_file.h"

namespace azure {

Prove FederatedToken(std::string file) {
  return [file = std::move(file)]() -> base::Result<Proof> {
    auto token = base::ReadSecretFile(file);
    if (!token) {
      return base::Fail(token.error().code, token.error().message,
                        "label the pod azure.workload.identity/use: \"true\" and annotate its service account with "
                        "azure.workload.identity/client-id");
    }
    return Proof{Proof::Kind::kAssertion, *std::move(token)};
  };
}

}  // namespace azure
