// What an admission, or a pod that runs, is called among others of the same workload. Pure.
#pragma once

#include <string>
#include <string_view>

#include "policy/admission.h"

namespace policy {

struct WorkloadRef {
  std::string kind, name;
};

// The workload that an object of this kind and name belongs to, without what Kubernetes adds to names that it makes: a ReplicaSet's
// hash, a Job's time, a Pod's random end. By the form of the name alone, for people to read: two workloads may come to one name.
WorkloadRef WorkloadByName(std::string_view kind, std::string_view name);

// "Deployment/cart" for the Deployment, for the ReplicaSet cart-7d9f8c6b5d that it owns, and for that one's Pods: by the name of the
// controlling owner, else by the object's own.
std::string WorkloadName(const Admission& admission);

}  // namespace policy
