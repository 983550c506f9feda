// Fresher facts for admissions that would else be denied: which registries are asked about, how often, and who waits for
// what. Pure: no threads, no clock but the times handed in.
//
// A registry that is known is asked about by one GET, which all who wait for it share. A host that no known registry answers
// to has no resource id to GET: such hosts wait for one look-up together, which finds the ids of those that exist. Denials
// are what an attacker can make: every number here is bounded, and what exceeds a bound is decided on what is known.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "azure/registry_reader.h"

namespace azure {

// A registry is not asked about again within this, whatever came of it. Verdicts so young are not confirmed at all.
inline constexpr std::chrono::seconds kConfirmInterval{5};
// GETs of one replica on behalf of admissions, in all: 20 a second, below the 25 by which Azure refills a subscription's
// allowance. Evenly, so that no second carries more.
inline constexpr std::chrono::milliseconds kConfirmSpacing{50};
// One look-up for all hosts that wait: Resource Graph gives an identity 15 queries in 5 s, for all replicas and clusters.
inline constexpr std::chrono::seconds kLookUpInterval{2};
// How long a host that nobody has is believed to be nobody's.
inline constexpr std::chrono::seconds kAbsentFor{30};
// Hosts that are waited for or being asked about. At 50 a second, what is behind these would not be asked in time to help anybody.
inline constexpr std::size_t kMaxHosts = 1000;
// Of one admission: a real one names one or two registries, and one alone must not fill the queue.
inline constexpr std::size_t kMaxHostsPerAdmission = 16;
// Hosts remembered as absent. Look-ups bring 50 a second at most: 1,500 within kAbsentFor.
inline constexpr std::size_t kMaxAbsent = 2000;

// For one thread at a time. `done` functions are never called here: they are handed out by TakeDone.
class Confirmations {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using Done = std::function<void()>;

  explicit Confirmations(Instant now);

  // A host about which fresher facts are wanted.
  struct Host {
    std::string login_server;
    std::string resource_id;  // "": no registry is known by that login server
  };
  // `done` is handed out when all of the hosts are settled, or will not be asked about. After `until` nobody waits any more.
  void Ask(const std::vector<Host>& hosts, Instant until, Done done, Instant now);

  struct Work {
    enum class Kind { kGet, kLookUp };
    Kind kind = Kind::kGet;
    std::vector<std::string> login_servers;  // one for kGet
    std::string resource_id;                 // kGet
  };
  // What to ask now. It runs until one of the On… is called with it. A GET is followed by others about the same registry, for its
  // children: `requests` in all, and their pace is that of requests.
  std::optional<Work> Take(Instant now, std::size_t requests = 1);
  // When Take may have something; Instant::max() when nobody waits for anything that does not run already.
  Instant NextDue() const;

  // The GET ended, well or not, and what it brought is in the facts.
  void OnGot(const Work& work);
  // Hosts that were found are asked about next; the others are taken for absent, unless somebody who might know them could
  // not be asked (`failure`): then the next admission asks again.
  void OnLookedUp(const Work& work, const std::vector<Discovered>& found, const std::optional<ArmError>& failure, Instant now);

  // Whose waiting is over. Call them without any lock.
  std::vector<Done> TakeDone();

  struct Counters {
    // Hosts about which admissions wanted fresher facts, each in one of these.
    std::uint64_t queued = 0;
    std::uint64_t joined = 0;   // waited for what was asked already
    std::uint64_t limited = 0;  // not asked about for one of the limits here
    std::uint64_t absent = 0;   // known to be absent

    std::uint64_t expired = 0;  // of those queued: nobody waited any more when their turn came
  };
  const Counters& counters() const { return counters_; }
  std::size_t waiting() const { return hosts_.size(); }

 private:
  // One admission that waits.
  struct Waiter {
    std::size_t open = 0;  // hosts that are not settled
    Instant until{};
    Done done;
  };
  struct Entry {
    std::string resource_id;  // "": not looked up yet
    bool is_new = false;      // no refresh would bring it: asked about even if nobody waits any more
    std::vector<std::shared_ptr<Waiter>> waiters;
  };

  bool IsLimited(const Host& host, Instant now);
  void Settle(const std::string& login_server);
  void RememberAbsent(const std::string& login_server, Instant until);
  void Forget(Instant now);
  std::optional<Work> TakeGet(Instant now, std::size_t requests);

  std::map<std::string, Entry> hosts_;
  std::deque<std::string> gets_;      // in the order in which they are asked; a subset of hosts_
  std::deque<std::string> look_ups_;  // the same
  std::map<std::string, Instant> asked_;
  std::deque<std::pair<Instant, std::string>> asked_order_;
  std::map<std::string, Instant> absent_;
  std::deque<std::pair<Instant, std::string>> absent_order_;
  bool looking_up_ = false;
  Instant next_look_up_;
  Instant next_get_;
  std::vector<Done> done_;
  Counters counters_;
};

}  // namespace azure
