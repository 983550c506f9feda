#include "http/pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace http {

std::unique_ptr<Connection> Pool::Take(const std::string& route, Instant now) {
  for (;;) {
    std::vector<Idle> expired;  // closed after the lock
    std::unique_ptr<Connection> connection;
    {
      base::MutexLock lock(mutex_);
      TakeExpired(now, expired);
      const auto found = routes_.find(route);
      if (found == routes_.end()) {
        return nullptr;
      }
      connection = std::move(found->second.back().connection);
      found->second.pop_back();
      --size_;
      if (found->second.empty()) {
        routes_.erase(found);
      }
    }
    if (connection->IsIdle()) {
      return connection;
    }
  }
}

void Pool::Give(const std::string& route, std::unique_ptr<Connection> connection, Instant now) {
  std::vector<Idle> closed;  // after the lock
  base::MutexLock lock(mutex_);
  TakeExpired(now, closed);
  const auto [place, added] = routes_.try_emplace(route);
  place->second.push_back({std::move(connection), now});
  ++size_;
  if (place->second.size() > kMaxIdlePerRoute) {
    TakeOldest(place, closed);
  }
  if (size_ > kMaxIdle) {
    TakeOldest(std::min_element(routes_.begin(), routes_.end(),
                                [](const auto& a, const auto& b) { return a.second.front().since < b.second.front().since; }),
               closed);
  }
}

void Pool::TakeExpired(Instant now, std::vector<Idle>& out) {
  for (auto route = routes_.begin(); route != routes_.end();) {
    auto& idle = route->second;
    const auto fresh = std::find_if(idle.begin(), idle.end(), [&](const Idle& one) { return now - one.since <= kMaxIdleTime; });
    size_ -= static_cast<std::size_t>(fresh - idle.begin());
    std::move(idle.begin(), fresh, std::back_inserter(out));
    idle.erase(idle.begin(), fresh);
    route = idle.empty() ? routes_.erase(route) : std::next(route);
  }
}

void Pool::TakeOldest(Routes::iterator route, std::vector<Idle>& out) {
  out.push_back(std::move(route->second.front()));
  route->second.erase(route->second.begin());
  --size_;
  if (route->second.empty()) {
    routes_.erase(route);
  }
}

}  // namespace http
