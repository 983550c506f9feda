// When the children of which registry are read next, and what an answer means. Pure: no threads, no clock but the times handed in.
//
// Each registry and kind has a turn of its own; those of a subscription share a pace, since Azure counts reads for each
// subscription, and lists and confirmations draw on the same allowance. Nothing is kept while no kind is needed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "azure/arm_error.h"
#include "azure/back_off.h"
#include "base/time.h"
#include "policy/child_lists.h"
#include "policy/observations.h"

namespace azure {

// Children change as seldom as registries do, and before a denial they are read anyway: a tenth as often is a tenth of the cost.
inline constexpr std::chrono::milliseconds kChildrenInterval{600'000};
// Reads of children in one subscription go at most this often, 5 a second: of the 25 by which Azure refills a subscription's
// allowance, three replicas leave 10 to lists and confirmations. In all 10 a second, which is what one thread gets done.
inline constexpr std::chrono::milliseconds kChildrenSpacingInSubscription{200};
inline constexpr std::chrono::milliseconds kChildrenSpacing{100};
// A registry that is gone is first missed by its list, within a minute: until so many answers in a row, "not found" is no trouble.
inline constexpr int kNotFoundPatience = 7;

// One list to read.
struct ChildTask {
  std::string subscription;  // lower-case
  std::string login_server;
  std::string resource_id;
  std::string kind;
};

// For one thread at a time.
class ChildSchedule {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // The registries of a subscription, lower-case, by resource id, lower-case: those that are new are read first, those that are
  // missing are forgotten.
  struct Registry {
    std::string login_server;
    std::string resource_id;
    bool operator==(const Registry&) const = default;
  };
  using Registries = std::map<std::string, Registry>;

  // The same `seed` gives the same jitter.
  explicit ChildSchedule(std::uint64_t seed) : random_(seed) {}

  bool IsNeeded() const { return !kinds_.empty(); }
  // Which kinds are to be read from now on. Registries are told by Set alone.
  void Need(const std::set<std::string>& kinds, Instant now);
  void Set(const std::string& subscription, const Registries& registries, Instant now);
  void Forget(const std::string& subscription);

  // The next list that is due; it runs until its answer is handed in.
  std::optional<ChildTask> Take(Instant now);
  // When Take may have something; Instant::max() when all there is is running, or nothing is needed.
  Instant NextDue() const;

  // `asked` is when the question was sent. What is learned is a list, or why there is none.
  policy::Observations OnRead(const ChildTask& task, ArmResult<policy::ChildList> answer, base::Time asked, Instant now);

  std::size_t failing() const { return failing_.size(); }  // registries of which a list could not be read at the last try
  std::optional<std::string> problem() const;              // of one of them

 private:
  struct Entry {
    Registry registry;
    std::map<std::string, Turn> turns;  // by kind
  };
  // A turn that does not run, in the order in which they are due. The texts are keys of the maps that hold the turn.
  struct Place {
    Instant due{};
    std::string_view id, kind;
    auto operator<=>(const Place&) const = default;
  };
  struct Subscription {
    std::map<std::string, Entry> registries;  // by resource id, lower-case
    std::set<Place> queue;
    Instant next{};             // not before this
    int failures_in_a_row = 0;  // of whatever registry
    Instant Due() const { return queue.empty() ? Instant::max() : std::max(queue.begin()->due, next); }
  };
  using Registered = std::map<std::string, Entry>::iterator;

  void AddTurns(Subscription& subscription, Registered entry, Instant now);
  void DropTurns(Subscription& subscription, Registered entry, const std::set<std::string>& kept);
  void ForgetProblem(const std::string& id, const std::string& kind);

  std::mt19937_64 random_;
  std::set<std::string> kinds_;
  std::map<std::string, Subscription> subscriptions_;
  Instant next_{};
  std::map<std::string, std::map<std::string, std::string>> failing_;  // by resource id, lower-case, and kind: the problem
};

}  // namespace azure
