#include "webhook/server.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "webhook/address.h"
#include "webhook/health_server.h"
#include "webhook/listener.h"
#include "webhook/worker.h"

namespace webhook {
namespace {

class RunningServer final : public Server {
 public:
  RunningServer(const ServerOptions& options, ServerInputs inputs) : shared_(options, std::move(inputs)) {}
  ~RunningServer() override { Stop(std::chrono::milliseconds(0)); }

  base::Result<void> Start() {
    for (int i = 0; i < std::max(1, shared_.options.threads); ++i) {
      auto tls = TlsContext::Create(shared_.inputs.identities, shared_.options.client_ca_pem);
      if (!tls) {
        return tl::unexpected(tls.error());
      }
      workers_.push_back(std::make_unique<Worker>(shared_, std::move(*tls), shared_.inputs.metrics.AddShard()));
    }
    auto acceptor = Listen(workers_.front()->context(), shared_.options.address, "server.address");
    if (!acceptor) {
      return tl::unexpected(acceptor.error());
    }
    port_ = acceptor->local_endpoint().port();
    listener_ = std::make_unique<Listener>(shared_, workers_, std::move(*acceptor));

    auto health = HealthServer::Start(shared_.options.health_address, shared_.options.limits,
                                      {shared_.inputs.metrics, [this] { return NotReady(); }, [this] { return Notes(); }});
    if (!health) {
      return tl::unexpected(health.error());
    }
    health_ = std::move(*health);
    health_port_ = health_->port();

    listener_->Start();
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i]->Start("io-" + std::to_string(i));
    }
    running_ = true;
    return {};
  }

  std::uint16_t port() const override { return port_; }
  std::uint16_t health_port() const override { return health_port_; }
  void Drain() override { Stop(shared_.options.drain_delay); }

 private:
  void Stop(std::chrono::milliseconds delay) {
    if (std::exchange(running_, false)) {
      shared_.draining = true;
      std::this_thread::sleep_for(delay);  // while the endpoint is taken off the Service everywhere
      listener_->Close();
      for (const auto& worker : workers_) {
        worker->Stop();
      }
      for (const auto& worker : workers_) {
        worker->Join();
      }
    }
    health_.reset();
    listener_.reset();
    // In this order: an accept that was under way in the first worker's context holds a socket of another's.
    for (auto& worker : workers_) {
      worker.reset();
    }
    workers_.clear();
  }

  // Both on the health thread.
  std::string NotReady() const {
    if (shared_.draining) {
      return "the server is draining";
    }
    if (!shared_.inputs.states.Current()) {
      return "the policy is not loaded yet";
    }
    std::string reason = shared_.inputs.not_ready ? shared_.inputs.not_ready() : "";
    return reason.empty() && !shared_.inputs.identities.Current() ? "there is no serving certificate" : reason;
  }
  std::string Notes() const { return shared_.inputs.readiness_notes ? shared_.inputs.readiness_notes() : ""; }

  Shared shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<HealthServer> health_;
  std::uint16_t port_ = 0;
  std::uint16_t health_port_ = 0;
  bool running_ = false;
};

}  // namespace

base::Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, ServerInputs inputs) {
  auto server = std::make_unique<RunningServer>(options, std::move(inputs));
  if (auto started = server->Start(); !started) {
    return tl::unexpected(started.error());
  }
  return server;
}

}  // namespace webhook
