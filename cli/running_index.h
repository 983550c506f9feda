// What runs, kept up to date by what reflectors tell of pods and of the ReplicaSets and Jobs that own them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "kube/reflector.h"
#include "scan/index.h"

namespace cli {

// Safe for concurrent use. Callbacks refer to it; those of one function are called by one thread at a time, as a reflector does.
class RunningIndex {
 public:
  explicit RunningIndex(std::set<std::string> excluded_namespaces) : excluded_(std::move(excluded_namespaces)) {}

  kube::ReflectorCallbacks Pods();
  // `kind` is ReplicaSet or Job; their metadata are enough.
  kube::ReflectorCallbacks Owners(std::string kind);

  // Calls `read` with the index; nothing changes it meanwhile.
  template <class Function>
  void Read(const Function& read) const EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    read(index_);
  }
  std::uint64_t version() const EXCLUDES(mutex_);  // scan::Index::version
  bool is_full() const EXCLUDES(mutex_);           // some pods had no room, and are left out until the next list

 private:
  // What a ReplicaSet or Job is made for, where its name does not tell already: it may be told of before its first pod.
  struct Parent {
    std::string owner_kind;
    scan::OwnerReference parent;
  };

  void PutPod(const nlohmann::json& object) EXCLUDES(mutex_);
  void PutOwner(const std::string& kind, const nlohmann::json& object) EXCLUDES(mutex_);

  const std::set<std::string> excluded_;
  mutable base::Mutex mutex_;
  scan::Index index_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Parent> parents_ GUARDED_BY(mutex_);                                 // by uid of the ReplicaSet or Job
  std::optional<std::unordered_set<std::string>> listed_pods_ GUARDED_BY(mutex_);                      // while they are listed
  std::unordered_map<std::string, std::unordered_set<std::string>> listed_owners_ GUARDED_BY(mutex_);  // by kind, the same
  bool full_ GUARDED_BY(mutex_) = false;
};

}  // namespace cli
