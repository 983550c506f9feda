#include "webhook/worker.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include <pthread.h>

#include <boost/asio/post.hpp>

#include "webhook/connection.h"

namespace webhook {

namespace asio = boost::asio;

Shared::Shared(ServerOptions o, ServerInputs i)
    : options(std::move(o)),
      inputs(std::move(i)),
      most_body_bytes(options.memory_limit == 0 ? options.limits.body_bytes
                                                : std::min(options.limits.body_bytes, options.memory_limit / options.limits.body_share)),
      bodies(options.memory_limit / options.limits.bodies_share),
      connections(options.max_connections, std::max<std::size_t>(1, options.max_connections / options.limits.address_share)),
      audit_slots(options.limits.audit_requests) {}

void PrepareThread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.c_str());
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

Worker::Worker(Shared& shared, std::unique_ptr<TlsContext> tls, MetricsShard& metrics)
    : shared_(shared),
      work_(context_.get_executor()),
      timer_(context_),
      tls_(std::move(tls)),
      metrics_(metrics),
      handler_(HandlerOptions{shared.options.cluster, shared.options.replica, static_cast<bool>(shared.inputs.commit),
                              shared.options.record_allowed},
               shared.inputs.clock, shared.inputs.log, metrics),
      audit_(shared.inputs.commit, shared.inputs.lost, shared.options.refuse_without_audit, shared.inputs.clock, metrics),
      confirmations_(context_),
      queries_(context_),
      handshakes_(context_),
      late_(context_),
      state_(shared.inputs.states) {}

Worker::~Worker() {
  context_.stop();
  Join();
}

void Worker::Start(const std::string& thread_name) {
  Schedule();
  thread_ = std::thread([this, thread_name] {
    PrepareThread(thread_name);
    context_.run();
  });
}

void Worker::Join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Worker::Accept(std::shared_ptr<Connection> connection, ConnectionTable::Ticket ticket) {
  asio::post(context_, [this, connection = std::move(connection), ticket] {
    connections_.insert(connection);
    metrics_.connections_opened.Add();
    connection->Start(ticket);
  });
}

void Worker::Remove(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  metrics_.connections_closed.Add();
  if (stopping_ && connections_.empty()) {
    context_.stop();
  }
}

void Worker::AnswerWhenRecorded(const std::shared_ptr<Connection>& connection, Outcome outcome) {
  const bool first = audit_.Add(std::move(outcome), [connection](Outcome recorded) { connection->Answer(std::move(recorded)); });
  if (first) {
    asio::post(context_, [this] { audit_.Flush(); });  // behind everything that this turn has found ready
  }
}

void Worker::Stop() {
  asio::post(context_, [this] {
    stopping_ = true;
    stop_at_ = std::chrono::steady_clock::now() + limits().stop;
    const std::vector<std::shared_ptr<Connection>> connections(connections_.begin(), connections_.end());
    for (const auto& connection : connections) {
      connection->Stop();
    }
    confirmations_.EndAll();
    if (connections_.empty()) {
      context_.stop();
    }
  });
}

void Worker::Schedule() {
  timer_.expires_after(limits().tick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      Tick();
    }
  });
}

void Worker::Tick() {
  const auto now = std::chrono::steady_clock::now();
  if (stopping_ && now >= stop_at_) {
    context_.stop();
    return;
  }
  if (stopping_ && now >= stop_at_ - limits().stop + limits().stop_queries) {
    queries_.EndAll();
  }
  if (late_.empty()) {
    for (const auto& connection : connections_) {
      if (connection->deadline() <= now) {
        late_.Add([connection, now] {
          if (connection->deadline() <= now) {  // still
            connection->MissDeadline();
          }
        });
      }
    }
  }
  // An idle thread lets go of what was replaced meanwhile.
  state_.Get();
  tls_->Refresh();
  Schedule();
}

}  // namespace webhook
