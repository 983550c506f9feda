#include "tests/integration/program_client.h"

#include <thread>

#include <gtest/gtest.h>
#include <httplib.h>

#include "tests/support/admission_world.h"

namespace support {

std::string GetText(int health_port, const std::string& path) {
  httplib::Client client("127.0.0.1", health_port);
  const auto result = client.Get(path);
  EXPECT_TRUE(result);
  return result ? std::to_string(result->status) + " " + result->body : "";
}

void WaitUntilReady(int health_port) {
  while (!GetText(health_port, "/readyz").starts_with("200")) {
    std::this_thread::yield();
  }
}

nlohmann::json ReviewPod(int review_port, const std::string& image) {
  httplib::SSLClient client("127.0.0.1", review_port);
  client.enable_server_certificate_verification(false);
  const auto result = client.Post("/validate?timeout=10s", PodReview("uid", image), "application/json");
  EXPECT_TRUE(result);
  return result ? nlohmann::json::parse(result->body)["response"] : nlohmann::json();
}

std::pair<int, nlohmann::json> AskAuditLog(int review_port, const std::string& target, const std::string& token) {
  httplib::SSLClient client("127.0.0.1", review_port);
  client.enable_server_certificate_verification(false);
  const auto result = client.Get("/audit/v1/" + target, httplib::Headers{{"Authorization", "Bearer " + token}});
  EXPECT_TRUE(result);
  return result ? std::pair(result->status, nlohmann::json::parse(result->body)) : std::pair(0, nlohmann::json());
}

}  // namespace support
