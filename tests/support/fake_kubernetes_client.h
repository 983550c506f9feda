// An HTTP client that asks a FakeKubernetes, without sockets, and loses requests and answers on the way when told to.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "http/client.h"
#include "tests/support/fake_kubernetes.h"

namespace support {

// The one server that answers.
inline constexpr const char* kFakeKubernetes = "https://kubernetes.test:6443";

// Safe for concurrent use.
class FakeKubernetesClient final : public http::Client {
 public:
  // `world` must outlive it.
  explicit FakeKubernetesClient(FakeKubernetes& world) : world_(world) {}

  base::Result<http::Response> Send(const http::Request& request) override EXCLUDES(mutex_);

  void SetUnreachable(bool unreachable) EXCLUDES(mutex_);
  // The next `times` requests are carried out, but their answers never come; of a watch a part comes.
  void LoseAnswers(int times) EXCLUDES(mutex_);
  // Answers say what time it is by `clock`, as an API server's do. Null: they do not.
  void TellTime(const base::Clock* clock) EXCLUDES(mutex_);

 private:
  FakeKubernetes& world_;
  base::Mutex mutex_;
  bool unreachable_ GUARDED_BY(mutex_) = false;
  int lost_ GUARDED_BY(mutex_) = 0;
  const base::Clock* clock_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace support
