#include "scan/pod.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace scan {
namespace {

using nlohmann::json;

constexpr const char* kMirrorAnnotation = "kubernetes.io/config.mirror";

struct ListName {
  const char* member;
  std::string_view path;
  std::string_view image;  // of an element
};
constexpr std::array<ListName, 4> kLists = {{
    {"initContainers", "spec.initContainers", ".image"},
    {"containers", "spec.containers", ".image"},
    {"ephemeralContainers", "spec.ephemeralContainers", ".image"},
    {"volumes", "spec.volumes", ".image.reference"},
}};

const ListName& NameOf(ImageList list) { return kLists.at(static_cast<std::size_t>(list)); }

// Null where there is none: a null is no value, as everywhere in Kubernetes.
const json* Find(const json& object, const char* member) {
  const auto found = object.is_object() ? object.find(member) : object.end();
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

void Note(Pod& pod, const std::string& where, const char* expected) {
  if (pod.problem.empty()) {
    pod.problem = where + ": expected " + expected;
  }
}

// The element of `list` that names an image; a volume of another kind names none.
void ReadElement(const json& element, ImageList list, std::uint32_t index, Pod& pod) {
  const policy::FieldPath field = FieldOf(list, index);
  const std::string where = std::string(field.list) + "[" + std::to_string(index) + "]";
  if (!element.is_object()) {
    return Note(pod, where, "an object");
  }
  const json* holder = &element;
  const char* member = "image";
  if (list == ImageList::kVolumes) {
    holder = Find(element, "image");
    member = "reference";
    if (holder == nullptr) {
      return;
    }
    if (!holder->is_object()) {
      return Note(pod, where + ".image", "an object");
    }
  }
  const json* const image = Find(*holder, member);
  if (image != nullptr && !image->is_string()) {
    return Note(pod, field.ToString(), "a string");
  }
  pod.images.push_back({image == nullptr ? std::string() : image->get<std::string>(), base::TextAt(element, "name"), list, index});
}

void ReadList(const json& spec, ImageList list, Pod& pod) {
  const json* const elements = Find(spec, NameOf(list).member);
  if (elements == nullptr ? list == ImageList::kContainers : !elements->is_array()) {
    return Note(pod, std::string(NameOf(list).path), "an array");
  }
  std::uint32_t index = 0;
  for (const json& element : elements == nullptr ? json::array() : *elements) {
    ReadElement(element, list, index++, pod);
  }
}

}  // namespace

policy::FieldPath FieldOf(ImageList list, std::uint32_t index) { return {NameOf(list).path, index, NameOf(list).image}; }

OwnerReference OwnerOf(const json& object) {
  const json* const metadata = Find(object, "metadata");
  OwnerReference owner;
  bool first = true;
  for (const json& reference : metadata == nullptr ? json::array() : base::ArrayAt(*metadata, "ownerReferences")) {
    const json* const controller = Find(reference, "controller");
    const bool controls = controller != nullptr && controller->is_boolean() && controller->get<bool>();
    if (first || controls) {
      owner = {base::TextAt(reference, "kind"), base::TextAt(reference, "name"), base::TextAt(reference, "uid")};
    }
    if (controls) {
      break;  // Kubernetes allows one
    }
    first = false;
  }
  return owner;
}

Pod ReadPod(const json& object) {
  Pod pod;
  if (const json* const metadata = Find(object, "metadata")) {
    pod.uid = base::TextAt(*metadata, "uid");
    pod.namespace_name = base::TextAt(*metadata, "namespace");
    pod.name = base::TextAt(*metadata, "name");
    pod.owner = OwnerOf(object);
    // Of a pod that is stored, only its node can have written the annotation where a node is the owner too.
    const json* const annotations = Find(*metadata, "annotations");
    pod.mirror = annotations != nullptr && Find(*annotations, kMirrorAnnotation) != nullptr && pod.owner.kind == "Node";
  }
  if (const json* const status = Find(object, "status")) {
    const std::string phase = base::TextAt(*status, "phase");
    pod.finished = phase == "Succeeded" || phase == "Failed";
  }
  const json* const spec = Find(object, "spec");
  if (spec == nullptr || !spec->is_object()) {
    Note(pod, "spec", "an object");
    return pod;
  }
  for (const ImageList list : {ImageList::kInitContainers, ImageList::kContainers, ImageList::kEphemeralContainers, ImageList::kVolumes}) {
    ReadList(*spec, list, pod);
  }
  return pod;
}

}  // namespace scan
