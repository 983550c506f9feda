#include "azure/client_secret.h"

#include <utility>

#include "base/secret_file.h"

namespace azure {

Prove ClientSecretFile(std::string file) {
  return [file = std::move(file)]() -> base::Result<Proof> {
    auto secret = base::ReadSecretFile(file);
    if (!secret) {
      return tl::unexpected(std::move(secret.error()));
    }
    return Proof{Proof::Kind::kSecret, *std::move(secret)};
  };
}

Prove ClientSecretText(std::string secret) {
  return [secret = std::move(secret)]() -> base::Result<Proof> { return Proof{Proof::Kind::kSecret, secret}; };
}

}  // namespace azure
