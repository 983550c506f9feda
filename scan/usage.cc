#include "scan/usage.h"

#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/decision.h"

namespace scan {

std::map<std::string, Usage> UsageOf(const Index& index, const policy::Policy& policy) {
  std::map<std::string, std::vector<std::string_view>> hosts;  // by login server
  for (const std::string_view host : index.Hosts()) {
    const policy::Explanation meaning = policy::Explain(policy, std::string(host) + "/x");
    if (meaning.acr && meaning.error.empty()) {
      hosts[meaning.login_server].push_back(host);
    }
  }
  std::unordered_map<Id, std::vector<Group>> groups;  // by shape
  for (const Group& group : index.Groups()) {
    groups[group.shape].push_back(group);
  }
  std::map<std::string, Usage> usages;
  for (const auto& [login_server, names] : hosts) {
    Usage& usage = usages[login_server];
    std::set<Workload> workloads;
    for (const Id shape : index.ShapesOf(names)) {
      for (const Group& group : groups[shape]) {
        usage.pods += static_cast<std::int64_t>(group.pods);
        workloads.insert(index.WorkloadOf(group.owner));
      }
    }
    usage.workloads = static_cast<std::int64_t>(workloads.size());
    for (const Workload& workload : workloads) {
      usage.namespaces.try_emplace(workload.namespace_name, workload);
    }
  }
  return usages;
}

}  // namespace scan
