#include "azure/live_threads.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace azure {
namespace {

// What one thread's answer makes due for the others (a discovery finds subscriptions) is noticed within this.
constexpr std::chrono::milliseconds kLongestSleep{1000};

}  // namespace

LiveThreads::LiveThreads(LiveInventory& inventory, std::function<void()> interrupt)
    : inventory_(inventory), interrupt_(std::move(interrupt)) {
  inventory_.OnWork([this] { Wake(); });
  for (int i = 0; i < kRefreshThreads; ++i) {
    threads_.emplace_back(
        [this] { Run("azure", [this] { return inventory_.RefreshOnce(); }, [this] { return inventory_.NextRefresh(); }); });
  }
  for (int i = 0; i < kConfirmThreads; ++i) {
    threads_.emplace_back(
        [this] { Run("azure-confirm", [this] { return inventory_.ConfirmOnce(); }, [this] { return inventory_.NextConfirm(); }); });
  }
  if (inventory_.ReadsStates()) {  // one: nobody waits for them
    threads_.emplace_back(
        [this] { Run("azure-states", [this] { return inventory_.ReadStatesOnce(); }, [this] { return inventory_.NextStates(); }); });
  }
  if (inventory_.ReadsChildren()) {  // one, so that no list of registries waits for them; it sleeps while none are needed
    threads_.emplace_back(
        [this] { Run("azure-children", [this] { return inventory_.ReadChildrenOnce(); }, [this] { return inventory_.NextChildren(); }); });
  }
}

LiveThreads::~LiveThreads() { Stop(); }

void LiveThreads::Stop() {
  {
    base::MutexLock lock(mutex_);
    if (std::exchange(stop_, true)) {
      return;
    }
    changed_.NotifyAll();
  }
  interrupt_();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void LiveThreads::Wake() {
  base::MutexLock lock(mutex_);
  ++wakes_;
  changed_.NotifyAll();
}

void LiveThreads::Run(const std::string& name, const std::function<bool()>& work, const std::function<Instant()>& next) {
  pthread_setname_np(pthread_self(), name.c_str());
  std::uint64_t seen = 0;
  while (true) {
    {
      base::MutexLock lock(mutex_);
      if (stop_) {
        return;
      }
      seen = wakes_;
    }
    if (work()) {
      Wake();  // its answer may have made something due for the others
      continue;
    }
    const Instant until = std::min(next(), std::chrono::steady_clock::now() + kLongestSleep);
    base::MutexLock lock(mutex_);
    while (!stop_ && wakes_ == seen && changed_.WaitUntil(mutex_, until)) {
    }
  }
}

}  // namespace azure
