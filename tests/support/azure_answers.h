// Answers as Azure's services write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "http/client.h"

namespace support {

// What is answered, and for how long who asked is to stay away: as the answer's Retry-After says, kept here as a number so
// that nobody's reading of that header judges itself.
struct AzureReply {
  http::Response response;
  std::optional<std::chrono::microseconds> stay_away;
};

http::Response AzureJson(int status, const nlohmann::json& body);

// Resource Manager's gateway and a resource provider write their errors differently (recorded in tests/data/azure).
http::Response GatewayError(int status, const std::string& code, const std::string& message);
http::Response ProviderError(int status, const std::string& code, const std::string& message);

// Entra's: "AADSTS7000215: Invalid client secret … Trace ID: … Correlation ID: … Timestamp: …".
http::Response EntraError(int status, const std::string& error, int number, const std::string& message, base::Time now);

// IMDS's and IDENTITY_ENDPOINT's.
http::Response MetadataError(int status, const std::string& error, const std::string& message);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7).
std::string HttpDate(base::Time time);

// With a Retry-After, in whole seconds or as the date of the first whole second that is not too early.
AzureReply WithRetryAfter(http::Response response, std::chrono::microseconds wait, bool as_date, base::Time now);

}  // namespace support
