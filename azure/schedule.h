// What one identity reads of Azure next, and what each answer means. Pure: no threads, no clock but the times handed in.
//
// Discovery by Resource Graph only ever adds subscriptions: it may be hours behind, and leaves out without a sign what the
// identity may not read. A subscription that is known is listed every `refresh`. A registry that its list lacks is under
// suspicion, no more: a GET of its own settles whether it is gone.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "azure/arm_error.h"
#include "azure/back_off.h"
#include "azure/child_schedule.h"
#include "azure/registry_reader.h"
#include "base/time.h"
#include "policy/observations.h"

namespace azure {

// Whether Resource Graph has to be asked which subscriptions there are: not when the scope names them all.
bool NeedsDiscovery(const Scope& scope);

struct ScheduleOptions {
  std::chrono::milliseconds refresh{60'000};     // of each subscription
  std::chrono::milliseconds discovery{600'000};  // its own, slower one: its queries are few, and all who use the identity share them
  // Of Azure Policy's states of each subscription that was listed; none: they are not read.
  std::optional<std::chrono::milliseconds> states{};
  // Other identities read too: a subscription that a saved inventory brought, that this identity may not read and that its
  // discovery does not show, is one of theirs and no alarm.
  bool has_company = false;
};

// GETs of registries under suspicion go at most this often: a role that was narrowed may put thousands under it.
inline constexpr std::chrono::milliseconds kSettleSpacing{100};

// A registry as the facts have it.
struct KnownRegistry {
  std::string login_server;
  std::string resource_id;
  base::Time observed{};
};

// What a GET of a registry that was `known` brought. A registry that was deleted and made anew, with a domain name label or
// without, is the same resource with another login server: the one that it was known by is nobody's then, for anybody to take.
policy::Observations Found(const KnownRegistry& known, policy::Registry registry, base::Time asked);

// One thing to ask.
struct Task {
  enum class Kind { kDiscover, kList, kSettle };
  Kind kind = Kind::kDiscover;
  std::string subscription;  // kList, kSettle; lower-case
  KnownRegistry registry{};  // kSettle
};

// For one thread at a time.
class Schedule {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // The same `seed` gives the same jitter.
  Schedule(const Scope& scope, ScheduleOptions options, std::uint64_t seed, Instant now);

  // A subscription that holds registries, as a saved inventory or a look-up says. Nothing happens when it is known, or when
  // the scope names its subscriptions and this is none of them.
  void Learn(const std::string& subscription, Instant now);

  // The next task that is due; it runs until its answer is handed in. Discovery first, then lists, then suspicions.
  std::optional<Task> Take(Instant now);
  // When Take may have something; Instant::max() when all there is is running.
  Instant NextDue() const;

  // The answers. `known` is what the facts hold of that subscription; `asked` is when the question was sent.
  void OnDiscovered(const ArmResult<std::vector<Discovered>>& answer, Instant now);
  policy::Observations OnListed(const std::string& subscription, ArmResult<std::vector<policy::Registry>> answer,
                                const std::vector<KnownRegistry>& known, base::Time asked, Instant now);
  policy::Observations OnSettled(const Task& task, ArmResult<policy::Registry> answer, base::Time asked, Instant now);

  // The same for Azure Policy's states of a subscription, apart: no list of registries waits for them. They become due with
  // its first list.
  std::optional<std::string> TakeStates(Instant now);
  Instant NextStates() const;
  policy::Observations OnStates(const std::string& subscription, ArmResult<policy::SubscriptionStates> answer, Instant now);

  // The same for the children of registries, apart as well. Which kinds are read is told when that changes; `known` is all that the
  // facts hold then, since lists tell of registries only from then on.
  void NeedChildren(const std::set<std::string>& kinds, const std::vector<KnownRegistry>& known, Instant now);
  std::optional<ChildTask> TakeChildren(Instant now) { return children_.Take(now); }
  Instant NextChildren() const { return children_.NextDue(); }
  policy::Observations OnChildren(const ChildTask& task, ArmResult<policy::ChildList> answer, base::Time asked, Instant now) {
    return children_.OnRead(task, std::move(answer), asked, now);
  }

  // Whether a GET that ended in `error` means that the registry is gone. A subscription that is not found counts only when
  // this identity has read it: to an identity of another tenant all subscriptions of this one are "not found".
  bool MeansGone(const ArmError& error, const std::string& subscription) const;

  bool Knows(const std::string& subscription) const { return subscriptions_.contains(subscription); }

  // Whether everything has had its first answer: read, or refused for good.
  bool IsComplete() const;

  struct Status {
    std::size_t subscriptions = 0;
    std::size_t failing = 0;             // of them, whose last answer was an error
    std::size_t suspected = 0;           // registries that a list lacked, not settled yet
    std::size_t forbidden = 0;           // of them, that may not be read any more: kept at their true age
    std::size_t children_failing = 0;    // registries, children of which could not be read at the last try
    std::optional<std::string> problem;  // the most important one, with what to do
  };
  Status status() const;

 private:
  struct Subscription {
    Turn turn;
    bool was_read = false;  // at least once
    bool answered = false;  // read, or refused for good
    std::optional<ArmError> error;
    std::optional<Turn> states{};  // none: not to be read, or not yet
    std::optional<ArmError> states_error{};
  };
  struct Suspicion {
    KnownRegistry registry;
    std::string subscription;
    Turn turn;
    bool forbidden = false;
    std::string problem;
  };

  static Instant StatesDue(const Subscription& subscription) { return subscription.states ? subscription.states->due() : Instant::max(); }
  // It is none of this identity's any more, and what was suspected of it neither.
  void Forget(const std::string& subscription);
  // Those of `known` that `present` lacks, and that the list should have held.
  void Suspect(const std::string& subscription, const std::vector<KnownRegistry>& known, const ChildSchedule::Registries& present,
               base::Time asked, Instant now);
  // Whether this identity is known to be the one that reads it.
  bool IsOwn(const std::string& subscription) const { return named_.contains(subscription) || discovered_.contains(subscription); }

  const ScheduleOptions options_;
  const std::set<std::string> named_;  // subscriptions that the scope names, lower-case
  std::mt19937_64 random_;
  std::optional<Turn> discovery_;  // none: the scope names all subscriptions there are
  std::optional<ArmError> discovery_error_;
  bool has_discovered_ = false;
  std::set<std::string> discovered_;                   // by the last discovery
  std::map<std::string, Subscription> subscriptions_;  // by id, lower-case
  std::map<std::string, Suspicion> suspicions_;        // by resource id, lower-case
  Instant next_settle_;
  ChildSchedule children_;
};

}  // namespace azure
