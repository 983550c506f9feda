// What runs, as controllers make it in a FakeKubernetes.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "cli/running_index.h"
#include "scan/index.h"
#include "tests/support/fake_kubernetes.h"

namespace cli {

inline std::string PodPath(const std::string& namespace_name, const std::string& name) {
  return "/api/v1/namespaces/" + namespace_name + "/pods/" + name;
}

inline std::string ReplicaSetPath(const std::string& namespace_name, const std::string& name) {
  return "/apis/apps/v1/namespaces/" + namespace_name + "/replicasets/" + name;
}

// `owner` is null for none.
inline void PutPod(support::FakeKubernetes& kubernetes, const std::string& namespace_name, const std::string& name,
                   const std::string& image, const nlohmann::json& owner = nullptr, const std::string& phase = "Running") {
  nlohmann::json pod = {{"kind", "Pod"}, {"spec", {{"containers", {{{"name", "c"}, {"image", image}}}}}}, {"status", {{"phase", phase}}}};
  if (!owner.is_null()) {
    pod["metadata"]["ownerReferences"] = {owner};
  }
  kubernetes.Put(PodPath(namespace_name, name), std::move(pod));
}

// Returns a reference to it, for its pods. `parent`: what it belongs to.
inline nlohmann::json PutReplicaSet(support::FakeKubernetes& kubernetes, const std::string& namespace_name, const std::string& name,
                                    const nlohmann::json& parent) {
  nlohmann::json set = {{"kind", "ReplicaSet"}};
  if (!parent.is_null()) {
    set["metadata"]["ownerReferences"] = {parent};
  }
  const std::string path = ReplicaSetPath(namespace_name, name);
  kubernetes.Put(path, std::move(set));
  return {{"kind", "ReplicaSet"}, {"name", name}, {"uid", kubernetes.Find(path).value()["metadata"]["uid"]}, {"controller", true}};
}

// All that is told of what runs, as text: equal for equal indexes, whatever their ids.
inline std::multiset<std::string> Told(const scan::Index& index) {
  std::multiset<std::string> told;
  for (const scan::Group& group : index.Groups()) {
    const scan::Workload workload = index.WorkloadOf(group.owner);
    std::string line = std::to_string(group.pods) + " of " + workload.namespace_name + "/" + workload.kind + "/" + workload.name + " run";
    for (const policy::ImageUse& use : index.AdmissionOf(group.shape).images) {
      line += " " + std::string(use.image);
    }
    told.insert(std::move(line));
  }
  return told;
}

inline std::multiset<std::string> Told(const RunningIndex& index) {
  std::multiset<std::string> told;
  index.Read([&](const scan::Index& running) { told = Told(running); });
  return told;
}

}  // namespace cli
