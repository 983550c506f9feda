// An io thread: its loop, its connections, and what each of them needs of it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/mutex.h"
#include "webhook/audit_batch.h"
#include "webhook/audit_slots.h"
#include "webhook/body_budget.h"
#include "webhook/connection_table.h"
#include "webhook/handler.h"
#include "webhook/server.h"
#include "webhook/tls_context.h"
#include "webhook/turns.h"
#include "webhook/waits.h"

namespace webhook {

class Connection;

// The word that what can be learned is published.
struct FreshFacts {};

// What the threads of one server share. All of it is safe for concurrent use.
struct Shared {
  Shared(ServerOptions o, ServerInputs i);

  const ServerOptions options;
  const ServerInputs inputs;
  const std::size_t most_body_bytes;
  BodyBudget bodies;
  base::Mutex large_body;  // held while one is decided
  ConnectionTable connections;
  AuditSlots audit_slots;
  std::atomic<bool> draining{false};
};

// Everything but the constructor, Start, Accept, Stop and Join is for the worker's own thread.
class Worker {
 public:
  // A turn of the loop reads at most this at a time: one TLS record's content.
  static constexpr std::size_t kScratchBytes = 16 * 1024;

  Worker(Shared& shared, std::unique_ptr<TlsContext> tls, MetricsShard& metrics);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Start(const std::string& thread_name);
  // Any thread. The socket is of this worker's context; `ticket` came from Shared::connections.
  void Accept(std::shared_ptr<Connection> connection, ConnectionTable::Ticket ticket);
  // Any thread, once. Idle connections close, the others after their answer, new ones after Limits::first_request_at_stop or
  // their answer; denials that wait for fresher facts are decided
  // on what is known, and queries are waited for until Limits::stop_queries. What is left then closes after Limits::stop.
  void Stop();
  void Join();

  void Remove(const std::shared_ptr<Connection>& connection);
  // Answers the connection when the decision is recorded, at the end of this turn of the loop.
  void AnswerWhenRecorded(const std::shared_ptr<Connection>& connection, Outcome outcome);

  Shared& shared() { return shared_; }
  const Limits& limits() const { return shared_.options.limits; }
  boost::asio::io_context& context() { return context_; }
  TlsContext& tls() { return *tls_; }
  MetricsShard& metrics() { return metrics_; }
  Handler& handler() { return handler_; }
  Waits<FreshFacts>& confirmations() { return confirmations_; }
  Waits<AuditAnswer>& queries() { return queries_; }
  // A step is a fifth of a millisecond of a private key's work.
  Turns& handshakes() { return handshakes_; }
  std::array<char, kScratchBytes>& scratch() { return scratch_; }
  const std::shared_ptr<const state::State>& state() { return state_.Get(); }
  bool stopping() const { return stopping_; }

 private:
  void Tick();
  void Schedule();

  Shared& shared_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<TlsContext> tls_;
  MetricsShard& metrics_;
  Handler handler_;
  AuditBatch audit_;
  Waits<FreshFacts> confirmations_;
  Waits<AuditAnswer> queries_;
  Turns handshakes_;
  Turns late_;  // connections whose deadline is over
  base::Snapshot<state::State>::Reader state_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::array<char, kScratchBytes> scratch_;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point stop_at_{};
  std::thread thread_;
};

// For every thread of the server: named, and deaf to the signals that end a process, which are main's. SIGPIPE is nobody's:
// OpenSSL writes to sockets whose client may have gone.
void PrepareThread(const std::string& name);

}  // namespace webhook
