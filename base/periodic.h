// A thread that does one thing now and then.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "base/mutex.h"

namespace base {

// Calls `work` every `interval` (and at once after Wake) on a thread of its own, until Stop or destruction. `work` is
// never called twice at a time and must not throw.
class Periodic {
 public:
  Periodic(std::string thread_name, std::chrono::milliseconds interval, std::function<void()> work);
  ~Periodic();
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

  void Wake() EXCLUDES(mutex_);
  void Stop() EXCLUDES(mutex_);  // returns when the thread has ended; idempotent

 private:
  void Run(const std::string& thread_name) EXCLUDES(mutex_);

  const std::chrono::milliseconds interval_;
  const std::function<void()> work_;
  Mutex mutex_;
  CondVar changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
  bool wake_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace base
