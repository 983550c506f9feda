// What the process asks of the kernel before anything else, and how it is asked to stop.
#pragma once

#include <chrono>
#include <optional>
#include <thread>

#include "base/mutex.h"

namespace cli {

// Files that we make are ours alone; no core dump and no debugger gets at the serving key; as many descriptors as we may have.
void HardenProcess();

// SIGTERM and SIGINT wait until somebody takes them, in this thread and those that it starts. As PID 1 they would be
// dropped otherwise. UnblockStopSignals gives them their usual effect back.
void BlockStopSignals();
void UnblockStopSignals();

// Takes SIGTERM and SIGINT, which must have been blocked before any thread was started, on a thread of its own:
//   before Serving()   the process ends at once with 0: nothing was begun
//   then the first     WaitUntilAsked returns
//   the second         the process ends at once
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  void Serving() EXCLUDES(mutex_);
  void WaitUntilAsked() EXCLUDES(mutex_);

  // Ends the process when it is still there after `limit`: a stop never hangs on a consumer that does not read.
  void EndWithin(std::chrono::seconds limit) EXCLUDES(mutex_);

 private:
  void Run() EXCLUDES(mutex_);
  void Wake() const;
  int PollTimeout() EXCLUDES(mutex_);

  base::Mutex mutex_;
  base::CondVar changed_;
  bool serving_ GUARDED_BY(mutex_) = false;
  bool asked_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  std::optional<std::chrono::steady_clock::time_point> end_ GUARDED_BY(mutex_);
  int signals_;  // signalfd
  int wakes_;    // eventfd: something above changed
  std::thread thread_;
};

}  // namespace cli
