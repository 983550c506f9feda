// A mutex that clang's thread-safety analysis understands (std::mutex is no capability to it), and the annotations.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define ACR_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define ACR_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(x) ACR_THREAD_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY ACR_THREAD_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) ACR_THREAD_ANNOTATION(guarded_by(x))
#define REQUIRES(...) ACR_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) ACR_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) ACR_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define EXCLUDES(...) ACR_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS ACR_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace base {

class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  [[nodiscard]] explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits may wake without a reason: call them in a loop that tests the condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when the time was over.
  template <class Clock, class Duration>
  bool WaitUntil(Mutex& mutex, const std::chrono::time_point<Clock, Duration>& until) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = condition_.wait_until(lock, until) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace base
