#include "cli/cluster_state.h"

#include <chrono>
#include <utility>

namespace cli {
namespace {

constexpr std::chrono::milliseconds kInterval{1000};

}  // namespace

ClusterState::ClusterState(Cluster& cluster, const KubernetesConfig& kubernetes, state::Keeper& keeper, const base::Clock& clock,
                           base::Log log)
    : cluster_(cluster), keeper_(keeper) {
  if (!kubernetes.policy_config_map.empty()) {
    last_good_.emplace(cluster, kubernetes.policy_config_map, clock, std::move(log));
  }
}

state::Beginnings ClusterState::Beginnings() {
  state::Beginnings beginnings;
  if (last_good_) {
    beginnings.last_good_policy = [this] { return last_good_->Read(); };
  }
  return beginnings;
}

void ClusterState::Start() {
  thread_ = std::make_unique<base::Periodic>("kube-state", kInterval, [this] { Run(); });
}

void ClusterState::Stop() {
  if (thread_) {
    thread_->Stop();
  }
}

void ClusterState::Run() {
  TellOfPolicy(keeper_.status());
  if (last_good_) {
    last_good_->Keep(keeper_.good_policy());
  }
}

void ClusterState::TellOfPolicy(const state::Status& status) {
  if (status.policy_problem == told_) {
    return;
  }
  told_ = status.policy_problem;
  if (told_) {
    cluster_.Tell(kube::Event::Type::kWarning, "PolicyRefused", status.policy_last_good ? "UseLastGoodPolicy" : "KeepPolicy",
                  (status.policy_last_good ? "the last good policy is in force: " : "the older policy stays in force: ") + *told_);
  } else {
    cluster_.Tell(kube::Event::Type::kNormal, "PolicyAccepted", "UsePolicy", "policy " + status.policy_digest + " is in force");
  }
}

}  // namespace cli
