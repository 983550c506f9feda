#include "azure/token_endpoint.h"

#include <utility>

#include "azure/entra_remedy.h"
#include "azure/token_response.h"
#include "http/retry_after.h"
#include "http/url.h"

namespace azure {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;

// 404 and 410 are what IMDS says while an identity is being assigned or IMDS itself updated; Entra has neither for a token.
bool MayWorkLater(int status) { return status == 404 || status == 408 || status == 410 || status == 429 || status >= 500; }

std::string Describe(const TokenRefusal& refusal, int status, std::string_view host) {
  const std::string answered = "HTTP " + std::to_string(status) + " from " + std::string(host);
  if (refusal.code.empty() && refusal.message.empty()) {
    return answered + ", without a reason that can be read";
  }
  std::string text = refusal.code;
  text += (text.empty() || refusal.message.empty() ? "" : ": ") + refusal.message + " (" + answered;
  text += refusal.correlation_id.empty() ? "" : ", correlation id " + refusal.correlation_id;
  return text + ")";
}

}  // namespace

TokenAnswer TokenEndpoint::Ask(http::Request request, std::string_view secret) {
  if (auto held = Held()) {
    return *std::move(held);
  }
  const auto url = http::ParseUrl(request.url);
  if (!url) {
    return {base::Fail(url.error().code, who_ + ": " + url.error().message), 0, {}};
  }
  request.max_response_bytes = kMaxTokenResponseBytes;
  request.headers.emplace_back("Accept", "application/json");
  const base::Time sent = clock_.Now();
  const auto response = client_.Send(request);
  if (!response) {
    return {base::Fail(response.error().code, who_ + ": " + response.error().message, response.error().remedy), 0, {}};
  }
  if (response->status != 200) {
    return Refused(*response, url->Authority(), secret);
  }
  auto token = ParseToken(response->body, sent);
  if (!token) {
    return {
        base::Fail(token.error().code, who_ + ": " + url->Authority() + " gave " + token.error().message, token.error().remedy), 200, {}};
  }
  return {*std::move(token), 200, {}};
}

std::optional<TokenAnswer> TokenEndpoint::Held() {
  const auto now = clock_.Monotonic();
  base::MutexLock lock(mutex_);
  if (hold_ && now >= hold_->until) {
    hold_.reset();
  }
  if (!hold_) {
    return std::nullopt;
  }
  TokenAnswer answer = hold_->answer;
  answer.retry_after = std::chrono::ceil<milliseconds>(hold_->until - now);
  return answer;
}

TokenAnswer TokenEndpoint::Refused(const http::Response& response, std::string_view host, std::string_view secret) {
  const TokenRefusal refusal = ParseRefusal(response.body, secret);
  const bool later = MayWorkLater(response.status);
  TokenAnswer answer{base::Fail(later ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument,
                                who_ + ": " + Describe(refusal, response.status, host), EntraRemedy(refusal.code)),
                     response.status,
                     {}};
  if (later) {
    answer.retry_after = http::RetryAfter(response, clock_.Now()).value_or(milliseconds(0));
  }
  if (answer.retry_after > milliseconds(0)) {
    base::MutexLock lock(mutex_);
    hold_ = Hold{clock_.Monotonic() + answer.retry_after, answer};
  }
  return answer;
}

}  // namespace azure
