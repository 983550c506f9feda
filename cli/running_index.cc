#include "cli/running_index.h"

#include <utility>

#include "kube/object.h"
#include "policy/workload_name.h"
#include "scan/pod.h"

namespace cli {
namespace {

using nlohmann::json;

// As many as run of pods: more than that would be kept for pods that there is no room for.
constexpr std::size_t kMaxParents = scan::kMaxPods;

std::string UidOf(const json& object) { return kube::TextOf(kube::MetadataOf(object), "uid"); }

bool IsGuessed(const scan::OwnerReference& owner, const scan::OwnerReference& parent) {
  const policy::WorkloadRef guess = policy::WorkloadByName(owner.kind, owner.name);
  const scan::OwnerReference& whose = parent.kind.empty() ? owner : parent;
  return guess.kind == whose.kind && guess.name == whose.name;
}

}  // namespace

kube::ReflectorCallbacks RunningIndex::Pods() {
  return {.begin_list =
              [this] {
                base::MutexLock lock(mutex_);
                listed_pods_.emplace();
                full_ = false;
              },
          .put = [this](const json& object) { PutPod(object); },
          .removed =
              [this](const json& object) {
                base::MutexLock lock(mutex_);
                index_.Remove(UidOf(object));
              },
          .end_list =
              [this] {
                base::MutexLock lock(mutex_);
                index_.KeepOnly(*listed_pods_);
                listed_pods_.reset();
              }};
}

kube::ReflectorCallbacks RunningIndex::Owners(std::string kind) {
  return {.begin_list =
              [this, kind] {
                base::MutexLock lock(mutex_);
                listed_owners_[kind].clear();
              },
          .put = [this, kind](const json& object) { PutOwner(kind, object); },
          .removed =
              [this](const json& object) {
                base::MutexLock lock(mutex_);
                parents_.erase(UidOf(object));
              },
          .end_list =
              [this, kind] {
                base::MutexLock lock(mutex_);
                const auto& listed = listed_owners_[kind];
                std::erase_if(parents_,
                              [&](const auto& parent) { return parent.second.owner_kind == kind && !listed.contains(parent.first); });
                listed_owners_.erase(kind);
              }};
}

std::uint64_t RunningIndex::version() const {
  base::MutexLock lock(mutex_);
  return index_.version();
}

bool RunningIndex::is_full() const {
  base::MutexLock lock(mutex_);
  return full_;
}

void RunningIndex::PutPod(const json& object) {
  const scan::Pod pod = scan::ReadPod(object);
  if (excluded_.contains(pod.namespace_name)) {
    return;
  }
  base::MutexLock lock(mutex_);
  if (!index_.Put(pod)) {
    full_ = true;
    return;
  }
  if (listed_pods_) {
    listed_pods_->insert(pod.uid);
  }
  if (const auto known = parents_.find(pod.owner.uid); known != parents_.end() && !pod.finished) {
    index_.SetParent(pod.namespace_name, pod.owner, known->second.parent);
  }
}

void RunningIndex::PutOwner(const std::string& kind, const json& object) {
  const json& metadata = kube::MetadataOf(object);
  const std::string namespace_name = kube::TextOf(metadata, "namespace");
  if (excluded_.contains(namespace_name)) {
    return;
  }
  const scan::OwnerReference owner{kind, kube::TextOf(metadata, "name"), kube::TextOf(metadata, "uid")};
  const scan::OwnerReference parent = scan::OwnerOf(object);
  base::MutexLock lock(mutex_);
  index_.SetParent(namespace_name, owner, parent);
  if (IsGuessed(owner, parent)) {
    parents_.erase(owner.uid);
  } else if (parents_.size() < kMaxParents || parents_.contains(owner.uid)) {
    parents_[owner.uid] = {kind, parent};
    if (const auto listed = listed_owners_.find(kind); listed != listed_owners_.end()) {
      listed->second.insert(owner.uid);
    }
  }
}

}  // namespace cli
