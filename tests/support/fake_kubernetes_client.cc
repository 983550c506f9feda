#include "tests/support/fake_kubernetes_client.h"

namespace support {

base::Result<http::Response> FakeKubernetesClient::Send(const http::Request& request) {
  const auto fail = [&request](const char* what) {
    return base::Fail(base::ErrorCode::kUnavailable, request.method + " " + kFakeKubernetes + ": " + what);
  };
  bool lose = false;
  {
    base::MutexLock lock(mutex_);
    if (unreachable_ || !request.url.starts_with(std::string(kFakeKubernetes) + "/")) {
      return fail("connecting: connection refused");
    }
    if (lost_ > 0) {
      --lost_;
      lose = true;
    }
  }
  http::Response response = world_.Answer(request);
  if (lose) {
    return fail("reading the answer: timed out");
  }
  if (response.body.size() > request.max_response_bytes) {
    return fail("reading the answer: its body is too large");
  }
  return response;
}

void FakeKubernetesClient::SetUnreachable(bool unreachable) {
  base::MutexLock lock(mutex_);
  unreachable_ = unreachable;
}

void FakeKubernetesClient::LoseAnswers(int times) {
  base::MutexLock lock(mutex_);
  lost_ = times;
}

}  // namespace support
