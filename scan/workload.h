// Whose pods are whose: the workload that a person made, not the ReplicaSet or Job that a controller made for it. Pure.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "scan/pod.h"

namespace scan {

struct Workload {
  std::string namespace_name, kind, name;

  auto operator<=>(const Workload&) const = default;
};

// Whether controllers of Kubernetes make such objects for others, so that the workload is their owner.
bool IsMadeForAnother(std::string_view owner_kind);

// `owner` is what a pod belongs to: its ownerReference, or itself. `parent` is that one's own owner, with kind "" where it has none;
// nothing where that is not known, and then the form of its name tells.
Workload ResolveWorkload(std::string_view namespace_name, const OwnerReference& owner, const std::optional<OwnerReference>& parent);

// The API that workloads of that kind are in: "apps/v1". A kind of somebody else's has none that is known here: "".
std::string ApiVersionOf(std::string_view kind);

}  // namespace scan
