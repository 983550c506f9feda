// What runs: which images, from which registries, in which namespaces, and whose. Made for clusters of 100,000 pods: of a pod only its
// uid is kept by itself, everything else is shared with the others of its workload. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "policy/admission.h"
#include "scan/interned.h"
#include "scan/pod.h"
#include "scan/workload.h"

namespace scan {

// Ten times what Kubernetes is tested with, and less than a GiB: what comes from outside has an end.
inline constexpr std::size_t kMaxPods = 1'500'000;

// Pods that are the same but for their names: one namespace, the same images at the same places, one owner.
struct Group {
  Id shape = 0;  // what is decided: equal for all groups that name the same images in one namespace
  Id owner = 0;
  std::size_t pods = 0;
};

// One thread at a time.
class Index {
 public:
  // Adds the pod, or puts it in place of what was known by its uid. One that has finished is removed. False, and nothing is changed,
  // when there is no room for another.
  bool Put(const Pod& pod);
  void Remove(std::string_view uid);
  // Removes all others: what a list does not hold is gone.
  void KeepOnly(const std::unordered_set<std::string>& uids);

  // Tells whose a ReplicaSet or Job is; kind "" where it has no owner. Nothing where no pod that runs belongs to it: such are not kept.
  void SetParent(const std::string& namespace_name, const OwnerReference& owner, const OwnerReference& parent);

  std::size_t pods() const { return pods_.size(); }
  // Grows with whatever changes what is said of the index: pods that are put as they were do not.
  std::uint64_t version() const { return version_; }

  // In no order. Ids are valid until the next change, and so is what refers to the index below.
  std::vector<Group> Groups() const;
  Workload WorkloadOf(Id owner) const;
  // What the API server would ask about such a pod if it were made now. Its views refer to the index.
  policy::Admission AdmissionOf(Id shape) const;

  // Registry hosts as in ImageReference::registry, sorted; "" for references that do not parse. An alias is a host of its own here:
  // what it stands for is the policy's to say.
  std::vector<std::string_view> Hosts() const;
  std::vector<std::string_view> ImagesOf(std::string_view host) const;  // sorted
  // The shapes that name an image of one of these hosts: what a change of their verdicts may decide otherwise.
  std::vector<Id> ShapesOf(const std::vector<std::string_view>& hosts) const;

  // How many of each are kept: of equal sets of pods, equal numbers.
  struct Sizes {
    std::size_t pods = 0, groups = 0, shapes = 0, images = 0, hosts = 0, owners = 0, texts = 0;

    bool operator==(const Sizes&) const = default;
  };
  Sizes sizes() const;

 private:
  struct Use {
    Id image = 0, container = 0;
    ImageList list = ImageList::kContainers;
    std::uint32_t index = 0;

    bool operator==(const Use&) const = default;
  };
  struct Shape {
    Id namespace_id = 0, problem = 0;  // texts
    bool mirror = false;
    std::vector<Use> uses;

    bool operator==(const Shape&) const = default;
  };
  struct Owner {
    Id namespace_id = 0, kind = 0, name = 0, uid = 0;  // texts

    bool operator==(const Owner&) const = default;
  };
  struct Parent {
    Id kind = 0, name = 0;  // texts

    bool operator==(const Parent&) const = default;
  };
  struct Member {
    Id shape = 0, owner = 0;

    bool operator==(const Member&) const = default;
  };
  struct HashShape {
    std::size_t operator()(const Shape& shape) const;
  };
  struct HashOwner {
    std::size_t operator()(const Owner& owner) const;
  };
  struct HashMember {
    std::size_t operator()(const Member& member) const;
  };
  struct HashText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Id AcquireText(const std::string& text) { return texts_.Acquire(text).id; }
  Id AcquireImage(const std::string& image);
  Id AcquireShape(const Pod& pod);
  Id AcquireOwner(const Pod& pod);
  void ReleaseGroup(Id group);
  void ReleaseShape(Id shape);
  void ReleaseParts(const Shape& shape);
  void ReleaseOwner(Id owner);
  void ReleaseParts(const Owner& owner);
  void ReleaseParent(Id owner);

  std::uint64_t version_ = 0;
  Interned<std::string> texts_;                                          // names of every kind
  Interned<std::string> images_;                                         // references as written
  Interned<std::string> hosts_;                                          // of images
  std::vector<Id> host_of_;                                              // by image
  Interned<Shape, HashShape> shapes_;                                    // referred to by groups
  Interned<Owner, HashOwner> owners_;                                    // referred to by groups
  std::unordered_map<Id, Parent> parents_;                               // by owner, where it is known
  Interned<Member, HashMember> groups_;                                  // referred to by pods
  std::unordered_map<std::string, Id, HashText, std::equal_to<>> pods_;  // the group, by uid
};

}  // namespace scan
