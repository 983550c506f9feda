// What an admission is called among others of the same workload. Pure.
#pragma once

#include <string>

#include "policy/admission.h"

namespace audit {

// "Deployment/cart" for the Deployment, for the ReplicaSet cart-7d9f8c6b5d that it owns, and for that one's Pods: the controlling
// owner's kind and name, else the object's own, without what Kubernetes adds to names that it makes: a ReplicaSet's hash, a Job's
// time, a Pod's random end. By the form of the name alone, for people to read: two workloads may come to one name.
std::string WorkloadName(const policy::Admission& admission);

}  // namespace audit
