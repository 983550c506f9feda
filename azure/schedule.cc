#include "azure/schedule.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "azure/resource_id.h"
#include "base/text.h"

namespace azure {
namespace {

using Kind = ArmError::Kind;

std::set<std::string> Lowered(const std::vector<std::string>& names) {
  std::set<std::string> lowered;
  std::ranges::transform(names, std::inserter(lowered, lowered.end()), [](const std::string& name) { return base::AsciiLower(name); });
  return lowered;
}

// Asking again soon brings nothing else.
bool IsRefusal(const ArmError& error) {
  return error.kind == Kind::kForbidden || error.kind == Kind::kNotFound || (error.kind == Kind::kRejected && error.status != 0);
}

bool IsSubscriptionNotFound(const ArmError& error) {
  return error.kind == Kind::kNotFound && base::EqualsIgnoreAsciiCase(error.code, "SubscriptionNotFound");
}

// Observed after the question was asked, while its answer was on its way. Much later is a time of a clock that has been set
// back since, which says nothing.
bool IsSince(base::Time observed, base::Time asked) {
  constexpr std::chrono::minutes kLongestAnswer{5};
  return observed >= asked && observed <= asked + kLongestAnswer;
}

policy::GoneRegistry Gone(const KnownRegistry& registry, base::Time asked) { return {registry.login_server, registry.resource_id, asked}; }

}  // namespace

policy::Observations Found(const KnownRegistry& known, policy::Registry registry, base::Time asked) {
  policy::Observations learned;
  if (registry.login_server != known.login_server) {
    learned.gone.push_back(Gone(known, asked));
  }
  learned.present.push_back(std::move(registry));
  return learned;
}

bool NeedsDiscovery(const Scope& scope) { return scope.subscriptions.empty() || !scope.management_groups.empty(); }

Schedule::Schedule(const Scope& scope, ScheduleOptions options, std::uint64_t seed, Instant now)
    : options_(options), named_(Lowered(scope.subscriptions)), random_(seed), next_settle_(now), children_(seed) {
  if (NeedsDiscovery(scope)) {
    discovery_.emplace(now);
  }
  for (const std::string& subscription : named_) {
    subscriptions_.emplace(subscription, Subscription{Turn(now), false, false, {}});
  }
}

void Schedule::Learn(const std::string& subscription, Instant now) {
  if (discovery_) {
    subscriptions_.try_emplace(base::AsciiLower(subscription), Subscription{Turn(now), false, false, {}});
  }
}

std::optional<Task> Schedule::Take(Instant now) {
  if (discovery_ && discovery_->IsDue(now)) {
    discovery_->Begin();
    return Task{Task::Kind::kDiscover, {}};
  }
  const auto next = std::ranges::min_element(subscriptions_, {}, [](const auto& entry) { return entry.second.turn.due(); });
  if (next != subscriptions_.end() && next->second.turn.IsDue(now)) {
    next->second.turn.Begin();
    return Task{Task::Kind::kList, next->first};
  }
  const auto suspect = std::ranges::min_element(suspicions_, {}, [](const auto& entry) { return entry.second.turn.due(); });
  if (suspect != suspicions_.end() && suspect->second.turn.IsDue(now) && next_settle_ <= now) {
    suspect->second.turn.Begin();
    next_settle_ = now + kSettleSpacing;
    return Task{Task::Kind::kSettle, suspect->second.subscription, suspect->second.registry};
  }
  return std::nullopt;
}

Schedule::Instant Schedule::NextDue() const {
  Instant next = discovery_ ? discovery_->due() : Instant::max();
  for (const auto& [id, subscription] : subscriptions_) {
    next = std::min(next, subscription.turn.due());
  }
  for (const auto& [id, suspicion] : suspicions_) {
    next = std::min(next, std::max(suspicion.turn.due(), next_settle_));
  }
  return next;
}

void Schedule::OnDiscovered(const ArmResult<std::vector<Discovered>>& answer, Instant now) {
  if (!answer) {
    discovery_->Failed(now, answer.error(), random_);
    discovery_error_ = answer.error();
    return;
  }
  discovery_->Succeeded(now, options_.discovery, random_);
  discovery_error_.reset();
  has_discovered_ = true;
  discovered_.clear();
  for (const Discovered& found : *answer) {
    discovered_.insert(found.subscription);
    Learn(found.subscription, now);
  }
}

policy::Observations Schedule::OnListed(const std::string& subscription, ArmResult<std::vector<policy::Registry>> answer,
                                        const std::vector<KnownRegistry>& known, base::Time asked, Instant now) {
  policy::Observations learned;
  Subscription& entry = subscriptions_.at(subscription);
  if (!answer) {
    const ArmError& error = answer.error();
    entry.turn.Failed(now, error, random_);
    entry.answered = entry.answered || IsRefusal(error);
    if (options_.has_company && IsRefusal(error) && has_discovered_ && !entry.was_read && !IsOwn(subscription)) {
      Forget(subscription);
      return learned;
    }
    if (error.kind == Kind::kNotFound) {
      Suspect(subscription, known, {}, asked, now);
    }
    entry.error = error;
    return learned;
  }
  entry.turn.Succeeded(now, options_.refresh, random_);
  entry.was_read = true;
  entry.answered = true;
  entry.error.reset();
  if (options_.states && !entry.states) {
    entry.states.emplace(now);
  }
  ChildSchedule::Registries present;
  for (const policy::Registry& registry : *answer) {
    present.emplace(base::AsciiLower(registry.resource_id), ChildSchedule::Registry{registry.login_server, registry.resource_id});
  }
  for (const KnownRegistry& registry : known) {
    const auto listed = present.find(base::AsciiLower(registry.resource_id));
    if (listed != present.end() && listed->second.login_server != registry.login_server) {
      learned.gone.push_back(Gone(registry, asked));
    }
  }
  Suspect(subscription, known, present, asked, now);
  children_.Set(subscription, present, now);
  learned.present = std::move(*answer);
  if (present.empty() && known.empty() && !IsOwn(subscription)) {
    Forget(subscription);  // its last registry is gone, and Resource Graph knows it
  }
  return learned;
}

void Schedule::Forget(const std::string& subscription) {
  subscriptions_.erase(subscription);
  std::erase_if(suspicions_, [&](const auto& entry) { return entry.second.subscription == subscription; });
  children_.Forget(subscription);
}

void Schedule::Suspect(const std::string& subscription, const std::vector<KnownRegistry>& known, const ChildSchedule::Registries& present,
                       base::Time asked, Instant now) {
  std::set<std::string> missing;
  for (const KnownRegistry& registry : known) {
    std::string id = base::AsciiLower(registry.resource_id);
    if (present.contains(id) || IsSince(registry.observed, asked)) {  // the list is the older
      continue;
    }
    suspicions_.try_emplace(id, Suspicion{registry, subscription, Turn(now), false, {}});
    missing.insert(std::move(id));
  }
  std::erase_if(suspicions_,
                [&](const auto& entry) { return entry.second.subscription == subscription && !missing.contains(entry.first); });
}

policy::Observations Schedule::OnSettled(const Task& task, ArmResult<policy::Registry> answer, base::Time asked, Instant now) {
  policy::Observations learned;
  const auto entry = suspicions_.find(base::AsciiLower(task.registry.resource_id));
  if (answer) {
    learned = Found(task.registry, std::move(*answer), asked);
  } else if (MeansGone(answer.error(), task.subscription)) {
    learned.gone.push_back(Gone(task.registry, asked));
  } else {
    if (entry != suspicions_.end()) {
      entry->second.forbidden = IsRefusal(answer.error());
      entry->second.problem = answer.error().ToString();
      entry->second.turn.Failed(now, answer.error(), random_);
    }
    return learned;
  }
  if (entry != suspicions_.end()) {
    suspicions_.erase(entry);
  }
  return learned;
}

std::optional<std::string> Schedule::TakeStates(Instant now) {
  const auto next = std::ranges::min_element(subscriptions_, {}, [](const auto& entry) { return StatesDue(entry.second); });
  if (next == subscriptions_.end() || StatesDue(next->second) > now) {
    return std::nullopt;
  }
  next->second.states->Begin();
  return next->first;
}

Schedule::Instant Schedule::NextStates() const {
  Instant next = Instant::max();
  for (const auto& [id, subscription] : subscriptions_) {
    next = std::min(next, StatesDue(subscription));
  }
  return next;
}

policy::Observations Schedule::OnStates(const std::string& subscription, ArmResult<policy::SubscriptionStates> answer, Instant now) {
  policy::Observations learned;
  const auto entry = subscriptions_.find(subscription);
  if (entry == subscriptions_.end() || !entry->second.states) {  // its last registry is gone since it was asked about
    return learned;
  }
  if (!answer) {
    entry->second.states->Failed(now, answer.error(), random_);
    entry->second.states_error = std::move(answer.error());
    return learned;
  }
  entry->second.states->Succeeded(now, *options_.states, random_);
  entry->second.states_error.reset();
  learned.states.push_back(std::move(*answer));
  return learned;
}

void Schedule::NeedChildren(const std::set<std::string>& kinds, const std::vector<KnownRegistry>& known, Instant now) {
  const bool was_needed = children_.IsNeeded();
  children_.Need(kinds, now);
  if (was_needed || !children_.IsNeeded()) {
    return;
  }
  std::map<std::string, ChildSchedule::Registries> registries;  // by subscription
  for (const KnownRegistry& registry : known) {
    if (const auto id = ParseRegistryId(registry.resource_id)) {
      registries[base::AsciiLower(id->subscription)].emplace(base::AsciiLower(registry.resource_id),
                                                             ChildSchedule::Registry{registry.login_server, registry.resource_id});
    }
  }
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.was_read && registries.contains(id)) {  // one that was not may be another identity's
      children_.Set(id, registries[id], now);
    }
  }
}

bool Schedule::MeansGone(const ArmError& error, const std::string& subscription) const {
  if (error.kind != Kind::kNotFound) {
    return false;
  }
  const auto entry = subscriptions_.find(base::AsciiLower(subscription));
  return !IsSubscriptionNotFound(error) || (entry != subscriptions_.end() && entry->second.was_read);
}

bool Schedule::IsComplete() const {
  return (!discovery_ || has_discovered_) && std::ranges::all_of(subscriptions_, [](const auto& entry) { return entry.second.answered; });
}

Schedule::Status Schedule::status() const {
  Status status;
  status.subscriptions = subscriptions_.size();
  status.suspected = suspicions_.size();
  if (discovery_error_) {
    status.problem = "discovery of subscriptions: " + discovery_error_->ToString();
  }
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.error) {
      ++status.failing;
      if (!status.problem) {
        status.problem = "subscription " + id + ": " + subscription.error->ToString();
      }
    }
  }
  for (const auto& [id, suspicion] : suspicions_) {
    if (suspicion.forbidden) {
      ++status.forbidden;
      if (!status.problem) {
        status.problem =
            "registry " + suspicion.registry.login_server + " is in no list any more and may not be read: " + suspicion.problem;
      }
    }
  }
  status.children_failing = children_.failing();
  if (!status.problem) {
    status.problem = children_.problem();
  }
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.states_error && !status.problem) {
      status.problem = "Azure Policy's states of subscription " + id + ": " + subscription.states_error->ToString();
    }
  }
  return status;
}

}  // namespace azure
