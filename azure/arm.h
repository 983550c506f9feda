// Resource Manager as a client sees it on a bad day: authenticated calls with typed outcomes, and a memory of what it
// was asked to wait for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "azure/arm_error.h"
#include "azure/cloud.h"
#include "azure/throttle.h"
#include "azure/token_cache.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "http/client.h"
#include "http/url.h"

namespace azure {

// Of one answer. Registries are 2 to 3 KB each, at most about 150 KB with 200 private endpoints and 200 IP rules, and a page
// holds up to 1,000.
inline constexpr std::size_t kMaxArmAnswerBytes = std::size_t{16} << 20;

// One for each credential. Safe for concurrent use; blocks for at most the deadline of a call.
class Arm {
 public:
  Arm(const Cloud& cloud, TokenCache& tokens, http::Client& client, const base::Clock& clock);

  // `target` is a path with query ("/subscriptions/…?api-version=…") or an absolute URL on the same host (a nextLink; one
  // that leads elsewhere is kRejected: a token goes to Resource Manager alone). Tries once; with a 401, once more with a
  // fresh token. Within a Retry-After that Azure gave for the same subscription (or for all of Resource Graph) nothing is
  // sent and the call is kThrottled; when the remaining quota that the last answer told runs low, calls are spread out the
  // same way. The answer is an object.
  ArmResult<nlohmann::json> Get(const std::string& target, std::chrono::milliseconds deadline);
  // A body that is null is sent as none.
  ArmResult<nlohmann::json> Post(const std::string& target, const nlohmann::json& body, std::chrono::milliseconds deadline);

  // Who asks, for messages: "workload identity 0b8f… of tenant 72f9…".
  std::string Identity() const { return tokens_.Describe(); }

  struct Counters {
    std::uint64_t requests = 0;   // sent
    std::uint64_t throttled = 0;  // answered with 429
    std::uint64_t failed = 0;     // calls that ended as kUnavailable, for want of a token too
    std::uint64_t held_back = 0;  // not sent because of an earlier answer
  };
  Counters counters() const EXCLUDES(mutex_);

 private:
  ArmResult<nlohmann::json> Call(http::Request request, const std::string& target, std::chrono::milliseconds deadline) EXCLUDES(mutex_);
  // Up to two attempts: the second after a 401.
  ArmResult<nlohmann::json> Exchange(http::Request request, const std::string& target, std::chrono::milliseconds deadline) EXCLUDES(mutex_);
  // With this token; an answer of any status.
  ArmResult<http::Response> SendOnce(http::Request& request, const std::string& key, const Token& token) EXCLUDES(mutex_);

  const std::string origin_;  // "https://management.azure.com"
  const http::Url origin_url_;
  const std::string token_scope_;
  TokenCache& tokens_;
  http::Client& client_;
  const base::Clock& clock_;

  mutable base::Mutex mutex_;
  Throttle throttle_ GUARDED_BY(mutex_);
  Counters counters_ GUARDED_BY(mutex_);
};

}  // namespace azure
