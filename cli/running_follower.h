// Follows what runs: pods, and of ReplicaSets and Jobs the metadata, which tell whose pods are. Each by a reflector of its own.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "cli/cluster.h"
#include "cli/running_index.h"
#include "kube/api.h"
#include "kube/reflector.h"

namespace cli {

class RunningFollower {
 public:
  // What is followed. The owners add names: without them they are guessed, as scan::ResolveWorkload does.
  enum What : std::size_t { kPods, kReplicaSets, kJobs };
  static constexpr std::size_t kKinds = 3;

  // `api` and `clock` must outlive it.
  RunningFollower(kube::Api& api, std::set<std::string> excluded_namespaces, const base::Clock& clock, std::uint64_t seed);
  RunningFollower(const RunningFollower&) = delete;
  RunningFollower& operator=(const RunningFollower&) = delete;

  // One list or one watch, as kube::Reflector::Step: of each kind by one thread.
  std::chrono::milliseconds Step(What what) EXCLUDES(mutex_);

  // Any thread.
  const RunningIndex& index() const { return index_; }
  // Whether all pods were listed once, and the owners too, or that failed.
  bool is_complete() const EXCLUDES(mutex_);
  // Why the index may not be what runs, by the last steps; nothing while all is well.
  std::optional<std::string> pods_problem() const EXCLUDES(mutex_);
  std::optional<std::string> owners_problem() const EXCLUDES(mutex_);

 private:
  struct Standing {
    bool tried = false, complete = false;
    std::optional<std::string> problem;
  };

  RunningIndex index_;
  std::array<std::unique_ptr<kube::Reflector>, kKinds> reflectors_;
  mutable base::Mutex mutex_;
  std::array<Standing, kKinds> standings_ GUARDED_BY(mutex_);
};

// A follower with its connection and a thread for each kind, which end with it.
class RunningThreads {
 public:
  // `clock` must outlive it.
  RunningThreads(ApiConnection connection, std::set<std::string> excluded_namespaces, const base::Clock& clock);
  ~RunningThreads();
  RunningThreads(const RunningThreads&) = delete;
  RunningThreads& operator=(const RunningThreads&) = delete;

  RunningFollower& follower() { return follower_; }

 private:
  void Run(RunningFollower::What what, const char* name) EXCLUDES(mutex_);

  const ApiConnection connection_;
  RunningFollower follower_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // last: they start when everything else is there
};

}  // namespace cli
