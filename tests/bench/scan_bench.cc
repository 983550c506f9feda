// What it costs to know what runs: the memory of 100,000 pods, the time to take them, and to decide all of them again.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "policy/decision.h"
#include "scan/assess.h"
#include "scan/index.h"

namespace {

constexpr int kPods = 100'000;
constexpr int kRegistries = 10'000;

enum class Cluster {
  kOrdinary,  // 12,500 workloads of 8 pods with three images each, in 500 namespaces
  kScattered  // each pod by itself, with two images that no other has
};

std::string Uid(int i) {
  std::string digits = std::to_string(i);
  return "6f1c2b1e-7a3d-4c55-9e21-" + std::string(12 - digits.size(), '0') + digits;
}

std::string Registry(int i) { return "registry" + std::to_string(i % kRegistries) + ".azurecr.io"; }

scan::Pod MakePod(Cluster cluster, int i) {
  const bool scattered = cluster == Cluster::kScattered;
  const int workload = scattered ? i : i / 8;
  scan::Pod pod;
  pod.uid = Uid(i);
  pod.namespace_name = "team-" + std::to_string(workload % 500);
  const std::string name = "service-" + std::to_string(workload);
  pod.name = name + "-7d9f8c6b5d-" + std::to_string(i % 100'000);
  if (!scattered) {
    pod.owner = {"ReplicaSet", name + "-7d9f8c6b5d", Uid(1'000'000 + workload)};
  }
  const auto add = [&](std::string image, std::string container) {
    const auto index = static_cast<std::uint32_t>(pod.images.size());
    pod.images.push_back({std::move(image), std::move(container), scan::ImageList::kContainers, index});
  };
  const std::string of_workload = Registry(workload) + "/team/" + name + ":2026.11.";
  add(of_workload + std::to_string(workload % 28), "app");
  if (scattered) {
    add(of_workload + "sidecar", "sidecar");
  } else {
    add("mcr.microsoft.com/oss/envoyproxy/envoy:v1.31.2", "envoy");
    add(Registry(0) + "/platform/agent:7", "agent");
  }
  return pod;
}

std::size_t BytesInUse() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;  // and what is mapped by itself: large arrays
}

// The memory that an index of them takes, and the time to fill it.
void Put(benchmark::State& state, Cluster cluster) {
  std::vector<scan::Pod> pods;
  pods.reserve(kPods);
  for (int i = 0; i < kPods; ++i) {
    pods.push_back(MakePod(cluster, i));
  }
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::size_t before = BytesInUse();
    scan::Index index;
    for (const scan::Pod& pod : pods) {
      index.Put(pod);
    }
    bytes = BytesInUse() - before;
    benchmark::DoNotOptimize(index.pods());
  }
  state.counters["MB"] = static_cast<double>(bytes) / 1e6;
  state.counters["bytes_a_pod"] = static_cast<double>(bytes) / kPods;
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kPods);
}
BENCHMARK_CAPTURE(Put, ordinary, Cluster::kOrdinary)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Put, scattered, Cluster::kScattered)->Unit(benchmark::kMillisecond);

// Every fourth registry has no private link.
policy::Facts MakeFacts() {
  policy::Facts facts;
  for (int i = 0; i < kRegistries; ++i) {
    auto known = std::make_shared<policy::RegistryFacts>();
    known->registry.login_server = Registry(i);
    for (const char* requirement : {"customer-managed-key", "private-link", "restricted-network"}) {
      policy::Finding finding;
      finding.requirement = requirement;
      finding.effect = policy::Effect::kDeny;
      finding.result =
          i % 4 == 0 && finding.requirement == "private-link" ? policy::FindingResult::kNonCompliant : policy::FindingResult::kCompliant;
      known->verdict.push_back(std::move(finding));
    }
    facts.Add(std::move(known));
  }
  return facts;
}

void Assess(benchmark::State& state, Cluster cluster) {
  scan::Index index;
  for (int i = 0; i < kPods; ++i) {
    index.Put(MakePod(cluster, i));
  }
  const policy::Facts facts = MakeFacts();
  policy::Policy policy;
  policy.stale_after = std::chrono::hours(24 * 365);
  const base::Time now{};
  std::int64_t refused = 0;
  for (auto _ : state) {
    refused = scan::Assess(index, policy, facts, now).of_workloads.refused;
  }
  state.counters["refused"] = static_cast<double>(refused);
}
BENCHMARK_CAPTURE(Assess, ordinary, Cluster::kOrdinary)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Assess, scattered, Cluster::kScattered)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
