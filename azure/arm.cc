#include "azure/arm.h"

#include <optional>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Instant = std::chrono::steady_clock::time_point;
using Kind = ArmError::Kind;

milliseconds Left(const base::Clock& clock, Instant until) { return std::chrono::duration_cast<milliseconds>(until - clock.Monotonic()); }

tl::unexpected<ArmError> HeldBack(milliseconds wait) {
  ArmError error;
  error.kind = Kind::kThrottled;
  error.message = "nothing was sent: Azure's limits ask to wait another " + std::to_string(wait.count()) + " ms";
  error.retry_after = wait;
  return tl::unexpected(std::move(error));
}

tl::unexpected<ArmError> FromError(base::Error error) {
  tl::unexpected<ArmError> failed = Unavailable(std::move(error.message), std::move(error.remedy));
  if (error.code == base::ErrorCode::kInvalidArgument) {
    failed.value().kind = Kind::kRejected;
  }
  return failed;
}

tl::unexpected<ArmError> Refused(ArmError error, const std::string& identity) {
  error.remedy = "check that the tenant and the cloud are those of the subscription: the tokens of " + identity + " are refused";
  return tl::unexpected(std::move(error));
}

ArmResult<json> ReadAnswer(const http::Response& response) {
  // More subscriptions than Resource Graph looks at for one identity: the rest is left out without another sign.
  if (base::EqualsIgnoreAsciiCase(response.Header("x-ms-tenant-subscription-limit-hit"), "true")) {
    ArmError error;
    error.kind = Kind::kRejected;
    error.message = "Resource Graph left subscriptions out: the identity sees more of them than one query may span";
    error.remedy = "name management groups or subscriptions as the scope";
    return tl::unexpected(std::move(error));
  }
  base::Result<json> body = base::ParseJson(response.body, "Resource Manager's answer");
  if (!body) {
    return Unavailable(std::move(body.error().message));
  }
  if (!body->is_object()) {
    return Unavailable("Resource Manager's answer: expected an object");
  }
  return std::move(*body);
}

}  // namespace

Arm::Arm(const Cloud& cloud, TokenCache& tokens, http::Client& client, const base::Clock& clock)
    : origin_(cloud.resource_manager),
      origin_url_(http::ParseUrl(origin_).value_or(http::Url{})),  // of a checked cloud: else it equals no URL, and nothing is sent
      token_scope_(origin_ + "/.default"),
      tokens_(tokens),
      client_(client),
      clock_(clock) {}

ArmResult<json> Arm::Get(const std::string& target, milliseconds deadline) {
  http::Request request;
  request.method = "GET";
  return Call(std::move(request), target, deadline);
}

ArmResult<json> Arm::Post(const std::string& target, const json& body, milliseconds deadline) {
  http::Request request;
  request.method = "POST";
  request.body = body.is_null() ? std::string() : base::DumpJson(body);
  return Call(std::move(request), target, deadline);
}

ArmResult<json> Arm::Call(http::Request request, const std::string& target, milliseconds deadline) {
  ArmResult<json> answer = Exchange(std::move(request), target, deadline);
  if (!answer && answer.error().kind == Kind::kUnavailable) {
    base::MutexLock lock(mutex_);
    ++counters_.failed;
  }
  return answer;
}

ArmResult<json> Arm::Exchange(http::Request request, const std::string& target, milliseconds deadline) {
  const Instant until = clock_.Monotonic() + deadline;
  const base::Result<http::Url> url = http::ParseUrl(target.starts_with('/') ? origin_ + target : target);
  if (!url) {
    return Rejected("the address of the call is " + url.error().message);
  }
  if (url->scheme != origin_url_.scheme || url->host != origin_url_.host || url->port != origin_url_.port) {
    return Rejected("the address of the call leads to " + url->HostAndPort() + ", not to Resource Manager at " + origin_url_.HostAndPort() +
                    ": nothing was sent");
  }
  request.url = origin_ + url->target;
  request.max_response_bytes = kMaxArmAnswerBytes;
  const std::string key = ThrottleKey(url->target);
  std::optional<ArmError> refusal;  // the first 401, and the token that brought it
  std::string refused;
  for (;;) {
    base::Result<Token> token = tokens_.Get(token_scope_, Left(clock_, until));
    if (!token) {
      return Unavailable("no token: " + std::move(token.error().message), std::move(token.error().remedy));
    }
    if (refusal && token->value == refused) {  // there is no fresh one: sending this again brings the same
      return Refused(std::move(*refusal), Identity());
    }
    request.deadline = Left(clock_, until);
    if (request.deadline.count() <= 0) {
      return Unavailable("the time for the call was over before it was sent");
    }
    ArmResult<http::Response> response = SendOnce(request, key, *token);
    if (response) {
      return ReadAnswer(*response);
    }
    ArmError& error = response.error();
    if (error.status != 401) {
      return tl::unexpected(std::move(error));
    }
    tokens_.Invalidate(token_scope_, token->value);
    if (refusal) {
      return Refused(std::move(error), Identity());
    }
    refusal = std::move(error);
    refused = std::move(token->value);
  }
}

ArmResult<http::Response> Arm::SendOnce(http::Request& request, const std::string& key, const Token& token) {
  request.headers = {{"Authorization", "Bearer " + token.value}, {"Accept", "application/json"}};
  if (!request.body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
  }
  {
    base::MutexLock lock(mutex_);
    if (const milliseconds wait = throttle_.Admit(key, clock_.Monotonic()); wait.count() > 0) {
      ++counters_.held_back;
      return HeldBack(wait);
    }
    ++counters_.requests;
  }
  base::Result<http::Response> response = client_.Send(request);
  if (!response) {
    return FromError(std::move(response.error()));
  }
  milliseconds wait{0};
  {
    base::MutexLock lock(mutex_);
    wait = throttle_.Observe(key, *response, clock_.Now(), clock_.Monotonic());
    counters_.throttled += response->status == 429 ? 1 : 0;
  }
  if (response->status >= 200 && response->status < 300) {
    return std::move(*response);
  }
  ArmError error = ReadArmError(*response);
  error.retry_after = wait;
  return tl::unexpected(std::move(error));
}

Arm::Counters Arm::counters() const {
  base::MutexLock lock(mutex_);
  return counters_;
}

}  // namespace azure
