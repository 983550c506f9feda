#include "kube/bearer_token.h"

#include <utility>

#include "base/secret_file.h"

namespace kube {

BearerToken::BearerToken(const Config& config, const base::Clock& clock) : file_(config.token_file), clock_(clock), token_(config.token) {}

base::Result<std::string> BearerToken::Get() {
  base::MutexLock lock(mutex_);
  if (file_.empty() || (read_ && clock_.Monotonic() < *read_ + kTokenFileInterval)) {
    return token_;
  }
  auto token = base::ReadSecretFile(file_);
  if (token) {
    token_ = *std::move(token);
    read_ = clock_.Monotonic();
  } else if (token_.empty()) {
    return base::Fail(token.error().code, token.error().message,
                      "mount the service account's token, or name the file that holds one in the kubeconfig");
  }
  return token_;
}

void BearerToken::Refuse(const std::string& token) {
  base::MutexLock lock(mutex_);
  if (token == token_) {
    read_.reset();
  }
}

}  // namespace kube
