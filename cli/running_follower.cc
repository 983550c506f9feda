#include "cli/running_follower.h"

#include <pthread.h>

#include <random>
#include <utility>

#include "base/text.h"
#include "kube/collection.h"

namespace cli {
namespace {

constexpr std::size_t kMaxShown = 1024;  // of what the API server says

}  // namespace

RunningFollower::RunningFollower(kube::Api& api, std::set<std::string> excluded_namespaces, const base::Clock& clock, std::uint64_t seed)
    : index_(std::move(excluded_namespaces)) {
  kube::Selection metadata;
  metadata.metadata_only = true;
  reflectors_[kPods] = std::make_unique<kube::Reflector>(api, kube::Pods(""), kube::Selection(), index_.Pods(), clock, seed);
  reflectors_[kReplicaSets] =
      std::make_unique<kube::Reflector>(api, kube::ReplicaSets(""), metadata, index_.Owners("ReplicaSet"), clock, seed + 1);
  reflectors_[kJobs] = std::make_unique<kube::Reflector>(api, kube::Jobs(""), metadata, index_.Owners("Job"), clock, seed + 2);
}

std::chrono::milliseconds RunningFollower::Step(What what) {
  kube::Reflector& reflector = *reflectors_[what];
  const std::chrono::milliseconds pause = reflector.Step();
  Standing standing{true, reflector.is_complete(), {}};
  // A version that is too old is the usual reason for a list.
  if (reflector.error() && reflector.error()->kind != kube::ApiError::Kind::kExpired) {
    standing.problem = base::Printable(reflector.error()->ToString(), kMaxShown);
  }
  base::MutexLock lock(mutex_);
  standings_[what] = std::move(standing);
  return pause;
}

bool RunningFollower::is_complete() const {
  base::MutexLock lock(mutex_);
  return standings_[kPods].complete && standings_[kReplicaSets].tried && standings_[kJobs].tried;
}

std::optional<std::string> RunningFollower::pods_problem() const {
  if (index_.is_full()) {
    return "more than " + std::to_string(scan::kMaxPods) + " pods run; the others are not looked at";
  }
  base::MutexLock lock(mutex_);
  return standings_[kPods].problem;
}

std::optional<std::string> RunningFollower::owners_problem() const {
  base::MutexLock lock(mutex_);
  return standings_[kReplicaSets].problem ? standings_[kReplicaSets].problem : standings_[kJobs].problem;
}

RunningThreads::RunningThreads(ApiConnection connection, std::set<std::string> excluded_namespaces, const base::Clock& clock)
    : connection_(std::move(connection)), follower_(*connection_.api, std::move(excluded_namespaces), clock, std::random_device()()) {
  threads_.emplace_back([this] { Run(RunningFollower::kPods, "scan-pods"); });
  threads_.emplace_back([this] { Run(RunningFollower::kReplicaSets, "scan-sets"); });
  threads_.emplace_back([this] { Run(RunningFollower::kJobs, "scan-jobs"); });
}

RunningThreads::~RunningThreads() {
  {
    base::MutexLock lock(mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  connection_.client->Stop();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void RunningThreads::Run(RunningFollower::What what, const char* name) {
  pthread_setname_np(pthread_self(), name);
  while (true) {
    const std::chrono::milliseconds pause = follower_.Step(what);
    base::MutexLock lock(mutex_);
    const auto next = std::chrono::steady_clock::now() + pause;
    while (!stop_ && changed_.WaitUntil(mutex_, next)) {
    }
    if (stop_) {
      return;
    }
  }
}

}  // namespace cli
