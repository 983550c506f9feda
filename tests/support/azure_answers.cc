#include "tests/support/azure_answers.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/json.h"
#include "tests/support/scripted_http.h"

namespace support {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// Of no sign-in that there was.
constexpr const char* kTraceId = "5c1e0d3a-7f0b-4a53-9d2e-1b6f3c8a0e00";
constexpr const char* kCorrelationId = "4a42e576-85bc-46ae-b7e3-b52cb8958917";

json CodeAndMessage(const std::string& code, const std::string& message) { return {{"code", code}, {"message", message}}; }

}  // namespace

http::Response AzureJson(int status, const json& body) { return JsonResponse(status, base::DumpJson(body)); }

http::Response GatewayError(int status, const std::string& code, const std::string& message) {
  http::Response response = AzureJson(status, {{"error", CodeAndMessage(code, message)}});
  response.headers.emplace_back("x-ms-failure-cause", "gateway");
  return response;
}

http::Response ProviderError(int status, const std::string& code, const std::string& message) {
  return AzureJson(status, {{"error", CodeAndMessage(code, message)}, {"status", "Failed"}});
}

http::Response EntraError(int status, const std::string& error, int number, const std::string& message, base::Time now) {
  std::string timestamp = base::FormatTimeSeconds(now);
  timestamp.replace(timestamp.find('T'), 1, " ");
  const std::string code = std::to_string(number);
  return AzureJson(status, {{"error", error},
                            {"error_description", "AADSTS" + code + ": " + message + " Trace ID: " + kTraceId +
                                                      " Correlation ID: " + kCorrelationId + " Timestamp: " + timestamp},
                            {"error_codes", json::array({number})},
                            {"timestamp", timestamp},
                            {"trace_id", kTraceId},
                            {"correlation_id", kCorrelationId},
                            {"error_uri", "https://login.microsoftonline.com/error?code=" + code}});
}

http::Response MetadataError(int status, const std::string& error, const std::string& message) {
  return AzureJson(status, {{"error", error}, {"error_description", message}});
}

std::string HttpDate(base::Time time) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss of_day{std::chrono::floor<seconds>(time - day)};
  std::array<char, 64> text;
  const int length = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays.at(std::chrono::weekday(day).c_encoding()),
      static_cast<unsigned>(date.day()), kMonths.at(static_cast<unsigned>(date.month()) - 1), static_cast<int>(date.year()),
      static_cast<int>(of_day.hours().count()), static_cast<int>(of_day.minutes().count()), static_cast<int>(of_day.seconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

AzureReply WithRetryAfter(http::Response response, std::chrono::microseconds wait, bool as_date, base::Time now) {
  std::chrono::microseconds stay_away = std::chrono::ceil<seconds>(wait);
  if (as_date) {
    const auto until = std::chrono::ceil<seconds>(now + wait);
    stay_away = until - now;
    response.headers.emplace_back("Retry-After", HttpDate(until));
  } else {
    response.headers.emplace_back("Retry-After", std::to_string(std::chrono::ceil<seconds>(wait).count()));
  }
  return {std::move(response), stay_away};
}

}  // namespace support
