// What managed certificates need of the cluster: the Secret that the replicas share, and the caBundle of their webhook configuration.
#pragma once

#include <chrono>
#include <string>

#include "certs/identity_store.h"
#include "cli/cluster.h"
#include "cli/tls_config.h"
#include "kube/secrets.h"

namespace cli {

// For one thread at a time.
class ClusterIdentityStore final : public certs::IdentityStore {
 public:
  // `cluster` must outlive it.
  ClusterIdentityStore(Cluster& cluster, std::string secret);

  base::Result<Loaded> Load() override;
  base::Result<certs::Outcome> Swap(const std::optional<std::string>& version, const certs::Data& data) override;

  // Of every call from now on.
  void SetDeadline(std::chrono::milliseconds deadline) { deadline_ = deadline; }

 private:
  Cluster& cluster_;
  const std::string name_;
  std::chrono::milliseconds deadline_;
  kube::Secret read_;  // with the labels of the one that was read last
};

// PEM of those whose leaves the replicas serve, as their Secret says. Blocks for a few seconds at most.
base::Result<std::string> ReadAuthorities(Cluster& cluster, const std::string& secret);

// For one thread at a time.
class ClusterTrustBundle final : public certs::TrustBundle {
 public:
  // Of the entries that call `service` in our namespace. `cluster` must outlive it.
  ClusterTrustBundle(Cluster& cluster, std::string configuration, std::string service);

  base::Result<std::optional<certs::Configuration>> Read() override;
  base::Result<certs::Outcome> Write(const certs::Configuration& read, const std::string& pem) override;

 private:
  Cluster& cluster_;
  const std::string name_;
  const std::string service_;
};

}  // namespace cli
