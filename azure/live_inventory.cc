#include "azure/live_inventory.h"

#include <algorithm>
#include <set>
#include <utility>

#include "azure/resource_id.h"
#include "base/text.h"

namespace azure {
namespace {

using Kind = ArmError::Kind;

std::string_view NameOf(const ArmError& error) {
  switch (error.kind) {
    case Kind::kNotFound:
      return "not_found";
    case Kind::kForbidden:
      return "forbidden";
    case Kind::kThrottled:
      return error.status == 0 ? "held_back" : "throttled";
    case Kind::kUnavailable:
      return "unavailable";
    case Kind::kRejected:
      break;
  }
  return "rejected";
}

std::string SubscriptionOf(const std::string& resource_id) {
  const auto id = ParseRegistryId(resource_id);
  return id ? base::AsciiLower(id->subscription) : std::string();
}

KnownRegistry Known(const policy::Registry& registry) { return {registry.login_server, registry.resource_id, registry.observed}; }

std::vector<KnownRegistry> AllKnown(const policy::Facts& facts) {
  std::vector<KnownRegistry> known;
  known.reserve(facts.size());
  for (const auto& [login_server, registry] : facts) {
    known.push_back(Known(registry->registry));
  }
  return known;
}

std::vector<KnownRegistry> KnownIn(const policy::Facts& facts, const std::string& subscription) {
  std::vector<KnownRegistry> known;
  for (const auto& [login_server, registry] : facts) {
    if (policy::IsInSubscription(registry->registry, subscription)) {
      known.push_back(Known(registry->registry));
    }
  }
  return known;
}

}  // namespace

LiveInventory::LiveInventory(Options options, const std::vector<Source>& sources, Hooks hooks, const base::Clock& clock)
    : registry_suffixes_(std::move(options.registry_suffixes)),
      reads_states_(std::ranges::any_of(sources, [](const Source& source) { return source.states != nullptr; })),
      hooks_(std::move(hooks)),
      clock_(clock),
      confirmations_(clock.Monotonic()) {
  base::MutexLock lock(refresh_mutex_);
  const Instant now = clock.Monotonic();
  options.schedule.has_company = sources.size() > 1;
  for (const Source& source : sources) {
    options.schedule.states = source.states ? std::optional(kStatesInterval) : std::nullopt;
    identities_.push_back({source, Schedule(source.scope, options.schedule, options.seed + identities_.size(), now), false, {}});
  }
  policy::Observations outside;
  std::set<std::string> subscriptions;
  const std::shared_ptr<const policy::Facts> facts = hooks_.facts();
  for (const auto& [login_server, registry] : *facts) {
    const std::string subscription = SubscriptionOf(registry->registry.resource_id);
    if (!subscription.empty() && subscriptions.insert(subscription).second) {
      for (Identity& identity : identities_) {
        identity.schedule.Learn(subscription, now);
      }
    }
    if (std::ranges::none_of(identities_, [&](const Identity& identity) { return identity.schedule.Knows(subscription); })) {
      outside.gone.push_back({login_server, registry->registry.resource_id, clock.Now()});
    }
  }
  if (!outside.empty()) {
    hooks_.log(base::LogLevel::kWarning,
               std::to_string(outside.gone.size()) +
                   " registries of the saved inventory are in no scope of the configuration: they are unknown now");
    hooks_.offer(std::move(outside), {});
  }
}

std::optional<LiveInventory::Turn> LiveInventory::TakeTurn() {
  base::MutexLock lock(refresh_mutex_);
  const Instant now = clock_.Monotonic();
  for (std::size_t i = 0; i < identities_.size(); ++i) {
    const std::size_t index = (next_identity_ + i) % identities_.size();
    if (auto task = identities_[index].schedule.Take(now)) {
      next_identity_ = index + 1;
      return Turn{ReaderOf(index), std::move(*task)};
    }
  }
  return std::nullopt;
}

LiveInventory::Instant LiveInventory::NextRefresh() const {
  base::MutexLock lock(refresh_mutex_);
  Instant next = Instant::max();
  for (const Identity& identity : identities_) {
    next = std::min(next, identity.schedule.NextDue());
  }
  return next;
}

template <class T>
void LiveInventory::Count(std::string_view what, const ArmResult<T>& answer) {
  ++reads_[{what, answer ? "ok" : NameOf(answer.error())}];
}

template <class Answer, class Hand>
void LiveInventory::Finish(std::size_t index, std::string_view what, const Answer& answer, const Hand& hand) {
  base::MutexLock lock(refresh_mutex_);
  Identity& identity = identities_[index];
  Count(what, answer);
  policy::Observations learned = hand(identity.schedule, clock_.Monotonic());
  if (!told_complete_ && std::ranges::all_of(identities_, [](const Identity& each) { return each.schedule.IsComplete(); })) {
    told_complete_ = true;
    learned.complete = true;
  }
  LogProblem(identity);
  RememberGone(learned);
  std::erase_if(learned.present, [this](const policy::Registry& registry) REQUIRES(refresh_mutex_) { return IsGoneSince(registry); });
  if (!learned.empty()) {
    hooks_.offer(std::move(learned), {});  // under the lock: what is complete must not be told before what it consists of
  }
}

bool LiveInventory::RefreshOnce() {
  const std::optional<Turn> turn = TakeTurn();
  if (!turn) {
    return false;
  }
  RegistryReader& reader = *turn->reader.source->reader;
  const Task& task = turn->task;
  const base::Time asked = clock_.Now();
  switch (task.kind) {
    case Task::Kind::kDiscover: {
      const auto answer = reader.Discover(turn->reader.source->scope, kListDeadline);
      Finish(turn->reader.identity, "discover", answer, [&](Schedule& schedule, Instant now) {
        schedule.OnDiscovered(answer, now);
        return policy::Observations();
      });
      break;
    }
    case Task::Kind::kList: {
      auto answer = reader.List(task.subscription, kListDeadline);
      const std::vector<KnownRegistry> known = KnownIn(*hooks_.facts(), task.subscription);
      Finish(turn->reader.identity, "list", answer,
             [&](Schedule& schedule, Instant now) { return schedule.OnListed(task.subscription, std::move(answer), known, asked, now); });
      break;
    }
    case Task::Kind::kSettle: {
      auto answer = reader.Get(task.registry.resource_id, kGetDeadline);
      Finish(turn->reader.identity, "settle", answer,
             [&](Schedule& schedule, Instant now) { return schedule.OnSettled(task, std::move(answer), asked, now); });
      break;
    }
  }
  return true;
}

std::optional<LiveInventory::StatesTurn> LiveInventory::TakeStatesTurn() {
  base::MutexLock lock(refresh_mutex_);
  const auto next = std::ranges::min_element(identities_, {}, [](const Identity& identity) { return identity.schedule.NextStates(); });
  auto subscription = next == identities_.end() ? std::nullopt : next->schedule.TakeStates(clock_.Monotonic());
  if (!subscription) {
    return std::nullopt;
  }
  return StatesTurn{static_cast<std::size_t>(next - identities_.begin()), next->source.states, std::move(*subscription)};
}

LiveInventory::Instant LiveInventory::NextStates() const {
  base::MutexLock lock(refresh_mutex_);
  Instant next = Instant::max();
  for (const Identity& identity : identities_) {
    next = std::min(next, identity.schedule.NextStates());
  }
  return next;
}

bool LiveInventory::ReadStatesOnce() {
  const std::optional<StatesTurn> turn = TakeStatesTurn();
  if (!turn) {
    return false;
  }
  auto answer = turn->read(turn->subscription, kStatesDeadline);
  Finish(turn->identity, "states", answer,
         [&](Schedule& schedule, Instant now) { return schedule.OnStates(turn->subscription, std::move(answer), now); });
  return true;
}

std::optional<LiveInventory::ChildTurn> LiveInventory::TakeChildTurn() {
  std::set<std::string> needed = NeededChildren();
  base::MutexLock lock(refresh_mutex_);
  const Instant now = clock_.Monotonic();
  if (needed != needed_children_) {
    const std::vector<KnownRegistry> known = AllKnown(*hooks_.facts());
    for (Identity& identity : identities_) {
      identity.schedule.NeedChildren(needed, known, now);
    }
    needed_children_ = std::move(needed);
  }
  const auto next = std::ranges::min_element(identities_, {}, [](const Identity& identity) { return identity.schedule.NextChildren(); });
  auto task = next == identities_.end() ? std::nullopt : next->schedule.TakeChildren(now);
  if (!task) {
    return std::nullopt;
  }
  return ChildTurn{ReaderOf(static_cast<std::size_t>(next - identities_.begin())), *std::move(task)};
}

LiveInventory::Instant LiveInventory::NextChildren() const {
  base::MutexLock lock(refresh_mutex_);
  Instant next = Instant::max();
  for (const Identity& identity : identities_) {
    next = std::min(next, identity.schedule.NextChildren());
  }
  return next;
}

bool LiveInventory::ReadChildrenOnce() {
  const std::optional<ChildTurn> turn = TakeChildTurn();
  if (!turn) {
    return false;
  }
  const ChildTask& task = turn->task;
  const base::Time asked = clock_.Now();
  auto answer = turn->reader.source->reader->ListChildren(task.resource_id, task.kind, kChildrenDeadline);
  Finish(turn->reader.identity, "children", answer,
         [&](Schedule& schedule, Instant now) { return schedule.OnChildren(task, std::move(answer), asked, now); });
  return true;
}

void LiveInventory::RememberGone(const policy::Observations& learned) {
  const base::Time now = clock_.Now();
  std::erase_if(gone_, [now](const auto& gone) { return now - gone.second > kGoneRemembered || gone.second > now; });
  for (const policy::GoneRegistry& gone : learned.gone) {
    gone_[{gone.login_server, base::AsciiLower(gone.resource_id)}] = gone.asked;
  }
}

bool LiveInventory::IsGoneSince(const policy::Registry& registry) const {
  const auto gone = gone_.find({registry.login_server, base::AsciiLower(registry.resource_id)});
  return gone != gone_.end() && registry.observed <= gone->second;
}

// Once when it begins, now and then while it lasts, and when it is over: never at the rate of the tries.
void LiveInventory::LogProblem(Identity& identity) {
  const std::optional<std::string> problem = identity.schedule.status().problem;
  const Instant now = clock_.Monotonic();
  if (!problem) {
    if (std::exchange(identity.has_problem, false)) {
      hooks_.log(base::LogLevel::kInfo, identity.source.name + ": Azure is read again without errors");
    }
    return;
  }
  if (std::exchange(identity.has_problem, true) && now - identity.problem_logged < kProblemLogInterval) {
    return;
  }
  identity.problem_logged = now;
  hooks_.log(base::LogLevel::kError, identity.source.name + ": " + *problem);
}

bool LiveInventory::IsInCloud(std::string_view login_server) const {
  return std::ranges::any_of(registry_suffixes_, [=](const std::string& suffix) {
    return login_server.size() > suffix.size() && login_server.ends_with(suffix) &&
           login_server[login_server.size() - suffix.size() - 1] == '.';
  });
}

void LiveInventory::Freshen(const std::vector<std::string>& login_servers, Instant until, std::function<void()> done) {
  const std::shared_ptr<const policy::Facts> facts = hooks_.facts();
  std::vector<Confirmations::Host> hosts;
  for (const std::string& login_server : login_servers) {
    const policy::RegistryFacts* known = facts->Find(login_server);
    if (known != nullptr || IsInCloud(login_server)) {
      hosts.push_back({login_server, known == nullptr ? std::string() : known->registry.resource_id});
    }
  }
  {
    base::MutexLock lock(confirm_mutex_);
    confirmations_.Ask(hosts, until, std::move(done), clock_.Monotonic());
  }
  CallDone();
  if (wake_) {
    wake_();
  }
}

LiveInventory::Instant LiveInventory::NextConfirm() const {
  base::MutexLock lock(confirm_mutex_);
  return confirmations_.NextDue();
}

bool LiveInventory::ConfirmOnce() {
  const std::size_t requests = 1 + NeededChildren().size();  // of each GET
  std::optional<Confirmations::Work> work;
  {
    base::MutexLock lock(confirm_mutex_);
    work = confirmations_.Take(clock_.Monotonic(), requests);
  }
  CallDone();  // Take may have given up on some
  if (!work) {
    return false;
  }
  if (work->kind == Confirmations::Work::Kind::kGet) {
    Confirm(*work);
  } else {
    LookUp(*work);
  }
  return true;
}

void LiveInventory::Confirm(const Confirmations::Work& work) {
  std::optional<policy::Observations> learned = GetRegistry(work.login_servers.front(), work.resource_id);
  if (!learned) {
    End(work);
    return;
  }
  hooks_.offer(std::move(*learned), [this, work] { End(work); });
}

LiveInventory::Reader LiveInventory::ReaderOf(std::size_t identity) const { return {identity, &identities_[identity].source}; }

std::vector<LiveInventory::Reader> LiveInventory::Readers() const {
  base::MutexLock lock(refresh_mutex_);
  std::vector<Reader> readers;
  for (std::size_t i = 0; i < identities_.size(); ++i) {
    readers.push_back(ReaderOf(i));
  }
  return readers;
}

std::vector<LiveInventory::Reader> LiveInventory::Readers(const std::string& subscription) const {
  std::vector<Reader> readers = Readers();
  base::MutexLock lock(refresh_mutex_);
  std::erase_if(readers,
                [&](const Reader& reader) REQUIRES(refresh_mutex_) { return !identities_[reader.identity].schedule.Knows(subscription); });
  return readers;
}

std::optional<policy::Observations> LiveInventory::GetRegistry(const std::string& login_server, const std::string& resource_id) {
  const std::string subscription = SubscriptionOf(resource_id);
  for (const Reader& reader : Readers(subscription)) {
    const base::Time asked = clock_.Now();
    const Instant until = clock_.Monotonic() + kGetDeadline;
    ArmResult<policy::Registry> answer = reader.source->reader->Get(resource_id, kGetDeadline);
    if (answer) {
      AddChildren(reader, *answer, until);
    }
    base::MutexLock lock(refresh_mutex_);
    Count("confirm", answer);
    std::optional<policy::Observations> learned;
    if (answer) {
      learned = Found({login_server, resource_id}, std::move(*answer), asked);
    } else if (identities_[reader.identity].schedule.MeansGone(answer.error(), subscription)) {
      learned.emplace().gone.push_back({login_server, resource_id, asked});
    }
    if (learned) {
      RememberGone(*learned);
      return learned;
    }
  }
  return std::nullopt;
}

void LiveInventory::AddChildren(const Reader& reader, policy::Registry& registry, Instant until) {
  policy::ChildLists lists;
  for (const std::string& kind : NeededChildren()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock_.Monotonic());
    if (left.count() <= 0) {
      break;
    }
    const base::Time asked = clock_.Now();
    ArmResult<policy::ChildList> answer = reader.source->reader->ListChildren(registry.resource_id, kind, left);
    base::MutexLock lock(refresh_mutex_);
    Count("children", answer);
    // A problem is told as well: it replaces no list that is known, and says why there is none where none is.
    lists[kind] = answer ? *std::move(answer) : policy::ChildList{.observed = asked, .problem = answer.error().ToString()};
  }
  if (!lists.empty()) {
    registry.children = std::make_shared<const policy::ChildLists>(std::move(lists));
  }
}

void LiveInventory::LookUp(const Confirmations::Work& work) {
  std::vector<Discovered> found;
  std::optional<ArmError> failure;
  for (const Reader& reader : Readers()) {
    const auto answer = reader.source->reader->LookUp(work.login_servers, reader.source->scope, kGetDeadline);
    base::MutexLock lock(refresh_mutex_);
    Count("look_up", answer);
    if (!answer) {
      failure = answer.error();
      continue;
    }
    for (const Discovered& registry : *answer) {
      identities_[reader.identity].schedule.Learn(registry.subscription, clock_.Monotonic());
      found.push_back(registry);
    }
  }
  {
    base::MutexLock lock(confirm_mutex_);
    confirmations_.OnLookedUp(work, found, failure, clock_.Monotonic());
  }
  CallDone();
}

void LiveInventory::End(const Confirmations::Work& work) {
  {
    base::MutexLock lock(confirm_mutex_);
    confirmations_.OnGot(work);
  }
  CallDone();
}

void LiveInventory::CallDone() {
  std::vector<Confirmations::Done> done;
  {
    base::MutexLock lock(confirm_mutex_);
    done = confirmations_.TakeDone();
  }
  for (const Confirmations::Done& each : done) {
    each();
  }
}

LiveInventory::Status LiveInventory::status() const {
  Status status;
  {
    base::MutexLock lock(refresh_mutex_);
    status.complete = told_complete_;
    status.reads = reads_;
    for (const Identity& identity : identities_) {
      Schedule::Status one = identity.schedule.status();
      status.subscriptions += one.subscriptions;
      status.failing += one.failing;
      status.suspected += one.suspected;
      status.forbidden += one.forbidden;
      status.children_failing += one.children_failing;
      if (one.problem && !status.problem) {
        status.problem = identity.source.name + ": " + *one.problem;
      }
    }
  }
  base::MutexLock lock(confirm_mutex_);
  status.confirmations = confirmations_.counters();
  status.waiting = confirmations_.waiting();
  return status;
}

}  // namespace azure
