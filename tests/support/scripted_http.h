// An HTTP client that answers from a function and remembers what it was asked. No sockets.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "http/client.h"

namespace support {

// Safe for concurrent use, as the interface demands; the function may be called by several threads at a time.
class ScriptedHttp final : public http::Client {
 public:
  using Answer = std::function<base::Result<http::Response>(const http::Request& request)>;

  explicit ScriptedHttp(Answer answer) : answer_(std::move(answer)) {}

  base::Result<http::Response> Send(const http::Request& request) override EXCLUDES(mutex_);

  std::vector<http::Request> requests() const EXCLUDES(mutex_);  // in the order in which they came

 private:
  const Answer answer_;
  mutable base::Mutex mutex_;
  std::vector<http::Request> requests_ GUARDED_BY(mutex_);
};

// Answers as a server gives them.
http::Response JsonResponse(int status, std::string body, http::Headers headers = {});

}  // namespace support
