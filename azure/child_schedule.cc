#include "azure/child_schedule.h"

#include <algorithm>

#include "base/text.h"

namespace azure {
namespace {

using Kind = ArmError::Kind;
using std::chrono::milliseconds;

// What was never read comes before all that is read again, however late that is.
constexpr ChildSchedule::Instant kFirst{};

// Where nothing of a subscription can be read, its registries are not tried in turn at full pace: one tells of all.
milliseconds PauseAfter(int failures_in_a_row) {
  constexpr int kMostDoublings = 16;
  return std::min(kChildrenSpacingInSubscription * (1 << std::min(failures_in_a_row, kMostDoublings)), kLastRetry);
}

// It was not sent for Azure's limits: nothing was learned, not even of a failure.
bool IsHeldBack(const ArmError& error) { return error.kind == Kind::kThrottled && error.status == 0; }

}  // namespace

void ChildSchedule::AddTurns(Subscription& subscription, Registered entry, Instant now) {
  for (const std::string& kind : kinds_) {
    const auto [turn, is_new] = entry->second.turns.try_emplace(kind, Turn(kFirst));
    if (is_new) {
      subscription.queue.insert({kFirst, entry->first, turn->first});
      subscription.failures_in_a_row = 0;  // of it nothing is known yet
      subscription.next = std::min(subscription.next, now + kChildrenSpacingInSubscription);
    }
  }
}

void ChildSchedule::DropTurns(Subscription& subscription, Registered entry, const std::set<std::string>& kept) {
  std::map<std::string, Turn>& turns = entry->second.turns;
  for (auto turn = turns.begin(); turn != turns.end();) {
    if (kept.contains(turn->first)) {
      ++turn;
      continue;
    }
    subscription.queue.erase({turn->second.due(), entry->first, turn->first});  // none where it runs
    ForgetProblem(entry->first, turn->first);
    turn = turns.erase(turn);
  }
}

void ChildSchedule::Need(const std::set<std::string>& kinds, Instant now) {
  kinds_ = kinds;
  for (auto& [id, subscription] : subscriptions_) {
    for (auto entry = subscription.registries.begin(); entry != subscription.registries.end(); ++entry) {
      DropTurns(subscription, entry, kinds_);
      AddTurns(subscription, entry, now);
    }
  }
  if (kinds_.empty()) {
    subscriptions_.clear();
  }
}

void ChildSchedule::Set(const std::string& id, const Registries& registries, Instant now) {
  if (kinds_.empty()) {
    return;
  }
  Subscription& subscription = subscriptions_[id];
  for (auto entry = subscription.registries.begin(); entry != subscription.registries.end();) {
    const auto known = registries.find(entry->first);
    if (known != registries.end() && known->second == entry->second.registry) {
      ++entry;
      continue;
    }
    DropTurns(subscription, entry, {});
    entry = subscription.registries.erase(entry);
  }
  for (const auto& [lower_id, registry] : registries) {
    const auto [entry, is_new] = subscription.registries.try_emplace(lower_id, Entry{registry, {}});
    if (is_new) {
      AddTurns(subscription, entry, now);
    }
  }
}

void ChildSchedule::Forget(const std::string& id) {
  if (subscriptions_.contains(id)) {
    Set(id, {}, Instant{});
    subscriptions_.erase(id);
  }
}

std::optional<ChildTask> ChildSchedule::Take(Instant now) {
  const auto most_due = std::ranges::min_element(subscriptions_, {}, [](const auto& entry) { return entry.second.Due(); });
  if (most_due == subscriptions_.end() || std::max(most_due->second.Due(), next_) > now) {
    return std::nullopt;
  }
  Subscription& subscription = most_due->second;
  const Place place = *subscription.queue.begin();
  subscription.queue.erase(subscription.queue.begin());
  Entry& entry = subscription.registries.find(std::string(place.id))->second;
  entry.turns.find(std::string(place.kind))->second.Begin();
  subscription.next = now + kChildrenSpacingInSubscription;
  next_ = now + kChildrenSpacing;
  return ChildTask{most_due->first, entry.registry.login_server, entry.registry.resource_id, std::string(place.kind)};
}

ChildSchedule::Instant ChildSchedule::NextDue() const {
  Instant due = Instant::max();
  for (const auto& [id, subscription] : subscriptions_) {
    due = std::min(due, subscription.Due());
  }
  return std::max(due, next_);
}

policy::Observations ChildSchedule::OnRead(const ChildTask& task, ArmResult<policy::ChildList> answer, base::Time asked, Instant now) {
  const auto subscription = subscriptions_.find(task.subscription);
  if (subscription == subscriptions_.end()) {
    return {};
  }
  const auto entry = subscription->second.registries.find(base::AsciiLower(task.resource_id));
  if (entry == subscription->second.registries.end()) {
    return {};
  }
  const auto turn = entry->second.turns.find(task.kind);
  if (turn == entry->second.turns.end() || !turn->second.IsRunning()) {  // not needed any more, or not and then again
    return {};
  }
  std::optional<policy::ChildList> list;
  if (answer) {
    subscription->second.failures_in_a_row = 0;
    turn->second.Succeeded(now, kChildrenInterval, random_);
    ForgetProblem(entry->first, task.kind);
    list = *std::move(answer);
  } else {
    const ArmError& error = answer.error();
    turn->second.Failed(now, error, random_);
    const milliseconds pause = IsHeldBack(error) ? milliseconds(0) : PauseAfter(++subscription->second.failures_in_a_row);
    subscription->second.next = std::max(subscription->second.next, now + std::max(pause, error.retry_after));
    const bool is_for_its_list = error.kind == Kind::kNotFound && turn->second.failures() < kNotFoundPatience;
    if (!IsHeldBack(error) && !is_for_its_list) {
      list = {.observed = asked, .resources = {}, .problem = error.ToString()};
      failing_[entry->first][task.kind] = list->problem;
    }
  }
  subscription->second.queue.insert({turn->second.due(), entry->first, turn->first});
  policy::Observations learned;
  if (list) {
    learned.children.push_back({task.login_server, task.resource_id, {{task.kind, *std::move(list)}}});
  }
  return learned;
}

void ChildSchedule::ForgetProblem(const std::string& id, const std::string& kind) {
  const auto failing = failing_.find(id);
  if (failing != failing_.end() && failing->second.erase(kind) > 0 && failing->second.empty()) {
    failing_.erase(failing);
  }
}

std::optional<std::string> ChildSchedule::problem() const {
  if (failing_.empty()) {
    return std::nullopt;
  }
  const auto& [id, problems] = *failing_.begin();
  const auto& [kind, problem] = *problems.begin();
  return kind + " of " + id + ": " + problem;
}

}  // namespace azure
