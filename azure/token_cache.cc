#include "azure/token_cache.h"

#include <algorithm>
#include <utility>

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// For the call that the token is for, and for clocks that differ.
constexpr seconds kLeastValidity = std::chrono::minutes(1);

// Who has less time than this (a confirmation within an admission) does not spend it on a refresh that can wait.
constexpr seconds kHaste = seconds(5);

// Entra answers identical requests in a loop with AADSTS50196 and a pause of its own.
constexpr milliseconds kFirstBackOff = seconds(1);
constexpr milliseconds kLastBackOff = std::chrono::minutes(1);

// IMDS hands out its own cached token again, and a clock of Azure's may differ: a 401 that a new token does not mend must
// not become an exchange for every call.
constexpr seconds kInvalidationInterval = seconds(30);

}  // namespace

TokenCache::TokenCache(std::unique_ptr<TokenSource> source, const base::Clock& clock) : source_(std::move(source)), clock_(clock) {}

// By both clocks: wall time may step back, and the other one stands still while a machine is suspended.
bool TokenCache::IsUsable(const Entry& entry) const {
  return entry.token && clock_.Now() + kLeastValidity <= entry.token->expires && clock_.Monotonic() + kLeastValidity <= entry.expires;
}

bool TokenCache::IsDue(const Entry& entry) const { return clock_.Now() >= entry.token->refresh || clock_.Monotonic() >= entry.refresh; }

base::Result<Token> TokenCache::Get(const std::string& scope, milliseconds deadline) {
  // Threads wait in real time, whatever clock tells how old tokens are.
  const auto until = std::chrono::steady_clock::now() + deadline;
  if (auto known = TakeTurn(scope, until, deadline < kHaste)) {
    return *std::move(known);
  }
  const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  const Instant began = clock_.Monotonic();
  auto fetched = source_->Fetch(scope, left);
  // An exchange that ran out of its caller's time says nothing to those who have more.
  return Store(scope, std::move(fetched), clock_.Monotonic() - began >= left);
}

std::optional<base::Result<Token>> TokenCache::TakeTurn(const std::string& scope, Instant until, bool in_haste) {
  base::MutexLock lock(mutex_);
  Entry& entry = entries_[scope];
  for (;;) {
    const bool backing_off = entry.failure && clock_.Monotonic() < entry.retry;
    if (IsUsable(entry) && (!IsDue(entry) || entry.fetching || backing_off || in_haste)) {
      return *entry.token;
    }
    if (!entry.fetching && backing_off) {
      return tl::unexpected(*entry.failure);
    }
    if (std::chrono::steady_clock::now() >= until) {
      return base::Fail(base::ErrorCode::kUnavailable, Describe() + ": no token within the time of the call",
                        "see whether this machine reaches the token endpoint, and how fast");
    }
    if (!entry.fetching) {
      entry.fetching = true;
      return std::nullopt;
    }
    fetched_.WaitUntil(mutex_, until);
  }
}

base::Result<Token> TokenCache::Store(const std::string& scope, base::Result<Token> fetched, bool out_of_time) {
  const base::Time now = clock_.Now();
  const Instant instant = clock_.Monotonic();
  if (fetched && fetched->expires < now + kLeastValidity) {
    fetched = base::Fail(base::ErrorCode::kUnavailable, Describe() + ": a token came that is good for less than a minute",
                         "check this machine's clock");
  }
  base::MutexLock lock(mutex_);
  Entry& entry = entries_[scope];
  entry.fetching = false;
  fetched_.NotifyAll();
  if (fetched) {
    entry.token = *fetched;
    entry.expires = instant + (fetched->expires - now);
    entry.refresh = instant + (fetched->refresh - now);
    entry.failure.reset();
    entry.back_off = milliseconds(0);
    return fetched;
  }
  if (!out_of_time) {
    entry.failure = fetched.error();
    entry.back_off = std::clamp(entry.back_off * 2, kFirstBackOff, kLastBackOff);
    entry.retry = instant + entry.back_off;
  }
  if (IsUsable(entry)) {
    return *entry.token;
  }
  return fetched;
}

void TokenCache::Invalidate(const std::string& scope, const std::string& token_value) {
  const Instant now = clock_.Monotonic();
  base::MutexLock lock(mutex_);
  Entry& entry = entries_[scope];
  if (!entry.token || entry.token->value != token_value || (entry.invalidated && now < *entry.invalidated + kInvalidationInterval)) {
    return;
  }
  entry.token.reset();
  entry.invalidated = now;
}

}  // namespace azure
