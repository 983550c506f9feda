// The threads that keep a LiveInventory live.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "azure/live_inventory.h"
#include "base/mutex.h"

namespace azure {

// Azure answers in some 100 ms: four at a time read 300 subscriptions in some 10 s.
inline constexpr int kRefreshThreads = 4;
// Four confirmations at a time are 40 a second and more, twice what is allowed.
inline constexpr int kConfirmThreads = 4;

// Runs what is due, by the system's clock, until Stop or destruction.
class LiveThreads {
 public:
  // `inventory` must outlive it. `interrupt` makes its calls to Azure end soon; it is called once, by Stop.
  LiveThreads(LiveInventory& inventory, std::function<void()> interrupt);
  ~LiveThreads();
  LiveThreads(const LiveThreads&) = delete;
  LiveThreads& operator=(const LiveThreads&) = delete;

  // Returns when the threads have ended; a second call does nothing.
  void Stop() EXCLUDES(mutex_);

 private:
  using Instant = LiveInventory::Instant;

  void Run(const std::string& name, const std::function<bool()>& work, const std::function<Instant()>& next) EXCLUDES(mutex_);
  void Wake() EXCLUDES(mutex_);

  LiveInventory& inventory_;
  const std::function<void()> interrupt_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::uint64_t wakes_ GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;  // last: they use all the others
};

}  // namespace azure
