#include "azure/interrupt.h"

namespace azure {

bool Interrupt::Wait(std::chrono::milliseconds duration) {
  const auto until = std::chrono::steady_clock::now() + duration;
  base::MutexLock lock(mutex_);
  while (!set_ && changed_.WaitUntil(mutex_, until)) {
  }
  return !set_;
}

void Interrupt::Set() {
  base::MutexLock lock(mutex_);
  set_ = true;
  changed_.NotifyAll();
}

}  // namespace azure
