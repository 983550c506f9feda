// The plain HTTP server for probes and metrics: GET /livez, /readyz, /metrics. On a thread of its own, so that it answers
// whatever the io threads do.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/result.h"
#include "webhook/limits.h"
#include "webhook/metrics.h"

namespace webhook {

struct HealthInputs {
  const Metrics& metrics;
  std::function<std::string()> not_ready;  // "" when ready, else why not, a line each
  std::function<std::string()> notes;      // what else /readyz says
};

class HealthServer {
 public:
  static base::Result<std::unique_ptr<HealthServer>> Start(const std::string& address, const Limits& limits, HealthInputs inputs);
  ~HealthServer();  // the thread has ended
  HealthServer(const HealthServer&) = delete;
  HealthServer& operator=(const HealthServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  class Session;

  HealthServer(const Limits& limits, HealthInputs inputs);
  void AcceptNext();
  void Admit(boost::asio::ip::tcp::socket socket);
  void TrimMemory();

  const Limits limits_;
  const HealthInputs inputs_;
  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer backoff_;
  boost::asio::steady_timer trim_;
  std::uint16_t port_ = 0;
  std::deque<std::weak_ptr<Session>> open_;  // oldest first
  std::uint64_t answers_before_ = 0;
  std::thread thread_;
};

}  // namespace webhook
