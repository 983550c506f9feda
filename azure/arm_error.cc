#include "azure/arm_error.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"

namespace azure {
namespace {

using nlohmann::json;
using Kind = ArmError::Kind;

// For a log line and a terminal; Azure's longest messages (a policy's refusal) run to some kilobytes.
constexpr std::size_t kMaxCodeBytes = 128;
constexpr std::size_t kMaxMessageBytes = 1024;
constexpr std::size_t kMaxCorrelationIdBytes = 64;

// The codes with which a 404 says that a resource is gone. Any other (InvalidResourceType for an api-version that does not
// exist) says that the question was wrong, and must not empty the inventory.
constexpr auto kGone = std::to_array<std::string_view>(
    {"ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound", "PolicyDefinitionNotFound", "PolicySetDefinitionNotFound"});

std::string TextMember(const json& object, const char* name, std::size_t max_bytes) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? base::Printable(member->get_ref<const std::string&>(), max_bytes) : "";
}

Kind KindOf(int status, const std::string& code) {
  switch (status) {
    case 401:
    case 403:
      return Kind::kForbidden;
    case 404: {
      const bool gone = std::ranges::any_of(kGone, [&](std::string_view known) { return base::EqualsIgnoreAsciiCase(code, known); });
      // Without a code it is not Resource Manager that speaks, but something on the way.
      return gone ? Kind::kNotFound : code.empty() ? Kind::kUnavailable : Kind::kRejected;
    }
    case 408:
      return Kind::kUnavailable;
    case 429:
      return Kind::kThrottled;
    default:
      return status >= 400 && status < 500 ? Kind::kRejected : Kind::kUnavailable;
  }
}

}  // namespace

std::string ArmError::ToString() const {
  std::string text = message;
  if (status != 0) {
    text = "Azure answered " + std::to_string(status);
    text += code.empty() ? "" : " " + code;
    text += message.empty() ? "" : ": " + message;
  }
  text += correlation_id.empty() ? "" : " (correlation id " + correlation_id + ")";
  text += remedy.empty() ? "" : "; " + remedy;
  return text;
}

ArmError ReadArmError(const http::Response& response) {
  ArmError error;
  error.status = response.status;
  // The gateway and the resource provider both write {"error": {"code", "message"}}; the latter adds members beside it.
  if (const base::Result<json> body = base::ParseJson(response.body, "the answer"); body && body->is_object()) {
    if (const auto inner = body->find("error"); inner != body->end() && inner->is_object()) {
      error.code = TextMember(*inner, "code", kMaxCodeBytes);
      error.message = TextMember(*inner, "message", kMaxMessageBytes);
    }
  }
  if (error.message.empty()) {
    error.message =
        response.status >= 300 && response.status < 400 ? "a redirect, which is never followed" : "no message of Resource Manager's";
  }
  for (const std::string_view header : {"x-ms-correlation-request-id", "x-ms-request-id"}) {
    if (error.correlation_id.empty()) {
      error.correlation_id = base::Printable(response.Header(header), kMaxCorrelationIdBytes);
    }
  }
  error.kind = KindOf(response.status, error.code);
  return error;
}

tl::unexpected<ArmError> Unavailable(std::string message, std::string remedy) {
  ArmError error;
  error.message = std::move(message);
  error.remedy = std::move(remedy);
  return tl::unexpected(std::move(error));
}

tl::unexpected<ArmError> Rejected(std::string message) {
  ArmError error;
  error.kind = Kind::kRejected;
  error.message = std::move(message);
  return tl::unexpected(std::move(error));
}

}  // namespace azure
