#include "scan/workload.h"

#include <utility>

#include "policy/workload_name.h"

namespace scan {

bool IsMadeForAnother(std::string_view owner_kind) { return owner_kind == "ReplicaSet" || owner_kind == "Job"; }

Workload ResolveWorkload(std::string_view namespace_name, const OwnerReference& owner, const std::optional<OwnerReference>& parent) {
  if (!IsMadeForAnother(owner.kind)) {
    return {std::string(namespace_name), owner.kind, owner.name};
  }
  if (!parent) {
    policy::WorkloadRef guess = policy::WorkloadByName(owner.kind, owner.name);
    return {std::string(namespace_name), std::move(guess.kind), std::move(guess.name)};
  }
  const OwnerReference& whose = parent->kind.empty() ? owner : *parent;
  return {std::string(namespace_name), whose.kind, whose.name};
}

std::string ApiVersionOf(std::string_view kind) {
  if (kind == "Deployment" || kind == "ReplicaSet" || kind == "StatefulSet" || kind == "DaemonSet") {
    return "apps/v1";
  }
  if (kind == "Job" || kind == "CronJob") {
    return "batch/v1";
  }
  return kind == "Pod" || kind == "ReplicationController" ? "v1" : "";
}

}  // namespace scan
