// What the scan of a large cluster costs, against a model of the API server that answers at once: how long after a registry turned it is
// in the metric and in Events, how much of a core that takes, and how many requests.
//
// 100,000 pods of 12,500 Deployments in 500 namespaces, from 10,000 registries, of which one then loses its customer-managed key.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "cli/cluster_scan.h"
#include "state/keeper.h"
#include "tests/cli/cluster_world.h"
#include "tests/cli/running_world.h"

namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr int kPods = 100'000;
constexpr int kPodsOfAWorkload = 8;
constexpr int kNamespaces = 500;
constexpr int kRegistries = 10'000;
constexpr int kLongest = 3'600;  // seconds that are waited for anything

double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

class World {
 public:
  World() {
    (void)keeper_.Start();
    config_.registry_compliances = true;
    config_.reports = true;
    policy::Observations learned;
    for (int i = 0; i < kRegistries; ++i) {
      learned.present.push_back(Registry(i, true));
    }
    learned.complete = true;
    keeper_.Offer(std::move(learned), nullptr);
    keeper_.Poll();
    for (int i = 0; i < kNamespaces; ++i) {
      world_.kubernetes.Put("/api/v1/namespaces/" + Space(i), {{"kind", "Namespace"}});
    }
    for (int workload = 0; workload < kPods / kPodsOfAWorkload; ++workload) {
      const std::string space = Space(workload);
      const std::string name = "service-" + std::to_string(workload);
      const json set = cli::PutReplicaSet(world_.kubernetes, space, name + "-7d9f8c6b5d",
                                          {{"kind", "Deployment"}, {"name", name}, {"uid", name}, {"controller", true}});
      for (int pod = 0; pod < kPodsOfAWorkload; ++pod) {
        cli::PutPod(world_.kubernetes, space, name + "-7d9f8c6b5d-" + std::to_string(pod),
                    "registry" + std::to_string(workload % kRegistries) + ".azurecr.io/team/" + name + ":1", set);
      }
    }
    cli::ClusterScan::World scanned;
    scanned.state = [this] { return keeper_.states().Current(); };
    scanned.identity = "replica";
    scanned.follow = [this]() -> base::Result<std::shared_ptr<cli::RunningFollower>> {
      auto follower = std::make_shared<cli::RunningFollower>(world_.cluster->api(), config_.excluded_namespaces, world_.clock, 7);
      follower_ = follower;
      return follower;
    };
    scan_ = std::make_unique<cli::ClusterScan>(*world_.cluster, config_, std::move(scanned), world_.clock, world_.Log());
  }

  void Turn(bool compliant) {
    policy::Observations learned;
    learned.present.push_back(Registry(0, compliant));
    keeper_.Offer(std::move(learned), nullptr);
    keeper_.Poll();
  }

  // Seconds, by the clock that the scan sees, until `done`.
  template <class Done>
  int Run(const Done& done) {
    for (int second = 0; second < kLongest; ++second) {
      if (done()) {
        return second;
      }
      world_.clock.Advance(seconds(1));
      if (const auto follower = follower_.lock()) {
        for (const auto what : {cli::RunningFollower::kPods, cli::RunningFollower::kReplicaSets, cli::RunningFollower::kJobs}) {
          follower->Step(what);
        }
      }
      scan_->Step();
      world_.cluster->Flush();
    }
    return -1;
  }

  bool Counts() const { return !scan_->Gauges().violations.empty(); }
  bool Tells() const { return Calls("create", "events") > 0; }
  // An object and its status for each registry, a report for each namespace.
  bool HasWrittenAll() const {
    return Calls("patch", "registrycompliances") >= 2U * kRegistries && Calls("patch", "reports") >= kNamespaces;
  }
  std::size_t Calls(const std::string& verb, const std::string& what = "") const {
    const auto calls = world_.kubernetes.calls();
    return static_cast<std::size_t>(std::ranges::count_if(
        calls, [&](const std::string& call) { return call.starts_with(verb) && call.find(what) != std::string::npos; }));
  }

 private:
  static std::string Space(int i) { return "team-" + std::to_string(i % kNamespaces); }

  policy::Registry Registry(int i, bool compliant) const {
    const std::string name = "registry" + std::to_string(i);
    const json without_key = {{"encryption", {{"status", "disabled"}}}};
    const json body = cli::CompliantRegistry(name, compliant ? json::object() : without_key);
    return {name + ".azurecr.io", name, body["id"], world_.clock.Now(), body.dump()};
  }

  cli::ClusterWorld world_;
  cli::ScanConfig config_;
  state::Keeper keeper_{state::KeeperOptions{"", "", ""}, world_.clock, world_.Log()};
  std::weak_ptr<cli::RunningFollower> follower_;
  std::unique_ptr<cli::ClusterScan> scan_;
};

void Drift(benchmark::State& state) {
  World world;
  for (auto _ : state) {
    state.counters["begin_s"] = world.Run([&] { return world.HasWrittenAll(); });
    state.counters["begin_lists"] = static_cast<double>(world.Calls("list"));
    state.counters["begin_writes"] = static_cast<double>(world.Calls("patch"));
    const std::size_t before = world.Calls("patch") + world.Calls("delete");
    world.Turn(false);
    const double cpu = CpuSeconds();
    state.counters["metric_s"] = world.Run([&] { return world.Counts(); });
    state.counters["metric_cpu_ms"] = 1e3 * (CpuSeconds() - cpu);
    state.counters["event_s"] = world.Run([&] { return world.Tells(); });
    int calm = 0;
    world.Run([&calm] { return ++calm > 30; });
    state.counters["turn_writes"] = static_cast<double>(world.Calls("patch") + world.Calls("delete") - before);
  }
}
BENCHMARK(Drift)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace

BENCHMARK_MAIN();
