// What Azure said about how fast it may be asked. Pure: headers and times in, waits out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"
#include "http/client.h"

namespace azure {

// Resource Manager counts reads in token buckets, by default of 250 that refill by 25 a second, for each subscription and
// identity. https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
// Below this many left calls are spread out: the fewer, the wider.
inline constexpr std::int64_t kLowReads = 50;
// For each read below it: at none left, calls go a second apart, which even the slowest clouds (12,000 an hour) refill.
inline constexpr std::chrono::milliseconds kSpacingPerLowRead{20};

// Resource Graph counts queries in windows, by default 15 in 5 seconds for each identity, which all replicas and clusters share.
// https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
// Below this many left they are spread over the rest of the window.
inline constexpr std::int64_t kLowQueries = 5;
inline constexpr std::chrono::seconds kQueryWindow{5};  // where an answer does not say when the window ends

// After a 429 without a time, or with one that is over: an empty bucket is full again after the first, and the second keeps
// a server that says 0 from being asked in a loop.
inline constexpr std::chrono::seconds kDefaultRetryAfter{10};
inline constexpr std::chrono::seconds kMinRetryAfter{1};

// Whose allowance a call draws on: a subscription's, that of its policy states (Policy Insights counts by itself, and registries must
// not wait for it), Resource Graph's, or the tenant's. `target` is the path of a call.
std::string ThrottleKey(std::string_view target);

// For one identity. For one thread at a time. Holds one small entry for each subscription that was ever asked about.
class Throttle {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // How long to wait before a call. 0: it goes now, and is counted as sent.
  std::chrono::milliseconds Admit(const std::string& key, Instant now);

  // What an answer said; `wall` is for dates. Returns how long to wait before the next call.
  std::chrono::milliseconds Observe(const std::string& key, const http::Response& response, base::Time wall, Instant now);

 private:
  struct Allowance {
    Instant closed_until{};               // a Retry-After: only ever put off
    Instant next{};                       // the spacing of calls: every answer sets it anew
    std::optional<std::int64_t> reads;    // left, as last told, less what was sent since
    std::optional<std::int64_t> queries;  // the same, of Resource Graph
    Instant queries_reset{};              // from when on `queries` says nothing
  };

  static std::chrono::milliseconds Spacing(const Allowance& allowance, Instant now);
  static std::chrono::milliseconds Wait(const Allowance& allowance, Instant now);

  std::unordered_map<std::string, Allowance> allowances_;
};

}  // namespace azure
