// What the replicas of a cluster keep in it for each other, and what its people are told of the policy.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/periodic.h"
#include "cli/cluster.h"
#include "cli/kubernetes_config.h"
#include "cli/last_good_policy.h"
#include "cli/shared_inventory.h"
#include "state/keeper.h"

namespace cli {

// An inventory that was not shared with us at the start is asked for so often, until there is one.
inline constexpr std::chrono::seconds kReadAgain{3};

// Beginnings before Start, Run on the thread of Start alone; in tests whoever calls.
class ClusterState {
 public:
  // All must outlive it.
  ClusterState(Cluster& cluster, const KubernetesConfig& kubernetes, state::Keeper& keeper, const base::Clock& clock, base::Log log);

  // For the keeper's Start. Each waits for the API server for some seconds at most.
  state::Beginnings Beginnings();

  // The thread that calls Run every second, from Start to Stop or destruction. A call to the API server that runs is waited for:
  // Cluster::Stop ends it.
  void Start();
  void Stop();
  void Run();
  // The process is about to end: at the next Run, which is at once, what we know is shared with the replicas that stay or come.
  void Finish();

 private:
  void TellOfPolicy(const state::Status& status);
  void RunInventory(bool primed);

  Cluster& cluster_;
  state::Keeper& keeper_;
  const base::Clock& clock_;
  std::optional<LastGoodPolicy> last_good_;  // none: not configured
  std::optional<SharedInventory> shared_;    // none: not configured
  std::chrono::steady_clock::time_point read_{};
  std::atomic<bool> finishing_ = false;
  bool finished_ = false;
  std::optional<std::string> told_;  // the policy's problem that there was an Event about
  std::unique_ptr<base::Periodic> thread_;
};

}  // namespace cli
