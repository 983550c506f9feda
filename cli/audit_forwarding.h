// Brings serve's committed records to PostgreSQL, on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <thread>

#include "audit/forwarder.h"
#include "audit/postgresql.h"
#include "audit/store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/time.h"
#include "base/wait.h"

namespace cli {

// Threads: Start, Finish and Stop from one; status from any.
class AuditForwarding {
 public:
  // A record is at PostgreSQL this much later than here, and somewhat more under load.
  static constexpr std::chrono::milliseconds kInterval{500};
  // After failures: about a second, then ever more seldom. Half of it is chance: the replicas of a fleet do not come back together.
  static constexpr std::chrono::milliseconds kFirstRetry{1'000};
  static constexpr std::chrono::milliseconds kLastRetry{30'000};
  // For what is left at the end: less than a stop may take.
  static constexpr std::chrono::milliseconds kFinishTime{1'200};

  // The store and the clock must outlive it. `finish_time`: from Finish to the end.
  AuditForwarding(audit::Store& store, audit::postgresql::Server server, audit::postgresql::Resolve resolve, const base::Clock& clock,
                  base::Log log, std::chrono::milliseconds finish_time = kFinishTime);
  ~AuditForwarding() { Stop(); }
  AuditForwarding(const AuditForwarding&) = delete;
  AuditForwarding& operator=(const AuditForwarding&) = delete;

  void Start();
  // Nothing is committed any more: sends what is left, once. Does not wait.
  void Finish() EXCLUDES(mutex_);
  // Waits for that, at most the finish time, and not at all without it. Idempotent.
  void Stop() EXCLUDES(mutex_);

  struct Status {
    std::uint64_t rows = 0;      // sent
    std::uint64_t refused = 0;   // that PostgreSQL will never take
    std::uint64_t failures = 0;  // attempts
    std::optional<base::Time> last_success;
    std::optional<std::string> problem;  // since the last success
  };
  Status status() const EXCLUDES(mutex_);

 private:
  void Run() EXCLUDES(mutex_);
  void Account(const base::Result<audit::Forwarder::Sent>& sent) EXCLUDES(mutex_);
  void LogLost();
  // What goes well or does not is logged when that changes.
  void LogChange(const char* what, std::optional<std::string>& logged, const std::optional<std::string>& problem);
  std::chrono::milliseconds NextRetry();

  audit::Store& store_;
  const base::Clock& clock_;
  const base::Log log_;
  const std::chrono::milliseconds finish_time_;
  base::Event stop_;

  // Of the thread.
  audit::Forwarder forwarder_;
  std::mt19937_64 random_{std::random_device()()};
  int failures_ = 0;  // since the last success
  std::int64_t lost_logged_ = 0;
  std::chrono::steady_clock::time_point lost_logged_at_;
  std::optional<std::string> problem_logged_, upkeep_logged_;

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::optional<std::chrono::steady_clock::time_point> finish_ GUARDED_BY(mutex_);  // by when
  bool ended_ GUARDED_BY(mutex_) = false;
  Status status_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace cli
