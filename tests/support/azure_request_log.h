// What the fake Azure was asked, and whether it was left alone when it had asked to be.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/support/azure_call.h"

namespace support {

struct AzureRequest {
  std::chrono::steady_clock::time_point at;
  AzureService service = AzureService::kResourceManager;
  AzureOperation operation = AzureOperation::kUnknown;
  std::string subscription;  // lower-case; "" where the call is about none
  int status = 0;
};

// For one thread at a time.
class AzureRequestLog {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // The newest requests are kept one by one: simulations of years send more than memory holds.
  static constexpr std::size_t kMaxRequests = 100'000;
  static constexpr std::size_t kMaxViolations = 100;

  // `key`: what the request draws on, as Azure counts it (service, identity, subscription).
  void Add(const AzureRequest& request, const std::string& key);
  // Nothing with this key is to be sent before `until`.
  void Close(const std::string& key, Instant until);
  void Clear();  // forgets all but what is closed

  std::uint64_t Count() const;
  std::uint64_t Count(AzureService service) const { return by_service_.at(static_cast<std::size_t>(service)); }
  std::uint64_t Count(const std::string& subscription) const;  // Resource Manager and Policy Insights
  std::vector<AzureRequest> Requests() const { return {requests_.begin(), requests_.end()}; }
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  std::array<std::uint64_t, 6> by_service_{};
  std::unordered_map<std::string, std::uint64_t> by_subscription_;
  std::deque<AzureRequest> requests_;
  std::unordered_map<std::string, Instant> closed_until_;
  std::vector<std::string> violations_;
};

}  // namespace support
