#include "azure/confirmations.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace azure {
namespace {

// Waiters of one host before those whose time is over are cleared away: more than a replica has connections by default.
// Each time that they have doubled, so that a crowd costs no more than its number.
constexpr std::size_t kManyWaiters = 1024;
bool IsTimeToClear(std::size_t waiters) { return waiters >= kManyWaiters && std::has_single_bit(waiters); }

// Drops what was remembered until `now`, in the order in which it was.
template <class Instant>
void ForgetUntil(std::deque<std::pair<Instant, std::string>>& order, std::map<std::string, Instant>& remembered, Instant now) {
  while (!order.empty() && order.front().first <= now) {
    const auto entry = remembered.find(order.front().second);
    if (entry != remembered.end() && entry->second == order.front().first) {
      remembered.erase(entry);
    }
    order.pop_front();
  }
}

}  // namespace

Confirmations::Confirmations(Instant now) : next_look_up_(now), next_get_(now) {}

void Confirmations::Forget(Instant now) {
  ForgetUntil(asked_order_, asked_, now);
  ForgetUntil(absent_order_, absent_, now);
}

bool Confirmations::IsLimited(const Host& host, Instant now) {
  Forget(now);
  if (host.resource_id.empty() && absent_.contains(host.login_server)) {
    ++counters_.absent;
    return true;
  }
  if (asked_.contains(host.login_server) || hosts_.size() >= kMaxHosts) {
    ++counters_.limited;
    return true;
  }
  return false;
}

void Confirmations::Ask(const std::vector<Host>& hosts, Instant until, Done done, Instant now) {
  auto waiter = std::make_shared<Waiter>(Waiter{0, until, std::move(done)});
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Host& host = hosts[i];
    if (i >= kMaxHostsPerAdmission) {
      ++counters_.limited;
      continue;
    }
    const auto running = hosts_.find(host.login_server);
    if (running != hosts_.end()) {
      ++counters_.joined;
    } else if (IsLimited(host, now)) {
      continue;
    }
    Entry& entry = hosts_[host.login_server];
    if (running == hosts_.end()) {
      ++counters_.queued;
      entry.resource_id = host.resource_id;
      entry.is_new = host.resource_id.empty();
      (host.resource_id.empty() ? look_ups_ : gets_).push_back(host.login_server);
    }
    if (IsTimeToClear(entry.waiters.size())) {
      std::erase_if(entry.waiters, [now](const auto& other) { return other->until <= now; });
    }
    entry.waiters.push_back(waiter);
    ++waiter->open;
  }
  if (waiter->open == 0) {
    done_.push_back(std::move(waiter->done));
  }
}

std::optional<Confirmations::Work> Confirmations::TakeGet(Instant now, std::size_t requests) {
  while (!gets_.empty()) {
    const Entry& entry = hosts_.at(gets_.front());
    if (!entry.is_new && std::ranges::all_of(entry.waiters, [now](const auto& waiter) { return waiter->until <= now; })) {
      ++counters_.expired;
      Settle(gets_.front());
      gets_.pop_front();
      continue;
    }
    if (next_get_ > now) {
      return std::nullopt;
    }
    next_get_ = now + kConfirmSpacing * requests;
    Work work{Work::Kind::kGet, {std::move(gets_.front())}, entry.resource_id};
    gets_.pop_front();
    asked_[work.login_servers.front()] = now + kConfirmInterval;
    asked_order_.emplace_back(now + kConfirmInterval, work.login_servers.front());
    return work;
  }
  return std::nullopt;
}

std::optional<Confirmations::Work> Confirmations::Take(Instant now, std::size_t requests) {
  if (auto get = TakeGet(now, requests)) {
    return get;
  }
  if (look_ups_.empty() || looking_up_ || next_look_up_ > now) {
    return std::nullopt;
  }
  looking_up_ = true;
  next_look_up_ = now + kLookUpInterval;
  Work work{Work::Kind::kLookUp, {}, {}};
  while (!look_ups_.empty() && work.login_servers.size() < RegistryReader::kMaxLookUp) {
    work.login_servers.push_back(std::move(look_ups_.front()));
    look_ups_.pop_front();
  }
  return work;
}

Confirmations::Instant Confirmations::NextDue() const {
  Instant next = gets_.empty() ? Instant::max() : next_get_;
  if (!look_ups_.empty() && !looking_up_) {
    next = std::min(next, next_look_up_);
  }
  return next;
}

void Confirmations::OnGot(const Work& work) { Settle(work.login_servers.front()); }

void Confirmations::OnLookedUp(const Work& work, const std::vector<Discovered>& found, const std::optional<ArmError>& failure,
                               Instant now) {
  looking_up_ = false;
  if (failure) {
    next_look_up_ = std::max(next_look_up_, now + failure->retry_after);
  }
  std::map<std::string, std::string> ids;
  for (const Discovered& registry : found) {
    ids.emplace(registry.login_server, registry.resource_id);
  }
  Forget(now);
  for (const std::string& login_server : work.login_servers) {
    if (const auto id = ids.find(login_server); id != ids.end()) {
      hosts_.at(login_server).resource_id = id->second;
      gets_.push_back(login_server);
      continue;
    }
    if (!failure) {
      RememberAbsent(login_server, now + kAbsentFor);
    }
    Settle(login_server);
  }
}

void Confirmations::RememberAbsent(const std::string& login_server, Instant until) {
  if (absent_.size() >= kMaxAbsent) {
    ForgetUntil(absent_order_, absent_, absent_order_.front().first);
  }
  absent_[login_server] = until;
  absent_order_.emplace_back(until, login_server);
}

void Confirmations::Settle(const std::string& login_server) {
  const auto entry = hosts_.find(login_server);
  if (entry == hosts_.end()) {
    return;
  }
  for (const auto& waiter : entry->second.waiters) {
    if (--waiter->open == 0) {
      done_.push_back(std::move(waiter->done));
    }
  }
  hosts_.erase(entry);
}

std::vector<Confirmations::Done> Confirmations::TakeDone() { return std::exchange(done_, {}); }

}  // namespace azure
