// Talks to a program that serves, as probes and the API server do. The program's certificate is not verified.
#pragma once

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace support {

// "200 the body", from the plain port; "" and a failed expectation when there is no answer.
std::string GetText(int health_port, const std::string& path);
void WaitUntilReady(int health_port);

// The response to a review of a Pod with this image; null and a failed expectation when there is no answer.
nlohmann::json ReviewPod(int review_port, const std::string& image);

// Status and body of GET /audit/v1/`target`; 0 and a failed expectation when there is no answer.
std::pair<int, nlohmann::json> AskAuditLog(int review_port, const std::string& target, const std::string& token);

}  // namespace support
