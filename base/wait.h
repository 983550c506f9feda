// Waiting for a descriptor with a deadline, such that it can be ended from another thread.
#pragma once

#include <atomic>
#include <chrono>
#include <string_view>

#include "base/result.h"

namespace base {

// Set once, never unset; every thread that waits for it wakes. Safe for concurrent use.
class Event {
 public:
  Event();  // where descriptors have run out, fd() is -1: who waits then fails at once, and does not hang
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void Set();
  bool IsSet() const { return set_; }
  int fd() const { return fd_; }  // readable when set

 private:
  const int fd_;
  std::atomic<bool> set_ = false;
};

// How long the steps of one request may take, all together.
struct Until {
  std::chrono::steady_clock::time_point deadline;
  const Event* stop;  // not null
};

// Blocks until `fd` has one of poll's `events` (or an error, which the next call on it tells). The error says what was being
// done (`doing`) when the time was over or `stop` was set. Also checks both when `fd` is ready at once.
Result<void> WaitFor(int fd, short events, const Until& until, std::string_view doing);

}  // namespace base
