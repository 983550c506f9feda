// Which of several replicas writes: the one that holds a Lease, in the manner of client-go's leader election.
// https://kubernetes.io/docs/concepts/architecture/leases/
//
// Only this process's monotonic clock counts: how old a Lease is goes by when this replica saw it change, never by the time that is
// written in it. That holds while clocks run at the same rate, and not for a process that is stopped between its look at the clock and
// its write: a Lease limits who writes, it does not make writes safe. Every write has to be conditional on what was read, too.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "kube/api.h"

namespace kube {

struct LeadershipOptions {
  std::string namespace_name, lease;
  std::string identity;  // of this process and no other, not even of the same pod's one before
};

// client-go's own values: who has not renewed for kLeaseDuration is taken to be gone, who could not renew for kRenewDeadline stops
// writing. The difference is what clocks and answers may be off by.
inline constexpr std::chrono::seconds kLeaseDuration{15};
inline constexpr std::chrono::seconds kRenewDeadline{10};
inline constexpr std::chrono::seconds kRenewInterval{3};
inline constexpr std::chrono::milliseconds kLeaseCallDeadline{2'000};

// Tick and GiveUp from one thread, Leads too.
class Leadership {
 public:
  // `api` and `clock` must outlive it.
  Leadership(Api& api, LeadershipOptions options, const base::Clock& clock, base::Log log);

  // Renews the Lease, or takes it when nobody holds it or its holder has not renewed for as long as the holder said. To be called
  // every kRenewInterval. Blocks for at most two calls of the API server's.
  void Tick();
  // Leaves the Lease to whoever comes next, at once. For a stop.
  void GiveUp();

  // Whether this replica may write now.
  bool Leads() const;

  // Why it could not be told who leads, at the last Tick; nothing while all is well.
  const std::optional<std::string>& problem() const { return problem_; }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  void Look();
  void Make(Instant began);
  void Write(nlohmann::json lease, Instant began);
  void Note(const ApiError& error);

  Api& api_;
  const LeadershipOptions options_;
  const base::Clock& clock_;
  const base::Log log_;

  std::string seen_;             // the Lease's spec as it was read last, and
  Instant seen_at_{};            // since when it is that
  std::optional<Instant> held_;  // when the last renewal that succeeded was sent
  bool led_ = false;             // for the log
  std::optional<std::string> problem_;
};

}  // namespace kube
