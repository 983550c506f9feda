// Answers the audit API's requests, on threads of its own: the permission is asked of the API server and the log is read there, which
// both take their time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/lru.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/token_bucket.h"
#include "webhook/audit_api.h"

namespace cli {

// One may wait for an API server that is away while the other answers.
inline constexpr std::size_t kQueryThreads = 2;
// Where queries of all replicas are answered, as many more, and no more of these queries at a time: who asks the others must not keep
// what the others ask waiting, or replicas that are asked at the same time would all wait for each other.
inline constexpr std::size_t kFleetQueries = 2;
// Requests that wait for a thread. The server has at most Limits::audit_requests under way; some more may wait for nobody any more.
inline constexpr std::size_t kMaxWaitingQueries = 16;
// Of one query, where a reader keeps deadlines: shorter than Limits::audit, less what a permission may take.
inline constexpr std::chrono::milliseconds kQueryDeadline{5000};

// Requests of one address: so many at once, then one every kPeerRefill. People behind `kubectl port-forward` share one.
inline constexpr int kPeerBurst = 100;
inline constexpr std::chrono::milliseconds kPeerRefill{20};
// Requests of one user, whatever the address.
inline constexpr int kUserBurst = 50;
inline constexpr std::chrono::milliseconds kUserRefill{100};
// Addresses and users whose requests are counted, each. Who was forgotten begins anew.
inline constexpr std::size_t kMaxCallers = 1000;

// Safe for concurrent use, but for Stop.
class AuditService {
 public:
  // Called once on each query thread, and again after an error of the reader. By `clock` deadlines are over at Stop.
  using OpenReader = std::function<base::Result<std::unique_ptr<audit::Reader>>(const base::Clock& clock)>;
  struct Sources {
    OpenReader replica;             // the log of this replica
    OpenReader cluster;             // what answers for all replicas; null: `replica` does
    std::string cluster_name = {};  // as webhook::AuditLogs has it
  };

  // `authorize` is called on the query threads, by several at a time; it and `clock` must outlive this.
  AuditService(Sources sources, webhook::Authorize authorize, const base::Clock& clock, base::Log log);
  ~AuditService();
  AuditService(const AuditService&) = delete;
  AuditService& operator=(const AuditService&) = delete;

  // As webhook::Query: does not block, and calls `done` at once when there is no room. Requests whose deadline is over when their turn
  // comes are dropped.
  void Ask(webhook::AuditRequest request, std::function<void(webhook::AuditAnswer)> done) EXCLUDES(mutex_);

  // Requests that wait are dropped. Returns when the threads have ended: what they ask the API server must have been interrupted. A second
  // call does nothing.
  void Stop() EXCLUDES(mutex_);

 private:
  struct Job {
    webhook::AuditRequest request;
    std::function<void(webhook::AuditAnswer)> done;
    bool of_all = false;  // other replicas are asked
  };

  // Time as it is, until there is none any more.
  class EndingClock final : public base::Clock {
   public:
    explicit EndingClock(const base::Clock& clock) : clock_(clock) {}
    base::Time Now() const override { return clock_.Now(); }
    std::chrono::steady_clock::time_point Monotonic() const override {
      return ended_ ? std::chrono::steady_clock::time_point::max() : clock_.Monotonic();
    }
    void End() { ended_ = true; }

   private:
    const base::Clock& clock_;
    std::atomic<bool> ended_{false};
  };

  // A bucket for each name, full for one that is new.
  class Rates {
   public:
    Rates(int burst, std::chrono::milliseconds refill) : fresh_(burst, refill) {}
    bool Take(const std::string& name, std::chrono::steady_clock::time_point now);

   private:
    const base::TokenBucket fresh_;
    base::Lru<base::TokenBucket> buckets_{kMaxCallers};
  };

  void Run() EXCLUDES(mutex_);
  bool AsksOthers(const webhook::AuditRequest& request) const;
  // The first that may be answered now; the end where there is none.
  std::deque<Job>::iterator NextJob() REQUIRES(mutex_);
  webhook::AuditAnswer AnswerOne(const webhook::AuditRequest& request, audit::Reader& replica, audit::Reader& cluster) EXCLUDES(mutex_);
  webhook::Authorization AuthorizeWithin(const webhook::AuditRequest& request, std::string_view verb, std::string_view namespace_name,
                                         bool& counted) EXCLUDES(mutex_);
  void LogUnknown(const std::string& reason) EXCLUDES(mutex_);

  const Sources sources_;
  const webhook::Authorize authorize_;
  EndingClock clock_;
  const base::Log log_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  std::size_t asking_others_ GUARDED_BY(mutex_) = 0;  // threads
  Rates peers_ GUARDED_BY(mutex_){kPeerBurst, kPeerRefill};
  Rates users_ GUARDED_BY(mutex_){kUserBurst, kUserRefill};
  base::TokenBucket complaints_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;  // last: they use all the others
};

}  // namespace cli
