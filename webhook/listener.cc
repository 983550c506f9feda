#include "webhook/listener.h"

#include <future>
#include <utility>

#include <boost/asio/post.hpp>

#include "webhook/address.h"
#include "webhook/connection.h"

namespace webhook {

namespace asio = boost::asio;
using asio::ip::tcp;

Listener::Listener(Shared& shared, const std::vector<std::unique_ptr<Worker>>& workers, tcp::acceptor acceptor)
    : shared_(shared), workers_(workers), acceptor_(std::move(acceptor)), backoff_(acceptor_.get_executor()) {}

void Listener::Start() {
  asio::post(acceptor_.get_executor(), [this] { AcceptNext(); });
}

void Listener::Close() {
  std::promise<void> closed;
  asio::post(acceptor_.get_executor(), [this, &closed] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    backoff_.cancel();
    closed.set_value();
  });
  closed.get_future().wait();
}

void Listener::AcceptNext() {
  if (!acceptor_.is_open()) {
    return;
  }
  Worker& worker = *workers_[next_];
  next_ = (next_ + 1) % workers_.size();
  acceptor_.async_accept(worker.context(), [this, &worker](const boost::system::error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) {
      return;
    }
    if (!error) {
      failing_ = false;
      Admit(worker, std::move(socket));
      return AcceptNext();
    }
    if (error == asio::error::connection_aborted) {  // by the client, while it waited
      return AcceptNext();
    }
    // Out of descriptors or of memory: none of it ends the server. The connection waits in the backlog.
    workers_.front()->metrics().Count(RefusedConnection::kAcceptError);
    if (!std::exchange(failing_, true)) {
      shared_.inputs.log(base::LogLevel::kError, "connections cannot be accepted: " + error.message() + "; trying on");
    }
    backoff_.expires_after(shared_.options.limits.accept_backoff);
    backoff_.async_wait([this](const boost::system::error_code&) { AcceptNext(); });
  });
}

void Listener::Admit(Worker& worker, tcp::socket socket) {
  std::string peer = PeerAddress(socket);
  auto connection = std::make_shared<Connection>(worker, std::move(socket), peer);
  const auto admitted = shared_.connections.Open(peer, [weak = std::weak_ptr(connection)] {
    if (const auto evicted = weak.lock()) {
      evicted->Evict();
    }
  });
  if (const auto* refusal = std::get_if<ConnectionTable::Refusal>(&admitted)) {
    workers_.front()->metrics().Count(*refusal == ConnectionTable::Refusal::kAddress ? RefusedConnection::kAddress
                                                                                     : RefusedConnection::kTotal);
    return;  // the socket closes
  }
  worker.Accept(std::move(connection), std::get<ConnectionTable::Ticket>(admitted));
}

}  // namespace webhook
