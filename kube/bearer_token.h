// The token that requests carry. The kubelet renews a service account's in its file well before it expires, and the API server
// refuses the old one from then on.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/config.h"

namespace kube {

// What client-go does: the kubelet leaves two minutes and more between writing a new token and the end of the old one.
inline constexpr std::chrono::seconds kTokenFileInterval{60};

// Safe for concurrent use.
class BearerToken {
 public:
  // `clock` must outlive it.
  BearerToken(const Config& config, const base::Clock& clock);

  // Secret; "" when there is none to send. The file is read when that was kTokenFileInterval ago; while it cannot be read, the last
  // token goes on.
  base::Result<std::string> Get() EXCLUDES(mutex_);

  // The API server refused this token (401): the next Get reads the file, if nobody did meanwhile.
  void Refuse(const std::string& token) EXCLUDES(mutex_);

 private:
  const std::string file_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  std::string token_ GUARDED_BY(mutex_);
  std::optional<std::chrono::steady_clock::time_point> read_ GUARDED_BY(mutex_);
};

}  // namespace kube
