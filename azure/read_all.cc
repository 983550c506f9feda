#include "azure/read_all.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "azure/attempts.h"
#include "azure/live_threads.h"
#include "base/mutex.h"
#include "base/text.h"

namespace azure {
namespace {

// One subscription, and who reads it.
struct Job {
  const LiveInventory::Source* source = nullptr;
  std::string subscription;
};

// What the threads of one reading share.
class Reading {
 public:
  explicit Reading(const std::function<void(const ReadProgress&)>& progress) : progress_(progress) {}

  void AddJobs(const LiveInventory::Source& source, const std::set<std::string>& subscriptions) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    for (const std::string& subscription : subscriptions) {
      jobs_.push_back({&source, subscription});
    }
    progress_count_.subscriptions = jobs_.size();
    progress_(progress_count_);
  }
  // The next one that nobody has; null when there is none.
  const Job* Take() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return next_ < jobs_.size() ? &jobs_[next_++] : nullptr;
  }
  void Fail(const std::string& whose, const ArmError& error) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    problems_.push_back(whose + ": " + error.ToString());
  }
  void Finish(const Job& job, ArmResult<std::vector<policy::Registry>> answer) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    ++progress_count_.read;
    if (answer) {
      for (policy::Registry& registry : *answer) {
        policy::Registry& known = registries_[registry.login_server];
        if (known.observed <= registry.observed) {
          known = std::move(registry);
        }
      }
    } else {
      problems_.push_back(job.source->name + ", subscription " + job.subscription + ": " + answer.error().ToString());
    }
    progress_count_.registries = registries_.size();
    progress_(progress_count_);
  }
  void CountChildren() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    ++progress_count_.children;
    progress_(progress_count_);
  }
  void Finish(const Job& job, ArmResult<policy::SubscriptionStates> answer) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (answer) {
      states_.push_back(std::move(*answer));
    } else {
      problems_.push_back(job.source->name + ", Azure Policy's states of subscription " + job.subscription + ": " +
                          answer.error().ToString());
    }
  }
  Everything TakeAll() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    Everything everything;
    everything.subscriptions = jobs_.size();
    everything.problems = std::move(problems_);
    std::ranges::sort(everything.problems);
    everything.states = std::move(states_);
    for (auto& [login_server, registry] : registries_) {
      everything.registries.push_back(std::move(registry));
    }
    return everything;
  }

 private:
  const std::function<void(const ReadProgress&)>& progress_;
  base::Mutex mutex_;
  std::vector<Job> jobs_ GUARDED_BY(mutex_);  // complete before the first is taken
  std::size_t next_ GUARDED_BY(mutex_) = 0;
  ReadProgress progress_count_ GUARDED_BY(mutex_);
  std::map<std::string, policy::Registry> registries_ GUARDED_BY(mutex_);
  std::vector<policy::SubscriptionStates> states_ GUARDED_BY(mutex_);
  std::vector<std::string> problems_ GUARDED_BY(mutex_);
};

std::set<std::string> FindSubscriptions(const LiveInventory::Source& source, const Wait& wait, Reading& reading) {
  std::set<std::string> subscriptions;
  for (const std::string& named : source.scope.subscriptions) {
    subscriptions.insert(base::AsciiLower(named));
  }
  if (NeedsDiscovery(source.scope)) {
    const auto found = WithAttempts(wait, [&] { return source.reader->Discover(source.scope, kListDeadline); });
    if (!found) {
      reading.Fail(source.name + ", discovery of subscriptions", found.error());
      return subscriptions;
    }
    for (const Discovered& registry : *found) {
      subscriptions.insert(registry.subscription);
    }
  }
  return subscriptions;
}

// One after the other: a subscription's allowance is read by one thread alone.
void ReadChildren(const LiveInventory::Source& source, const std::set<std::string>& kinds, const Wait& wait,
                  std::vector<policy::Registry>& registries, Reading& reading) {
  int failures_in_a_row = 0;
  const auto ask = [&](const std::string& resource_id, const std::string& kind) -> ArmResult<policy::ChildList> {
    if (failures_in_a_row == kMaxChildFailuresInARow) {
      return Unavailable("not asked for, since the " + std::to_string(kMaxChildFailuresInARow) + " lists before could not be read");
    }
    return WithAttempts(wait, [&] { return source.reader->ListChildren(resource_id, kind, kChildrenDeadline); });
  };
  for (policy::Registry& registry : registries) {
    policy::ChildLists lists;
    for (const std::string& kind : kinds) {
      auto list = ask(registry.resource_id, kind);
      failures_in_a_row = list ? 0 : std::min(failures_in_a_row + 1, kMaxChildFailuresInARow);
      reading.CountChildren();
      if (!list) {
        reading.Fail(source.name + ", the " + kind + " of " + registry.login_server, list.error());
      }
      lists.emplace(kind, list ? *std::move(list) : policy::ChildList{registry.observed, {}, list.error().ToString()});
    }
    if (!lists.empty()) {
      registry.children = std::make_shared<const policy::ChildLists>(std::move(lists));
    }
  }
}

}  // namespace

Everything ReadAll(const std::vector<LiveInventory::Source>& sources, const std::set<std::string>& children, const Wait& wait,
                   const std::function<void(const ReadProgress&)>& progress) {
  Reading reading(progress);
  for (const LiveInventory::Source& source : sources) {
    reading.AddJobs(source, FindSubscriptions(source, wait, reading));
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kRefreshThreads; ++i) {
    threads.emplace_back([&] {
      while (const Job* job = reading.Take()) {
        const LiveInventory::Source& source = *job->source;
        auto listed = WithAttempts(wait, [&] { return source.reader->List(job->subscription, kListDeadline); });
        if (listed) {
          ReadChildren(source, children, wait, *listed, reading);
        }
        if (listed && source.states) {
          reading.Finish(*job, WithAttempts(wait, [&] { return source.states(job->subscription, kStatesDeadline); }));
        }
        reading.Finish(*job, std::move(listed));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return reading.TakeAll();
}

}  // namespace azure
