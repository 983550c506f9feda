// The cluster that this runs in, put together by the configuration: the client of its API server, who and where we are in it, and the
// Events that tell its people what happened.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/environment.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/periodic.h"
#include "base/result.h"
#include "cli/kubernetes_config.h"
#include "http/network_client.h"
#include "kube/api.h"
#include "kube/bearer_token.h"
#include "kube/events.h"
#include "webhook/metrics.h"

namespace cli {

// Another connection to the API server, that can be ended by itself: every call on it that runs, or comes later, fails at once then.
// For watches, which take minutes.
struct ApiConnection {
  std::unique_ptr<http::NetworkClient> client;
  std::unique_ptr<kube::Api> api;
};

// Safe for concurrent use, but for Start and Stop.
class Cluster {
 public:
  // Opens no socket. An error says what of the service account or the kubeconfig is missing or wrong. `clock` must outlive it;
  // `service_account` is another folder in tests alone.
  static base::Result<std::unique_ptr<Cluster>> Create(const KubernetesConfig& kubernetes, const base::Environment& environment,
                                                       const base::Clock& clock, base::Log log,
                                                       const std::string& service_account = kube::kServiceAccountFolder);
  // With a client of one's own. `environment` says which pod this is: POD_NAME (else the host's name) and POD_UID.
  Cluster(const kube::Config& config, std::unique_ptr<http::Client> client, const base::Environment& environment, const base::Clock& clock,
          base::Log log);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  kube::Api& api() { return api_; }
  // Of one that Create made.
  base::Result<ApiConnection> Connect() const { return connect_(); }
  kube::BearerToken& token() { return token_; }                          // of requests that show others who we are
  const std::string& namespace_name() const { return namespace_name_; }  // ours
  const kube::ObjectReference& pod() const { return pod_; }

  // An Event about our own pod. Takes note of it, and that is all; what is told before Start is written then.
  void Tell(kube::Event::Type type, std::string reason, std::string action, std::string note);

  // One about what others made. Whatever it is and however many they are, it holds up nothing that is told of our own pod.
  void TellOfOthers(const kube::Event& event) { others_.Record(event); }

  // Something that was wanted of the API server failed: counted under `what`, a word that is fixed in the program. Who expects it
  // says so at the beginning: a series that is not there before it counts cannot be alerted on.
  void ExpectFailures(std::string_view what) EXCLUDES(mutex_);
  void CountFailure(std::string_view what) EXCLUDES(mutex_);

  // Of objects that we make.
  static nlohmann::json Labels();

  webhook::Gauges::Kubernetes Gauges() const EXCLUDES(mutex_);

  // Writes the Events that are due: what the thread does. Blocks.
  void Flush();
  // The thread that writes Events, from Start to Stop or destruction.
  void Start();
  // Ends it. Every call to the API server that runs, or comes later, fails at once.
  void Stop();

 private:
  const std::string namespace_name_;
  const kube::ObjectReference pod_;
  const std::unique_ptr<http::Client> client_;
  http::NetworkClient* network_ = nullptr;  // the same, where it is one
  std::function<base::Result<ApiConnection>()> connect_;
  kube::Api api_;
  kube::BearerToken token_;
  kube::Events events_;  // of our own pod
  kube::Events others_;
  mutable base::Mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> failures_ GUARDED_BY(mutex_);
  std::unique_ptr<base::Periodic> writer_;
};

}  // namespace cli
