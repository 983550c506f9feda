#include "tests/support/azure_request_log.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace support {

void AzureRequestLog::Add(const AzureRequest& request, const std::string& key) {
  ++by_service_.at(static_cast<std::size_t>(request.service));
  if (!request.subscription.empty()) {
    ++by_subscription_[request.subscription];
  }
  if (requests_.size() == kMaxRequests) {
    requests_.pop_front();
  }
  requests_.push_back(request);
  const auto closed = closed_until_.find(key);
  if (closed == closed_until_.end()) {
    return;
  }
  if (request.at < closed->second && violations_.size() < kMaxViolations) {
    const auto early = std::chrono::ceil<std::chrono::milliseconds>(closed->second - request.at);
    violations_.push_back(key + ": asked " + std::to_string(early.count()) + " ms too early");
  }
}

void AzureRequestLog::Close(const std::string& key, Instant until) {
  Instant& closed = closed_until_[key];
  closed = std::max(closed, until);
}

void AzureRequestLog::Clear() {
  by_service_ = {};
  by_subscription_.clear();
  requests_.clear();
  violations_.clear();
}

std::uint64_t AzureRequestLog::Count() const { return std::accumulate(by_service_.begin(), by_service_.end(), std::uint64_t{0}); }

std::uint64_t AzureRequestLog::Count(const std::string& subscription) const {
  const auto found = by_subscription_.find(base::AsciiLower(subscription));
  return found == by_subscription_.end() ? 0 : found->second;
}

}  // namespace support
