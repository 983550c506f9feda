// The saved inventory in a Secret, for the replicas that start when Azure is away and no file of their own is left, as after a cluster
// was stopped. docs/saved-inventory.md is the format.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cluster.h"
#include "cli/cluster_failures.h"
#include "kube/secrets.h"
#include "policy/registry.h"
#include "state/saved_inventory.h"
#include "state/state.h"

namespace cli {

// A replica writes no more often; up to kShareJitter more, so that replicas do not do it together.
inline constexpr std::chrono::minutes kShareInterval{10};
inline constexpr std::chrono::minutes kShareJitter{2};
inline constexpr std::chrono::minutes kShareRetry{1};  // after a failure
// What is held must be so much older than ours to be replaced; at the end of the process, when ours is about to be gone, less will do.
inline constexpr std::chrono::minutes kLeastGain{5};
inline constexpr std::chrono::minutes kLeastGainAtEnd{1};
// Of the data. A Secret takes 1 MiB, which is some thousands of registries.
inline constexpr std::size_t kMaxSharedBytes = std::size_t{900} << 10;

// For one thread at a time.
class SharedInventory {
 public:
  // All must outlive it. `seed`: of the jitter.
  SharedInventory(Cluster& cluster, std::string secret, const base::Clock& clock, base::Log log, std::uint64_t seed);

  // What is held, checked as a file is, within some seconds. Nothing when it is what was read last, when there is none, or when it
  // cannot be had or used; the latter is logged.
  std::optional<state::SavedInventory> Read();

  // Writes what is known if it is time to, and what is held is older. An inventory that is not whole, or empty, never replaces
  // another. To be called every second or so; blocks for some seconds at most.
  void Share(const state::State& current);
  // The same at the end of the process, whatever the time.
  void ShareNow(const state::State& current);

 private:
  enum class Outcome { kDone, kFailed };

  Outcome Write(const policy::Facts& facts, std::chrono::minutes least_gain);
  std::optional<kube::Secret> Compose(kube::Secret held, const policy::Facts& facts);
  std::string Which() const;

  Cluster& cluster_;
  const std::string name_;
  const base::Clock& clock_;
  const base::Log log_;
  ClusterFailures failures_, size_failures_;
  std::mt19937_64 random_;
  std::string read_version_;  // resourceVersion of what was read last
  std::optional<std::chrono::steady_clock::time_point> next_;
};

}  // namespace cli
