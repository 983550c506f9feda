// What it takes to ask all replicas of a cluster, put together by the configuration: their Service's name, whom to believe, and the
// token that says who we are.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "audit/reader.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/wait.h"
#include "cli/fleet_reader.h"
#include "cli/replica_clients.h"
#include "cli/replicas_config.h"
#include "http/resolver.h"
#include "kube/bearer_token.h"

namespace cli {

// Safe for concurrent use.
class Fleet {
 public:
  struct World {
    kube::BearerToken& token;
    // PEM of those whom the replicas' certificates are from, where they make them themselves; null: by `config.ca`.
    std::function<base::Result<std::string>()> authorities;
    const base::Clock& clock;
    http::Lookup lookup = http::LookUpSystem;
    MakeAddressClient make = nullptr;  // null: over the network
    std::chrono::milliseconds deadline = kFleetDeadline;
  };

  // What `world` refers to must outlive it. Asks nobody.
  Fleet(const ReplicasConfig& config, World world);

  // A reader of all logs. This must outlive it. By `clock` its deadlines are kept.
  std::unique_ptr<audit::Reader> OpenReader(OwnLog own, const base::Clock& clock);

  // Every question that is under way, or comes later, fails at once.
  void Stop();

 private:
  base::Result<std::vector<std::string>> Find(std::chrono::milliseconds deadline);
  base::Result<http::TlsSettings> Trust() const;

  const ReplicasConfig config_;
  const std::function<base::Result<std::string>()> authorities_;
  const std::chrono::milliseconds deadline_;
  http::Resolver resolver_;
  base::Event stop_;
  ReplicaClients clients_;
};

}  // namespace cli
