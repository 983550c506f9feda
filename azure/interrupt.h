// Waits that the program's end cuts short.
#pragma once

#include <chrono>

#include "base/mutex.h"

namespace azure {

// Safe for concurrent use.
class Interrupt {
 public:
  // Waits that long. False, at once, when Set was called or is.
  bool Wait(std::chrono::milliseconds duration) EXCLUDES(mutex_);
  // Once and for all.
  void Set() EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  bool set_ GUARDED_BY(mutex_) = false;
};

}  // namespace azure
