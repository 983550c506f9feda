#include "azure/throttle.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "http/retry_after.h"

namespace azure {
namespace {

using std::chrono::milliseconds;

std::optional<std::int64_t> ParseCount(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 ? std::optional(value) : std::nullopt;
}

// "00:00:05": hours, minutes, seconds.
std::optional<milliseconds> ParseClockDuration(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') {
    return std::nullopt;
  }
  const auto hours = ParseCount(text.substr(0, 2));
  const auto minutes = ParseCount(text.substr(3, 2));
  const auto seconds = ParseCount(text.substr(6, 2));
  if (!hours || !minutes || !seconds) {
    return std::nullopt;
  }
  const milliseconds whole = std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + std::chrono::seconds(*seconds);
  return std::min(whole, http::kMaxRetryAfter);
}

// Several allowances are counted at once (the identity's own, and the subscription's over all identities): the scarcest counts.
std::optional<std::int64_t> RemainingReads(const http::Response& response) {
  std::optional<std::int64_t> least;
  for (const std::string_view header : {"x-ms-ratelimit-remaining-subscription-reads", "x-ms-ratelimit-remaining-subscription-global-reads",
                                        "x-ms-ratelimit-remaining-tenant-reads"}) {
    if (const auto remaining = ParseCount(response.Header(header))) {
      least = std::min(least.value_or(*remaining), *remaining);
    }
  }
  return least;
}

void Take(std::optional<std::int64_t>& remaining) {
  if (remaining && *remaining > 0) {
    --*remaining;
  }
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return base::EqualsIgnoreAsciiCase(text.substr(0, prefix.size()), prefix);
}

}  // namespace

std::string ThrottleKey(std::string_view target) {
  constexpr std::string_view kSubscriptions = "/subscriptions/";
  if (StartsWith(target, kSubscriptions)) {
    const std::string_view rest = target.substr(kSubscriptions.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    const bool is_insights = StartsWith(rest.substr(end), "/providers/Microsoft.PolicyInsights/");
    return (is_insights ? "policy states of " : "subscription ") + base::AsciiLower(rest.substr(0, end));
  }
  return StartsWith(target, "/providers/Microsoft.ResourceGraph/") ? "resource graph" : "tenant";
}

milliseconds Throttle::Admit(const std::string& key, Instant now) {
  Allowance& allowance = allowances_[key];
  if (const milliseconds wait = Wait(allowance, now); wait.count() > 0) {
    return wait;
  }
  if (now >= allowance.queries_reset) {
    allowance.queries.reset();
  }
  // Until its answer tells better: calls that run at the same time must not all count the same remainder as theirs.
  Take(allowance.reads);
  Take(allowance.queries);
  allowance.next = now + Spacing(allowance, now);
  return milliseconds(0);
}

milliseconds Throttle::Observe(const std::string& key, const http::Response& response, base::Time wall, Instant now) {
  Allowance& allowance = allowances_[key];
  if (const auto reads = RemainingReads(response)) {
    allowance.reads = *reads;
  }
  const auto resets_after = ParseClockDuration(response.Header("x-ms-user-quota-resets-after"));
  if (const auto queries = ParseCount(response.Header("x-ms-user-quota-remaining"))) {
    allowance.queries = *queries;
    allowance.queries_reset = now + resets_after.value_or(kQueryWindow);
  }
  allowance.next = now + Spacing(allowance, now);

  const bool success = response.status >= 200 && response.status < 300;
  const bool throttled = response.status == 429;
  if (!success) {
    std::optional<milliseconds> wait = http::RetryAfter(response, wall);
    if (throttled) {
      wait = std::max<milliseconds>(wait.value_or(resets_after.value_or(kDefaultRetryAfter)), kMinRetryAfter);
    }
    allowance.closed_until = std::max(allowance.closed_until, now + wait.value_or(milliseconds(0)));
  }
  return Wait(allowance, now);
}

milliseconds Throttle::Spacing(const Allowance& allowance, Instant now) {
  milliseconds spacing{0};
  if (allowance.reads && *allowance.reads < kLowReads) {
    spacing = (kLowReads - *allowance.reads) * kSpacingPerLowRead;
  }
  if (allowance.queries && *allowance.queries < kLowQueries && allowance.queries_reset > now) {
    spacing = std::max(spacing, std::chrono::ceil<milliseconds>((allowance.queries_reset - now) / (*allowance.queries + 1)));
  }
  return spacing;
}

// Rounded up: a call must not leave a fraction of a millisecond too early.
milliseconds Throttle::Wait(const Allowance& allowance, Instant now) {
  const Instant open = std::max(allowance.closed_until, allowance.next);
  return open > now ? std::chrono::ceil<milliseconds>(open - now) : milliseconds(0);
}

}  // namespace azure
