// The serving certificate, by the configuration: from files that somebody else puts there, or made by the replicas themselves.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "base/periodic.h"
#include "base/snapshot.h"
#include "certs/file_identity.h"
#include "certs/managed_identity.h"
#include "cli/cluster.h"
#include "cli/identity_store.h"
#include "cli/readiness.h"
#include "cli/tls_config.h"
#include "webhook/metrics.h"

namespace cli {

// What mode managed does for this replica in this namespace.
certs::PlanSettings PlanSettingsOf(const ManagedTlsConfig& config, const std::string& replica, const std::string& namespace_name);

inline constexpr std::chrono::seconds kLookInterval{1};

class ServingIdentity {
 public:
  // `cluster` is there when `tls` is managed, and outlives it, as `clock` does.
  ServingIdentity(const TlsConfig& tls, Cluster* cluster, const base::Clock& clock, const base::Log& log);

  // Files must be there. Managed, it is tried once, for a few seconds: an API server that is away delays no start.
  base::Result<void> Load();
  const base::Snapshot<certs::Identity>& identities() const;

  void PollFiles();  // for the state thread
  void Start();      // the thread kube-identity, where certificates are managed: calls PollWhenDue every kLookInterval
  // Every certs::kPollInterval, and until this replica is ready each time: the API server may come a second after us.
  void PollWhenDue();

  // PEM of those whose leaves the replicas serve, of managed certificates alone. Any thread. An error while there are none yet.
  base::Result<std::string> Authorities() const;

  // From here on nothing is made or mended any more: what is deleted while this process ends is meant to be gone.
  void Settle() { settled_ = true; }
  // After the last handshake. Before Cluster::Stop, and gives up soon: nobody need wait for this replica to switch.
  void Leave();
  void Stop();  // after Cluster::Stop

  // Any thread.
  void Tell(Health& health) const;
  void Tell(webhook::Gauges& gauges) const;

 private:
  struct Managed {
    Managed(const ManagedTlsConfig& config, Cluster& cluster, const base::Clock& clock, const base::Log& log);

    ClusterIdentityStore store;
    ClusterTrustBundle trust;
    certs::ManagedIdentity identity;
  };
  void PollCluster();

  const base::Clock& clock_;
  std::unique_ptr<certs::FileIdentity> files_;  // one of the two
  std::unique_ptr<Managed> managed_;
  std::chrono::steady_clock::time_point polled_{};  // the last Poll's begin
  std::atomic<bool> settled_{false};
  std::atomic<bool> polling_{false};
  std::unique_ptr<base::Periodic> thread_;
};

}  // namespace cli
