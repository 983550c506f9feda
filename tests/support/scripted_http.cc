#include "tests/support/scripted_http.h"

namespace support {

base::Result<http::Response> ScriptedHttp::Send(const http::Request& request) {
  {
    base::MutexLock lock(mutex_);
    requests_.push_back(request);
  }
  return answer_(request);
}

std::vector<http::Request> ScriptedHttp::requests() const {
  base::MutexLock lock(mutex_);
  return requests_;
}

http::Response JsonResponse(int status, std::string body, http::Headers headers) {
  headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  return {status, std::move(headers), std::move(body)};
}

}  // namespace support
