#include "azure/token_response.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "http/url.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// The longest lives known are 28 hours. A nonsense value must not keep a token for years.
constexpr seconds kMaxLifetime = std::chrono::hours(48);

constexpr std::size_t kMaxMessageBytes = 500;
constexpr std::size_t kMaxIdBytes = 100;  // of codes and correlation ids

tl::unexpected<base::Error> Unusable(std::string_view what) {
  return base::Fail(base::ErrorCode::kUnavailable, "an answer that is no token: " + std::string(what),
                    "find out what answers between this program and the token endpoint");
}

// `text` as a whole number of seconds, a fraction left off.
std::optional<std::int64_t> ParseSeconds(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  constexpr double kFar = 1e12;  // beyond any date, far within an int64
  if (error != std::errc() || end != text.data() + text.size() || !(std::abs(number) <= kFar)) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(number);
}

const json* Find(const json& object, const char* key) {
  const auto member = object.find(key);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

std::optional<std::int64_t> FindSeconds(const json& object, const char* key) {
  const json* const member = Find(object, key);
  if (member == nullptr) {
    return std::nullopt;
  }
  if (member->is_string()) {
    return ParseSeconds(member->get_ref<const std::string&>());
  }
  return member->is_number() ? ParseSeconds(member->dump()) : std::nullopt;
}

std::optional<seconds> Lifetime(const json& answer, base::Time now) {
  if (const auto expires_in = FindSeconds(answer, "expires_in")) {
    return seconds(*expires_in);
  }
  std::optional<base::Time> expires_on;
  if (const auto since_epoch = FindSeconds(answer, "expires_on")) {
    expires_on = base::Time(seconds(*since_epoch));
  } else if (const json* const date = Find(answer, "expires_on"); date != nullptr && date->is_string()) {
    expires_on = base::ParseTime(date->get_ref<const std::string&>());
  }
  return expires_on ? std::optional(std::chrono::floor<seconds>(*expires_on - now)) : std::nullopt;
}

// Fit for a header: RFC 6750's b64token and whatever else is visible.
bool IsTokenText(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string FindText(const json& object, const char* key) {
  const json* const member = object.is_object() ? Find(object, key) : nullptr;
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

void ReplaceAll(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; !what.empty() && (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

std::string Shown(std::string text, std::string_view secret, std::size_t max_bytes) {
  constexpr std::string_view kInstead = "[secret]";
  ReplaceAll(text, secret, kInstead);
  ReplaceAll(text, http::PercentEncode(secret), kInstead);
  return base::Printable(text, max_bytes);
}

// "AADSTS700016" of "AADSTS700016: Application …", taken off with the colon.
std::string TakeAadsts(std::string& description) {
  constexpr std::string_view kPrefix = "AADSTS";
  const std::size_t end = description.find(": ");
  if (!description.starts_with(kPrefix) || end == std::string::npos || end > kMaxIdBytes) {
    return {};
  }
  std::string code = description.substr(0, end);
  description.erase(0, end + 2);
  return code;
}

}  // namespace

base::Result<Token> ParseToken(std::string_view body, base::Time now) {
  const auto answer = base::ParseJson(body, "token");
  if (!answer || !answer->is_object()) {
    return Unusable(std::to_string(body.size()) + " bytes that are no JSON object");
  }
  Token token;
  token.value = FindText(*answer, "access_token");
  if (!IsTokenText(token.value)) {
    return Unusable("it has no access_token");
  }
  if (const std::string type = FindText(*answer, "token_type"); !type.empty() && !base::EqualsIgnoreAsciiCase(type, "Bearer")) {
    return Unusable("its token_type is not Bearer");
  }
  std::optional<seconds> lifetime = Lifetime(*answer, now);
  if (!lifetime) {
    return Unusable("it tells neither expires_in nor expires_on");
  }
  if (*lifetime <= seconds(0)) {
    return base::Fail(base::ErrorCode::kUnavailable, "a token that had expired when it came", "check this machine's clock");
  }
  lifetime = std::min(*lifetime, kMaxLifetime);
  token.expires = now + *lifetime;
  const auto refresh_in = FindSeconds(*answer, "refresh_in");
  const bool told = refresh_in && *refresh_in > 0 && *refresh_in < lifetime->count();
  token.refresh = now + (told ? seconds(*refresh_in) : *lifetime / 2);
  return token;
}

TokenRefusal ParseRefusal(std::string_view body, std::string_view secret) {
  const auto answer = base::ParseJson(body, "refusal");
  if (!answer || !answer->is_object()) {
    return {};
  }
  std::string code = FindText(*answer, "error");
  std::string message = FindText(*answer, "error_description");
  if (const json* const error = Find(*answer, "error"); error != nullptr && error->is_object()) {
    code = FindText(*error, "code");
    message = FindText(*error, "message");
  } else if (message.empty()) {
    message = FindText(*answer, "message");  // App Service
  }
  // "…. Trace ID: … Correlation ID: … Timestamp: …", on one line or four.
  if (const std::size_t trace = message.find("Trace ID:"); trace != std::string::npos) {
    message.resize(trace);
  }
  while (!message.empty() && (message.back() == ' ' || message.back() == '\r' || message.back() == '\n')) {
    message.pop_back();
  }
  if (std::string aadsts = TakeAadsts(message); !aadsts.empty()) {
    code = std::move(aadsts);
  }
  return {Shown(std::move(code), secret, kMaxIdBytes), Shown(std::move(message), secret, kMaxMessageBytes),
          Shown(FindText(*answer, "correlation_id"), secret, kMaxIdBytes)};
}

}  // namespace azure
