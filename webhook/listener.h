// Accepts connections and deals them to the workers, round robin.
#pragma once

#include <memory>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "webhook/worker.h"

namespace webhook {

// Runs on the first worker's thread, and must be closed before that ends.
class Listener {
 public:
  // REQUIRES: `acceptor` is of the first worker's context.
  Listener(Shared& shared, const std::vector<std::unique_ptr<Worker>>& workers, boost::asio::ip::tcp::acceptor acceptor);

  void Start();  // before or while the first worker runs
  // From any other thread: returns when nothing is accepted any more.
  void Close();

 private:
  void AcceptNext();
  void Admit(Worker& worker, boost::asio::ip::tcp::socket socket);

  Shared& shared_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer backoff_;
  std::size_t next_ = 0;
  bool failing_ = false;
};

}  // namespace webhook
