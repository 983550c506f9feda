// What runs in the cluster, judged all the time by one of the replicas, and told of. Which one, a Lease says. Nothing that admits or
// refuses waits for it or rests on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/periodic.h"
#include "base/result.h"
#include "cli/cluster.h"
#include "cli/cluster_failures.h"
#include "cli/condition.h"
#include "cli/running_assessment.h"
#include "cli/running_follower.h"
#include "cli/scan_config.h"
#include "cli/scan_outputs.h"
#include "kube/leadership.h"
#include "state/state.h"
#include "webhook/metrics.h"

namespace cli {

inline constexpr std::chrono::milliseconds kScanInterval{1'000};
// What changes is judged at once, but no more often than this; and what does not change, since exemptions end and verdicts grow old.
inline constexpr std::chrono::seconds kScanSpacing{10};
inline constexpr std::chrono::hours kScanAgain{1};
// Series of the metric, beside those that stand for all other namespaces.
inline constexpr std::size_t kMaxViolationSeries = 300;

class ClusterScan {
 public:
  struct World {
    std::function<std::shared_ptr<const state::State>()> state;
    // Begins to follow what runs, until what is returned goes.
    std::function<base::Result<std::shared_ptr<RunningFollower>>()> follow;
    std::string identity;  // of this process and no other
  };

  // `cluster` and `clock` must outlive it.
  ClusterScan(Cluster& cluster, ScanConfig config, World world, const base::Clock& clock, base::Log log);
  ClusterScan(const ClusterScan&) = delete;
  ClusterScan& operator=(const ClusterScan&) = delete;

  // What the thread does each kScanInterval. Blocks for as long as the API server takes.
  void Step() EXCLUDES(mutex_);

  // The thread `scan`, from Start to Stop or destruction.
  void Start();
  // Any thread: the next step is the last, in which the Lease is left to another replica.
  void Finish() EXCLUDES(mutex_);
  // Waits until that was done, but not for long.
  void Settle() EXCLUDES(mutex_);
  void Stop();

  // Any thread.
  webhook::Gauges::Scan Gauges() const EXCLUDES(mutex_);
  bool leads() const EXCLUDES(mutex_);
  // Whether this replica is the one to tell what all of them see: it leads, or who does cannot be told. Better told twice than by nobody.
  bool tells() const EXCLUDES(mutex_);

 private:
  using Instant = std::chrono::steady_clock::time_point;

  // From when this replica leads until it does not any more.
  struct Term {
    std::shared_ptr<RunningFollower> follower;
    std::uint64_t version = 0;         // of the index that was judged last
    std::optional<Instant> judged_at;  // when that was
    RunningAssessment assessment;
    std::unique_ptr<ScanOutputs> outputs;
  };

  void Lead();
  void BeginTerm();
  void EndTerm() EXCLUDES(mutex_);
  bool IsDue(const state::State& state) const;
  void Judge(std::shared_ptr<const state::State> state) EXCLUDES(mutex_);
  // Of verdicts that turned since the assessment before this one.
  void TellOfDrift(const state::State& before);
  void Write() EXCLUDES(mutex_);
  void LeaveForGood() EXCLUDES(mutex_);

  Cluster& cluster_;
  const ScanConfig config_;
  const World world_;
  const base::Clock& clock_;
  const base::Log log_;

  // The thread's own.
  kube::Leadership leadership_;
  std::optional<Instant> ticked_at_;
  ScanWrites writes_;
  std::unique_ptr<Term> term_;  // null: it does not lead
  ClusterFailures lease_failures_, follow_failures_;
  Condition pods_{"what runs in the cluster cannot be followed"};
  Condition owners_{"ReplicaSets and Jobs cannot be followed, so the names of Deployments and CronJobs are guessed from theirs"};

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool finishing_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  bool lease_is_known_ GUARDED_BY(mutex_) = false;  // the last look at it succeeded
  webhook::Gauges::Scan gauges_ GUARDED_BY(mutex_);
  std::unique_ptr<base::Periodic> thread_;
};

}  // namespace cli
