// The few fields of a pod that tell what it runs and whose it is. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "policy/admission.h"

namespace scan {

// Where a pod names images, in the order in which they are started.
enum class ImageList : std::uint8_t { kInitContainers, kContainers, kEphemeralContainers, kVolumes };

struct PodImage {
  std::string image;      // as written; "" when the member is missing
  std::string container;  // the container's or volume's name
  ImageList list = ImageList::kContainers;
  std::uint32_t index = 0;  // in that list

  bool operator==(const PodImage&) const = default;
};

policy::FieldPath FieldOf(ImageList list, std::uint32_t index);

// An ownerReference; kind "" for none.
struct OwnerReference {
  std::string kind, name, uid;

  bool operator==(const OwnerReference&) const = default;
};

struct Pod {
  std::string uid, namespace_name, name;
  OwnerReference owner;          // the controller, else the first
  std::vector<PodImage> images;  // init containers, containers, ephemeral ones, volumes
  bool finished = false;         // Succeeded or Failed: nothing of it runs, or will again
  bool mirror = false;           // of a static pod: it runs whatever the API server says
  std::string problem;           // a shape that is not understood, which the webhook would deny; "" when all is well
};

// Of any object: what controls it, else its first owner, as the webhook takes it.
OwnerReference OwnerOf(const nlohmann::json& object);

// Of a pod as the API server has it. What is absent or of another type counts as not there, but for the lists of images.
Pod ReadPod(const nlohmann::json& object);

}  // namespace scan
