#include "kube/api_error.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "http/retry_after.h"

namespace kube {
namespace {

using nlohmann::json;
using Kind = ApiError::Kind;
using std::chrono::seconds;

// For a log line and a terminal; what a validation finds in a large object runs to many kilobytes.
constexpr std::size_t kMaxReasonBytes = 128;
constexpr std::size_t kMaxMessageBytes = 1024;

std::string TextMember(const json& object, const char* name, std::size_t max_bytes) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? base::Printable(member->get_ref<const std::string&>(), max_bytes) : "";
}

Kind KindOf(int status, std::string_view reason) {
  switch (status) {
    case 401:
      return Kind::kUnauthorized;
    case 403:
      return Kind::kForbidden;
    case 404:
      // Without the reason it is the path that nobody serves (an API that this cluster lacks), or something on the way that
      // speaks: neither says that the object is gone.
      return reason == "NotFound" ? Kind::kNotFound : Kind::kRejected;
    case 408:
      return Kind::kUnavailable;
    case 409:
      return reason == "AlreadyExists" ? Kind::kAlreadyExists : Kind::kConflict;
    case 410:
      return Kind::kExpired;
    case 422:
      return Kind::kInvalid;
    case 429:
      return Kind::kTooManyRequests;
    default:
      return status >= 400 && status < 500 ? Kind::kRejected : Kind::kUnavailable;
  }
}

std::chrono::milliseconds RetryAfterSeconds(const json& status) {
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object()) {
    return seconds(0);
  }
  const auto told = details->find("retryAfterSeconds");  // an int32 of the API's
  if (told == details->end() || !told->is_number_integer()) {
    return seconds(0);
  }
  constexpr std::int64_t kMost = std::chrono::duration_cast<seconds>(http::kMaxRetryAfter).count();
  return seconds(std::clamp<std::int64_t>(told->get<std::int64_t>(), 0, kMost));
}

tl::unexpected<ApiError> Failed(Kind kind, std::string message, std::string remedy) {
  ApiError error;
  error.kind = kind;
  error.message = std::move(message);
  error.remedy = std::move(remedy);
  return tl::unexpected(std::move(error));
}

}  // namespace

std::string ApiError::ToString() const {
  std::string text = message;
  if (status != 0) {
    text = "the API server answered " + std::to_string(status);
    text += reason.empty() ? "" : " " + reason;
    text += message.empty() ? "" : ": " + message;
  }
  return text + (remedy.empty() ? "" : "; " + remedy);
}

ApiError ReadApiError(const http::Response& response, base::Time now) {
  ApiError error;
  error.status = response.status;
  if (const auto body = base::ParseJson(response.body, "the answer");
      body && body->is_object() && body->value("kind", json()) == "Status") {
    error.reason = TextMember(*body, "reason", kMaxReasonBytes);
    error.message = TextMember(*body, "message", kMaxMessageBytes);
    error.retry_after = RetryAfterSeconds(*body);
  }
  if (error.message.empty()) {
    error.message = response.status >= 300 && response.status < 400 ? "a redirect, which is never followed" : "no message of the API's";
  }
  error.kind = KindOf(response.status, error.reason);
  error.retry_after = http::RetryAfter(response, now).value_or(error.retry_after);
  return error;
}

std::string MissingVerb(const ApiError& error) {
  constexpr std::string_view kCannot = " cannot ";
  constexpr std::string_view kResource = " resource ";
  const std::size_t begin = error.message.find(kCannot);
  if (error.kind != Kind::kForbidden || begin == std::string::npos) {
    return "";
  }
  const std::string_view rest = std::string_view(error.message).substr(begin + kCannot.size());
  const std::size_t end = rest.find(' ');
  return end != std::string_view::npos && rest.substr(end).starts_with(kResource) ? std::string(rest.substr(0, end)) : "";
}

tl::unexpected<ApiError> Unavailable(std::string message, std::string remedy) {
  return Failed(Kind::kUnavailable, std::move(message), std::move(remedy));
}

tl::unexpected<ApiError> Rejected(std::string message, std::string remedy) {
  return Failed(Kind::kRejected, std::move(message), std::move(remedy));
}

tl::unexpected<ApiError> FromError(base::Error error) {
  const Kind kind = error.code == base::ErrorCode::kInvalidArgument ? Kind::kRejected : Kind::kUnavailable;
  return Failed(kind, std::move(error.message), std::move(error.remedy));
}

}  // namespace kube
