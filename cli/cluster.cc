#include "cli/cluster.h"

#include <chrono>
#include <utility>

#include "base/secret_file.h"
#include "cli/environment.h"
#include "cli/machine.h"
#include "cli/version.h"
#include "kube/config.h"
#include "kube/kubeconfig.h"
#include "kube/network.h"

namespace cli {
namespace {

constexpr const char* kController = "acr-admission.io/webhook";
constexpr std::chrono::milliseconds kEventInterval{1000};

tl::unexpected<base::Error> OfSection(base::Error error) {
  error.message = "kubernetes: " + error.message;
  return tl::unexpected(std::move(error));
}

kube::ObjectReference PodOf(const base::Environment& environment, const std::string& namespace_name) {
  std::string name = environment("POD_NAME").value_or("");
  return {"v1", "Pod", namespace_name, name.empty() ? HostName() : std::move(name), environment("POD_UID").value_or("")};
}

}  // namespace

base::Result<std::unique_ptr<Cluster>> Cluster::Create(const KubernetesConfig& kubernetes, const base::Environment& environment,
                                                       const base::Clock& clock, base::Log log, const std::string& service_account) {
  using Client = std::unique_ptr<http::NetworkClient>;
  const bool in_cluster = kubernetes.kubeconfig.empty();
  base::Result<kube::Config> config =
      in_cluster ? kube::InClusterConfig(environment, service_account) : kube::LoadKubeconfig(kubernetes.kubeconfig, kubernetes.context);
  if (!config) {
    return OfSection(std::move(config.error()));
  }
  if (!config->token_file.empty()) {
    if (const auto token = base::ReadSecretFile(config->token_file); !token) {
      return OfSection(token.error());
    }
  }
  // A cluster's own address is not reached through the proxy that leads out of it, whatever NO_PROXY leaves out.
  const auto make_client = [config = *config, proxies = in_cluster ? http::ProxySettings() : ProxiesOf(environment), &clock] {
    return kube::MakeNetworkClient(config, std::string(kVersion), proxies, clock);
  };
  base::Result<Client> client = make_client();
  if (!client) {
    return OfSection(std::move(client.error()));
  }
  http::NetworkClient* const network = client->get();
  auto cluster = std::make_unique<Cluster>(*config, *std::move(client), environment, clock, std::move(log));
  cluster->network_ = network;
  cluster->connect_ = [make_client, config = *config, &clock]() -> base::Result<ApiConnection> {
    base::Result<Client> made = make_client();
    if (!made) {
      return OfSection(std::move(made.error()));
    }
    auto api = std::make_unique<kube::Api>(config, **made, clock);
    return ApiConnection{*std::move(made), std::move(api)};
  };
  return cluster;
}

Cluster::Cluster(const kube::Config& config, std::unique_ptr<http::Client> client, const base::Environment& environment,
                 const base::Clock& clock, base::Log log)
    : namespace_name_(config.namespace_name),
      pod_(PodOf(environment, namespace_name_)),
      client_(std::move(client)),
      api_(config, *client_, clock),
      token_(config, clock),
      events_(api_, clock, log, {kController, pod_.name}),
      others_(api_, clock, std::move(log), {kController, pod_.name}) {}

void Cluster::Tell(kube::Event::Type type, std::string reason, std::string action, std::string note) {
  events_.Record({pod_, type, std::move(reason), std::move(action), std::move(note)});
}

void Cluster::ExpectFailures(std::string_view what) {
  base::MutexLock lock(mutex_);
  failures_.emplace(what, 0);
}

void Cluster::CountFailure(std::string_view what) {
  base::MutexLock lock(mutex_);
  ++failures_.emplace(what, 0).first->second;
}

nlohmann::json Cluster::Labels() {
  // Only what the chart writes too. A managed-by of our own would be ours in the eyes of server-side apply: each helm upgrade after a
  // deletion failed with a conflict.
  return nlohmann::json::object({{"app.kubernetes.io/part-of", "acr-admission"}});
}

webhook::Gauges::Kubernetes Cluster::Gauges() const {
  const kube::Events::Counters own = events_.counters();
  const kube::Events::Counters others = others_.counters();
  webhook::Gauges::Kubernetes gauges;
  gauges.events = {
      {"written", own.written + others.written}, {"dropped", own.dropped + others.dropped}, {"failed", own.failed + others.failed}};
  gauges.failures = {{"events", own.failed + others.failed}};
  base::MutexLock lock(mutex_);
  for (const auto& [what, count] : failures_) {
    gauges.failures.push_back({what, count});
  }
  return gauges;
}

void Cluster::Flush() {
  events_.Flush();
  others_.Flush();
}

void Cluster::Start() {
  writer_ = std::make_unique<base::Periodic>("kube-events", kEventInterval, [this] { Flush(); });
}

void Cluster::Stop() {
  if (network_ != nullptr) {
    network_->Stop();
  }
  if (writer_) {
    writer_->Stop();
  }
}

}  // namespace cli
