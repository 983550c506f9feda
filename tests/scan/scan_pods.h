// Pods for the tests of scan.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scan/pod.h"

namespace scan {

inline OwnerReference Owned(std::string kind, std::string name) { return {kind, name, kind + "-" + name + "-uid"}; }

// One that runs `images`, each in a container of its own.
inline Pod MakePod(std::string uid, std::string namespace_name, OwnerReference owner, const std::vector<std::string>& images) {
  Pod pod;
  pod.name = "pod-" + uid;
  pod.uid = std::move(uid);
  pod.namespace_name = std::move(namespace_name);
  pod.owner = std::move(owner);
  for (const std::string& image : images) {
    const auto index = static_cast<std::uint32_t>(pod.images.size());
    pod.images.push_back({image, "c" + std::to_string(index), ImageList::kContainers, index});
  }
  return pod;
}

}  // namespace scan
