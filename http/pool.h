// Connections that wait for the next request to the same place. One is in the pool or with one thread, never both.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "http/connection.h"

namespace http {

// Idle ones. As many to one place as a room has threads that call Azure (refresh 4, confirm 4).
inline constexpr std::size_t kMaxIdlePerRoute = 8;
inline constexpr std::size_t kMaxIdle = 32;
// Longer than a refresh interval with its jitter (60 s), shorter than the 4 minutes after which Azure's load balancers and
// NAT gateways forget a silent connection without telling anybody.
inline constexpr std::chrono::seconds kMaxIdleTime = std::chrono::seconds(120);

// Safe for concurrent use.
class Pool {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // The one used last; null when there is none that still looks alive.
  std::unique_ptr<Connection> Take(const std::string& route, Instant now) EXCLUDES(mutex_);
  // Over the caps, the one that has been idle longest is closed.
  void Give(const std::string& route, std::unique_ptr<Connection> connection, Instant now) EXCLUDES(mutex_);

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    Instant since;
  };
  using Routes = std::map<std::string, std::vector<Idle>>;  // each oldest first, none empty

  void TakeExpired(Instant now, std::vector<Idle>& out) REQUIRES(mutex_);
  void TakeOldest(Routes::iterator route, std::vector<Idle>& out) REQUIRES(mutex_);

  base::Mutex mutex_;
  Routes routes_ GUARDED_BY(mutex_);
  std::size_t size_ GUARDED_BY(mutex_) = 0;
};

}  // namespace http
