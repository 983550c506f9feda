// What runs from each registry. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "policy/policy.h"
#include "scan/index.h"
#include "scan/workload.h"

namespace scan {

struct Usage {
  std::int64_t workloads = 0, pods = 0;
  std::map<std::string, Workload> namespaces;  // by name, the first workload there that runs from it
};

// By login server, of every Azure registry that something runs from, known or not. Other names of a registry (aliases, regional
// endpoints) count for it.
std::map<std::string, Usage> UsageOf(const Index& index, const policy::Policy& policy);

}  // namespace scan
