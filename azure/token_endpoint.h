// One request for a token and what came of it. Keeps to what the endpoint asks: within a Retry-After nothing is sent.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "azure/credential.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "http/client.h"

namespace azure {

// An error is kUnavailable when asking again may help.
struct TokenAnswer {
  base::Result<Token> token;
  int status = 0;                            // HTTP's; 0 when nothing came
  std::chrono::milliseconds retry_after{0};  // how long the endpoint wants to be left alone from now on
};

// Safe for concurrent use.
class TokenEndpoint {
 public:
  // `who` begins every message. `client` and `clock` must outlive it.
  TokenEndpoint(std::string who, http::Client& client, const base::Clock& clock) : who_(std::move(who)), client_(client), clock_(clock) {}

  // Sends once. `secret` is what the request proves itself with: no message holds it, whatever the endpoint answers.
  TokenAnswer Ask(http::Request request, std::string_view secret) EXCLUDES(mutex_);

  const std::string& who() const { return who_; }

 private:
  struct Hold {
    std::chrono::steady_clock::time_point until;
    TokenAnswer answer;  // the one that asked for it
  };

  std::optional<TokenAnswer> Held() EXCLUDES(mutex_);
  TokenAnswer Refused(const http::Response& response, std::string_view host, std::string_view secret) EXCLUDES(mutex_);

  const std::string who_;
  http::Client& client_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  std::optional<Hold> hold_ GUARDED_BY(mutex_);
};

}  // namespace azure
