#include "cli/cluster_state.h"

#include <random>
#include <utility>

namespace cli {
namespace {

constexpr std::chrono::milliseconds kInterval{1000};

}  // namespace

ClusterState::ClusterState(Cluster& cluster, const KubernetesConfig& kubernetes, state::Keeper& keeper, const base::Clock& clock,
                           base::Log log)
    : cluster_(cluster), keeper_(keeper), clock_(clock) {
  if (!kubernetes.policy_config_map.empty()) {
    last_good_.emplace(cluster, kubernetes.policy_config_map, clock, log);
  }
  if (!kubernetes.inventory_secret.empty()) {
    shared_.emplace(cluster, kubernetes.inventory_secret, clock, std::move(log), std::random_device()());
  }
}

state::Beginnings ClusterState::Beginnings() {
  state::Beginnings beginnings;
  if (last_good_) {
    beginnings.last_good_policy = [this] { return last_good_->Read(); };
  }
  if (shared_) {
    beginnings.shared_inventory = [this] {
      auto saved = shared_->Read();
      read_ = clock_.Monotonic();
      return saved;
    };
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

void ClusterState::Finish() {
  finishing_ = true;
  if (thread_) {
    thread_->Wake();
  }
}

void ClusterState::Run() {
  const state::Status status = keeper_.status();
  TellOfPolicy(status);
  if (shared_) {
    RunInventory(status.primed);
  }
  if (last_good_) {
    last_good_->Keep(keeper_.good_policy());
  }
}

void ClusterState::RunInventory(bool primed) {
  if (finishing_) {
    if (!std::exchange(finished_, true)) {
      shared_->ShareNow(*keeper_.states().Current());
    }
    return;
  }
  if (primed) {
    shared_->Share(*keeper_.states().Current());
  } else if (const auto now = clock_.Monotonic(); now - read_ >= kReadAgain) {
    read_ = now;
    if (auto saved = shared_->Read()) {
      keeper_.OfferSaved(*std::move(saved));
    }
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
