#include "base/periodic.h"

#include <pthread.h>

#include <utility>

namespace base {

Periodic::Periodic(std::string thread_name, std::chrono::milliseconds interval, std::function<void()> work)
    : interval_(interval), work_(std::move(work)), thread_([this, name = std::move(thread_name)] { Run(name); }) {}

Periodic::~Periodic() { Stop(); }

void Periodic::Wake() {
  MutexLock lock(mutex_);
  wake_ = true;
  changed_.NotifyAll();
}

void Periodic::Stop() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Periodic::Run(const std::string& thread_name) {
  pthread_setname_np(pthread_self(), thread_name.c_str());
  while (true) {
    {
      MutexLock lock(mutex_);
      const auto next = std::chrono::steady_clock::now() + interval_;
      while (!stop_ && !wake_ && changed_.WaitUntil(mutex_, next)) {
      }
      if (stop_) {
        return;
      }
      wake_ = false;
    }
    work_();
  }
}

}  // namespace base
