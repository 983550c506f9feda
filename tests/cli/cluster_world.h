// A Cluster whose API server is a FakeKubernetes, without sockets, and the clock that both see.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/cluster.h"
#include "tests/cli/run.h"
#include "tests/kube/kube_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_kubernetes_client.h"

namespace cli {

struct ClusterWorld {
  std::unique_ptr<Cluster> MakeCluster(support::FakeKubernetesClient** made = nullptr) {
    auto owned = std::make_unique<support::FakeKubernetesClient>(kubernetes);
    if (made != nullptr) {
      *made = owned.get();
    }
    return std::make_unique<Cluster>(kube::FakeConfig(), std::move(owned), NoVariable, clock, Log());
  }
  base::Log Log() {
    return [this](base::LogLevel, std::string_view message) { log.emplace_back(message); };
  }
  std::uint64_t Failures(const std::string& what) const {
    for (const auto& failures : cluster->Gauges().failures) {
      if (failures.label == what) {
        return failures.count;
      }
    }
    return 0;
  }

  support::FakeClock clock;
  support::FakeKubernetes kubernetes;
  std::vector<std::string> log;
  support::FakeKubernetesClient* client = nullptr;
  std::unique_ptr<Cluster> cluster = MakeCluster(&client);
};

}  // namespace cli
