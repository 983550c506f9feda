// The last good policy, kept in a ConfigMap for a start that finds a bad one. docs/policy.md tells when it is used.
//
// What is kept is never replaced by an older policy. A replica cannot tell how old its files are: a ConfigMap volume of a pod that has
// just started is new, and may hold what another replica replaced two minutes ago. So a policy is written only once it has been in force
// for kSettle, by when every replica has it in its volume; from then on nobody writes an older one. Only where nothing is kept yet, it is
// written at once.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "cli/cluster.h"
#include "cli/cluster_failures.h"
#include "kube/config_maps.h"
#include "state/policy_texts.h"

namespace cli {

// Longer than ConfigMap volumes are behind (the kubelet's sync period and cache, two minutes at most).
inline constexpr std::chrono::minutes kSettle{3};
// Of the data. A ConfigMap takes 1 MiB.
inline constexpr std::size_t kMaxKeptBytes = std::size_t{900} << 10;
// For one that was deleted or emptied.
inline constexpr std::chrono::minutes kLookAgain{10};
inline constexpr std::chrono::seconds kKeepRetry{30};

// For one thread at a time.
class LastGoodPolicy {
 public:
  // All must outlive it.
  LastGoodPolicy(Cluster& cluster, std::string config_map, const base::Clock& clock, base::Log log);

  // What is kept, or why nothing is, within some seconds.
  base::Result<state::PolicyTexts> Read();

  // Keeps `good`, the policy in force, if it is time to. To be called every second or so; null: none that should be kept. Blocks for
  // some seconds at most. Another object is another time of coming into force.
  void Keep(const std::shared_ptr<const state::PolicyTexts>& good);

 private:
  bool TooLarge();
  // True when what is held is as it should be, as far as we may decide that.
  bool Write(bool settled);
  bool Failed(const kube::ApiError& error);  // false

  Cluster& cluster_;
  const std::string name_;
  const base::Clock& clock_;
  const base::Log log_;
  ClusterFailures failures_;
  std::shared_ptr<const state::PolicyTexts> good_;
  std::chrono::steady_clock::time_point since_{};  // when it came into force, as far as we know
  bool done_ = false;                              // it had its turn of replacing another
  std::optional<std::chrono::steady_clock::time_point> next_;
};

}  // namespace cli
