// Keeps the inventory live: reads what is due, offers what it learned, and asks for fresher facts before a denial.
//
// All functions are safe for concurrent use. The reading functions block for as long as Azure takes, each call on a thing of
// its own: they are what the threads of live_threads.h run, and what a simulation calls by itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "azure/confirmations.h"
#include "azure/policy_states.h"
#include "azure/registry_reader.h"
#include "azure/schedule.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "policy/observations.h"
#include "policy/registry.h"

namespace azure {

// Of one discovery or one subscription's list, all pages: ten thousand registries take some seconds.
inline constexpr std::chrono::milliseconds kListDeadline{60'000};
// Of one registry, and of a look-up. Admissions wait for less; what comes later is there for their next try.
inline constexpr std::chrono::milliseconds kGetDeadline{5'000};
// Of one subscription's states of Azure Policy, all pages. Nobody waits for them.
inline constexpr std::chrono::milliseconds kStatesDeadline{120'000};
// They are read so often: Azure Policy evaluates a registry once in 24 hours, or some 15 minutes after it has changed.
inline constexpr std::chrono::milliseconds kStatesInterval{900'000};
// Of one list of children in the background, all its pages. Nobody waits for it.
inline constexpr std::chrono::milliseconds kChildrenDeadline{30'000};
// What was found to be gone is remembered for as long as an older answer may still be on its way.
inline constexpr std::chrono::minutes kGoneRemembered{10};
// The same problem is logged again after this.
inline constexpr std::chrono::minutes kProblemLogInterval{5};

class LiveInventory {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // One identity. The reader must outlive the inventory.
  struct Source {
    std::string name;  // for messages
    Scope scope;
    RegistryReader* reader = nullptr;
    StatesReader states{};  // null: Azure Policy's states are not read
  };

  struct Hooks {
    // Takes what was learned; `merged` (may be null) is to be called once when it is in the facts, never from within the call.
    // Must not block: it is called under a lock.
    std::function<void(policy::Observations learned, std::function<void()> merged)> offer;
    // What is known now. Never null.
    std::function<std::shared_ptr<const policy::Facts>()> facts;
    base::Log log;
    // Which kinds of children of registries are to be read now ("tokens"); asked before every reading, and cheap. Null: never any.
    std::function<std::set<std::string>()> needed_children{};
  };

  struct Options {
    ScheduleOptions schedule;
    std::vector<std::string> registry_suffixes;  // of the cloud: only hosts under these can be found in it
    std::uint64_t seed = 0;                      // of the jitter
  };

  // Begins with the subscriptions of what is known; what is known outside of every scope is offered as gone. `clock` must
  // outlive it.
  LiveInventory(Options options, const std::vector<Source>& sources, Hooks hooks, const base::Clock& clock);
  LiveInventory(const LiveInventory&) = delete;
  LiveInventory& operator=(const LiveInventory&) = delete;

  // Does one thing that is due, and returns true; false when nothing is.
  bool RefreshOnce() EXCLUDES(refresh_mutex_);
  bool ConfirmOnce() EXCLUDES(confirm_mutex_, refresh_mutex_);
  Instant NextRefresh() const EXCLUDES(refresh_mutex_);
  Instant NextConfirm() const EXCLUDES(confirm_mutex_);
  // The same for Azure Policy's states.
  bool ReadStatesOnce() EXCLUDES(refresh_mutex_);
  Instant NextStates() const EXCLUDES(refresh_mutex_);
  bool ReadsStates() const { return reads_states_; }
  // The same for the children of registries. What is needed may change at any time: ReadChildrenOnce notices it, NextChildren does not.
  bool ReadChildrenOnce() EXCLUDES(refresh_mutex_);
  Instant NextChildren() const EXCLUDES(refresh_mutex_);
  bool ReadsChildren() const { return hooks_.needed_children != nullptr; }

  // Asks about those registries; `done` is called once when what Azure says is in the facts, or when nothing more is to be
  // expected, at once or from a thread of this inventory's or of the facts' owner. After `until` nobody waits any more. Does
  // not block.
  void Freshen(const std::vector<std::string>& login_servers, Instant until, std::function<void()> done) EXCLUDES(confirm_mutex_);
  // Called after every Freshen that may have brought work for ConfirmOnce. Set before the first.
  void OnWork(std::function<void()> wake) { wake_ = std::move(wake); }

  // How often Azure was asked what ("discover", "list", "settle", "states", "children", "confirm", "look_up"), and what came of
  // it ("ok", "not_found", "forbidden", "throttled", "held_back", "unavailable", "rejected").
  using Reads = std::map<std::pair<std::string_view, std::string_view>, std::uint64_t>;

  struct Status {
    bool complete = false;  // everything has had its first answer
    std::size_t subscriptions = 0, failing = 0, suspected = 0, forbidden = 0, children_failing = 0;
    std::optional<std::string> problem;  // the most important one
    Confirmations::Counters confirmations;
    std::size_t waiting = 0;  // hosts that admissions wait for
    Reads reads;
  };
  Status status() const EXCLUDES(refresh_mutex_, confirm_mutex_);

 private:
  struct Identity {
    Source source;
    Schedule schedule;
    bool has_problem = false;
    Instant problem_logged{};  // while there is one
  };
  // Who asks, without the lock.
  struct Reader {
    std::size_t identity = 0;
    const Source* source = nullptr;  // never changes: needs no lock
  };
  struct Turn {
    Reader reader;
    Task task;
  };
  struct StatesTurn {
    std::size_t identity = 0;
    StatesReader read;
    std::string subscription;
  };

  struct ChildTurn {
    Reader reader;
    ChildTask task;
  };

  std::optional<StatesTurn> TakeStatesTurn() EXCLUDES(refresh_mutex_);
  std::set<std::string> NeededChildren() const { return hooks_.needed_children ? hooks_.needed_children() : std::set<std::string>(); }
  std::optional<ChildTurn> TakeChildTurn() EXCLUDES(refresh_mutex_);
  std::optional<Turn> TakeTurn() EXCLUDES(refresh_mutex_);
  // Ends an identity's turn: hands its answer to the schedule, and what that made of it on.
  template <class Answer, class Hand>
  void Finish(std::size_t index, std::string_view what, const Answer& answer, const Hand& hand) EXCLUDES(refresh_mutex_);
  void LogProblem(Identity& identity) REQUIRES(refresh_mutex_);
  // Answers overtake each other: a list that was asked before a registry was found to be gone must not bring it back.
  void RememberGone(const policy::Observations& learned) REQUIRES(refresh_mutex_);
  bool IsGoneSince(const policy::Registry& registry) const REQUIRES(refresh_mutex_);
  template <class T>
  void Count(std::string_view what, const ArmResult<T>& answer) REQUIRES(refresh_mutex_);

  void Confirm(const Confirmations::Work& work) EXCLUDES(confirm_mutex_, refresh_mutex_);
  // What Azure says of one registry now, with those of its children that are needed. Nothing: it could not tell.
  std::optional<policy::Observations> GetRegistry(const std::string& login_server, const std::string& resource_id) EXCLUDES(refresh_mutex_);
  // Reads them into it, as long as there is time.
  void AddChildren(const Reader& reader, policy::Registry& registry, Instant until) EXCLUDES(refresh_mutex_);
  void LookUp(const Confirmations::Work& work) EXCLUDES(confirm_mutex_, refresh_mutex_);
  Reader ReaderOf(std::size_t identity) const REQUIRES(refresh_mutex_);
  std::vector<Reader> Readers() const EXCLUDES(refresh_mutex_);
  // Of whoever reads that subscription.
  std::vector<Reader> Readers(const std::string& subscription) const EXCLUDES(refresh_mutex_);
  void End(const Confirmations::Work& work) EXCLUDES(confirm_mutex_);
  void CallDone() EXCLUDES(confirm_mutex_);
  bool IsInCloud(std::string_view login_server) const;

  const std::vector<std::string> registry_suffixes_;
  const bool reads_states_;
  const Hooks hooks_;
  const base::Clock& clock_;
  std::function<void()> wake_;

  mutable base::Mutex refresh_mutex_;
  std::vector<Identity> identities_ GUARDED_BY(refresh_mutex_);
  std::size_t next_identity_ GUARDED_BY(refresh_mutex_) = 0;          // whose turn it is to be looked at first
  std::set<std::string> needed_children_ GUARDED_BY(refresh_mutex_);  // that the schedules were told of
  bool told_complete_ GUARDED_BY(refresh_mutex_) = false;
  Reads reads_ GUARDED_BY(refresh_mutex_);
  // By login server and resource id, lower-case: when it was asked about.
  std::map<std::pair<std::string, std::string>, base::Time> gone_ GUARDED_BY(refresh_mutex_);

  mutable base::Mutex confirm_mutex_;
  Confirmations confirmations_ GUARDED_BY(confirm_mutex_);
};

}  // namespace azure
