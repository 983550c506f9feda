// Tells the cluster's people what happened, as Events of events.k8s.io/v1: `kubectl describe` and `kubectl get events` show them
// with how often and since when.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/event_book.h"

namespace kube {

// Who tells.
struct Reporter {
  std::string controller;  // a qualified name: "acr-admission.io/webhook"
  std::string instance;    // the pod
};

// Safe for concurrent use.
class Events {
 public:
  // `api` and `clock` must outlive it.
  Events(Api& api, const base::Clock& clock, base::Log log, Reporter reporter);

  // Takes note of it, and that is all: nothing that happens to an Event reaches, delays or fails what it tells of.
  void Record(const Event& event) EXCLUDES(mutex_);

  // Writes what is due, on the thread that calls (base::Periodic, every second). Ends with the first failure, which is logged, and
  // then leaves the API server alone for kSeriesInterval, or longer if it asks for that.
  void Flush() EXCLUDES(mutex_);

  struct Counters {
    std::uint64_t recorded = 0;  // Record was called
    std::uint64_t dropped = 0;   // for want of room, or refused by the API server
    std::uint64_t written = 0;   // Events created or counted up
    std::uint64_t failed = 0;    // writes that failed, and will be tried again
  };
  Counters counters() const EXCLUDES(mutex_);

 private:
  struct Sent {
    EventBook::Outcome outcome;
    std::chrono::milliseconds retry_after;
  };
  Sent Send(const EventBook::Write& write);

  Api& api_;
  const base::Clock& clock_;
  const base::Log log_;
  const Reporter reporter_;
  mutable base::Mutex mutex_;
  EventBook book_ GUARDED_BY(mutex_);
  EventBook::Instant quiet_until_ GUARDED_BY(mutex_){};
  Counters counters_ GUARDED_BY(mutex_);
};

}  // namespace kube
