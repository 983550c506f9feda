// Kubernetes manifests as people write them, taken apart into what the API server would ask about.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/problem.h"

namespace cli {

// A chart rendered for a whole cluster stays below; more is a mistake.
inline constexpr std::size_t kMaxManifestBytes = 64 * 1024 * 1024;

// Stands for the audit uid in reviews made from manifests: nothing is recorded of them.
inline constexpr std::string_view kNoUid = "check";

struct ManifestObject {
  std::string file;
  std::size_t document = 0;  // from 1, of those in the file that are not empty
  nlohmann::json object;     // has apiVersion and kind
};

// YAML of several documents, or one JSON text. A `List` (also a typed one, such as kubectl's PodList) is taken apart. What is
// no object with apiVersion and kind is a problem.
base::Loaded<std::vector<ManifestObject>> ReadManifest(std::string_view text, const std::string& file);

// Whether the webhook is asked about such an object: a Pod, or what carries a pod template.
bool CarriesImages(const nlohmann::json& object);

// The AdmissionReview by which the API server would ask to create the object; one that is an AdmissionReview already, as it
// is. The object's own namespace wins over `namespace_name`, as kubectl has it.
std::string ReviewText(const ManifestObject& object, std::string_view namespace_name);

}  // namespace cli
