// What a decision is asked about: the few fields of an AdmissionReview that matter. Every view points into the decoded
// body, which must outlive the value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace policy {

// Where an image stands in the object: "spec.template.spec.containers[3].image". Kept in parts, since most are never shown.
struct FieldPath {
  std::string_view list;  // "spec.template.spec.containers": a literal
  std::uint32_t index = 0;
  std::string_view member;  // ".image" or ".image.reference": a literal
  std::string ToString() const;
};

struct ImageUse {
  std::string_view image;      // as written; "" when the member is missing
  std::string_view container;  // the container's or volume's name, "" when it has none
  FieldPath field;
  bool in_old_object = false;  // UPDATE: the old object named the same image, anywhere
};

struct Admission {
  std::string_view api_version;  // of the AdmissionReview; the answer repeats it
  std::string_view uid;
  std::string_view operation;  // CREATE, UPDATE, DELETE, CONNECT
  std::string_view group, version, kind, subresource;
  std::string_view namespace_name;  // request.namespace, never the object's
  std::string_view name;            // or, where that is empty, the object's generateName
  std::string_view user;
  std::vector<std::string_view> groups;
  std::string_view owner_api_version, owner_kind, owner_name, owner_uid;  // the controlling ownerReference, if any
  bool dry_run = false;
  bool workload = false;          // carries a pod template instead of being a Pod
  bool mirror_pod = false;        // annotated kubernetes.io/config.mirror AND sent by a member of system:nodes
  bool template_changed = false;  // UPDATE: the pod spec (or template) differs from the old object's
  std::vector<ImageUse> images;   // in the object's order: init containers, containers, ephemeral ones, volumes

  // A shape that is not understood ("spec.containers: expected an array"); it is denied, never skipped. "" when all is well.
  std::string problem;

  // Whether there is anything to decide: if not, the answer is "allowed" and nothing is recorded (DELETE, a subresource
  // that carries no image, an UPDATE that leaves the spec alone).
  bool NothingToDecide() const { return images.empty() && problem.empty(); }
};

}  // namespace policy
