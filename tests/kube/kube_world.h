// An Api that asks a FakeKubernetes, and the clock that both see.
#pragma once

#include <chrono>
#include <string>

#include "kube/api.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_kubernetes.h"
#include "tests/support/fake_kubernetes_client.h"

namespace kube {

inline constexpr std::chrono::milliseconds kDeadline = std::chrono::seconds(30);

inline Config FakeConfig(std::string token_file = "") {
  Config config;
  config.server = support::kFakeKubernetes;
  config.namespace_name = "acr";
  config.token_file = std::move(token_file);
  return config;
}

struct KubeWorld {
  explicit KubeWorld(const Config& config = FakeConfig()) : api(config, client, clock) {}

  support::FakeClock clock;
  support::FakeKubernetes kubernetes;
  support::FakeKubernetesClient client{kubernetes};
  Api api;
};

}  // namespace kube
