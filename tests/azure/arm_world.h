// Resource Manager with everything around it faked: scripted answers, tokens "token-1", "token-2", … and a clock that stands.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "azure/arm.h"
#include "azure/token_cache.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_http.h"

namespace azure {

inline constexpr const char* kArmOrigin = "https://management.azure.com";
inline constexpr std::chrono::milliseconds kDeadline = std::chrono::seconds(30);

class CountingTokenSource final : public TokenSource {
 public:
  explicit CountingTokenSource(const base::Clock& clock) : clock_(clock) {}

  base::Result<Token> Fetch(const std::string& scope, std::chrono::milliseconds) override {
    scopes.push_back(scope);
    if (failure) {
      return tl::unexpected(*failure);
    }
    const base::Time now = clock_.Now();
    return Token{"token-" + std::to_string(scopes.size()), now + std::chrono::hours(24), now + std::chrono::hours(12)};
  }
  std::string Describe() const override { return "workload identity 0b8f of tenant 72f9"; }

  std::vector<std::string> scopes;  // of each exchange
  std::optional<base::Error> failure;

 private:
  const base::Clock& clock_;
};

class ArmWorld {
 public:
  explicit ArmWorld(support::ScriptedHttp::Answer answer)
      : http(std::move(answer)),
        source_owner_(std::make_unique<CountingTokenSource>(clock)),
        source(*source_owner_),
        tokens(std::move(source_owner_), clock),
        arm(Cloud{"AzureCloud", kArmOrigin, "https://login.microsoftonline.com", {"azurecr.io"}}, tokens, http, clock) {}

  // "GET /subscriptions/…", in the order in which they were sent.
  std::vector<std::string> Sent() const {
    std::vector<std::string> sent;
    for (const http::Request& request : http.requests()) {
      const std::string origin = kArmOrigin;
      sent.push_back(request.method + " " + (request.url.starts_with(origin) ? request.url.substr(origin.size()) : request.url));
    }
    return sent;
  }

  support::FakeClock clock;
  support::ScriptedHttp http;

 private:
  std::unique_ptr<CountingTokenSource> source_owner_;

 public:
  CountingTokenSource& source;
  TokenCache tokens;
  Arm arm;
};

inline http::Response ArmFailure(int status, const std::string& code, http::Headers headers = {}) {
  return support::JsonResponse(status, R"({"error":{"code":")" + code + R"(","message":"What happened."}})", std::move(headers));
}

}  // namespace azure
