#include "scan/index.h"

#include <algorithm>
#include <utility>

#include "policy/image_reference.h"

namespace scan {
namespace {

// Boost's hash_combine for 64 bits: ids are small and near each other, and a plain sum would make them collide.
constexpr std::size_t Mix(std::size_t seed, std::size_t value) {
  return seed ^ (value * 0x9e3779b97f4a7c15U + 0x9e3779b97f4a7c15U + (seed << 6U) + (seed >> 2U));
}

// "" for what no image can be pulled by.
std::string HostOf(const std::string& image) {
  base::Result<policy::ImageReference> reference = policy::ParseImageReference(image);
  return reference ? std::move(reference->registry) : std::string();
}

}  // namespace

std::size_t Index::HashShape::operator()(const Shape& shape) const {
  std::size_t hash = Mix(Mix(Mix(0, shape.namespace_id), shape.problem), shape.mirror ? 1 : 0);
  for (const Use& use : shape.uses) {
    hash = Mix(Mix(Mix(Mix(hash, use.image), use.container), static_cast<std::size_t>(use.list)), use.index);
  }
  return hash;
}

std::size_t Index::HashOwner::operator()(const Owner& owner) const {
  return Mix(Mix(Mix(Mix(0, owner.namespace_id), owner.kind), owner.name), owner.uid);
}

std::size_t Index::HashMember::operator()(const Member& member) const { return Mix(Mix(0, member.shape), member.owner); }

bool Index::Put(const Pod& pod) {
  if (pod.finished) {
    Remove(pod.uid);
    return true;
  }
  const auto known = pods_.find(pod.uid);
  if (known == pods_.end() && pods_.size() >= kMaxPods) {
    return false;
  }
  // The new one first: most of it is the old one's too, and need not go and come again.
  const Member member{AcquireShape(pod), AcquireOwner(pod)};
  const auto group = groups_.Acquire(member);
  if (!group.added) {
    ReleaseShape(member.shape);
    ReleaseOwner(member.owner);
  }
  if (known == pods_.end()) {
    ++version_;
    pods_.emplace(pod.uid, group.id);
  } else {
    version_ += known->second == group.id ? 0 : 1;
    ReleaseGroup(std::exchange(known->second, group.id));
  }
  return true;
}

void Index::Remove(std::string_view uid) {
  if (const auto known = pods_.find(uid); known != pods_.end()) {
    ++version_;
    ReleaseGroup(known->second);
    pods_.erase(known);
  }
}

void Index::KeepOnly(const std::unordered_set<std::string>& uids) {
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    if (uids.contains(pod->first)) {
      ++pod;
    } else {
      ++version_;
      ReleaseGroup(pod->second);
      pod = pods_.erase(pod);
    }
  }
}

void Index::SetParent(const std::string& namespace_name, const OwnerReference& owner, const OwnerReference& parent) {
  const auto namespace_id = texts_.Find(namespace_name);
  const auto kind = texts_.Find(owner.kind);
  const auto name = texts_.Find(owner.name);
  const auto uid = texts_.Find(owner.uid);
  if (!namespace_id || !kind || !name || !uid) {
    return;
  }
  const auto id = owners_.Find({*namespace_id, *kind, *name, *uid});
  if (!id) {
    return;
  }
  const Parent told{AcquireText(parent.kind), AcquireText(parent.name)};
  const auto known = parents_.find(*id);
  version_ += known != parents_.end() && known->second == told ? 0 : 1;
  ReleaseParent(*id);
  parents_[*id] = told;
}

std::vector<Group> Index::Groups() const {
  std::vector<Group> groups;
  groups.reserve(groups_.size());
  groups_.ForEach([&](Id, const Member& member, std::size_t pods) { groups.push_back({member.shape, member.owner, pods}); });
  return groups;
}

Workload Index::WorkloadOf(Id owner) const {
  const Owner& known = owners_[owner];
  std::optional<OwnerReference> parent;
  if (const auto found = parents_.find(owner); found != parents_.end()) {
    parent = OwnerReference{texts_[found->second.kind], texts_[found->second.name], {}};
  }
  return ResolveWorkload(texts_[known.namespace_id], {texts_[known.kind], texts_[known.name], {}}, parent);
}

policy::Admission Index::AdmissionOf(Id shape) const {
  const Shape& known = shapes_[shape];
  policy::Admission admission;
  admission.operation = "CREATE";
  admission.version = "v1";
  admission.kind = "Pod";
  admission.namespace_name = texts_[known.namespace_id];
  admission.mirror_pod = known.mirror;
  admission.problem = texts_[known.problem];
  admission.images.reserve(known.uses.size());
  for (const Use& use : known.uses) {
    admission.images.push_back({.image = images_[use.image], .container = texts_[use.container], .field = FieldOf(use.list, use.index)});
  }
  return admission;
}

std::vector<std::string_view> Index::Hosts() const {
  std::vector<std::string_view> hosts;
  hosts_.ForEach([&](Id, const std::string& host, std::size_t) { hosts.emplace_back(host); });
  std::ranges::sort(hosts);
  return hosts;
}

std::vector<std::string_view> Index::ImagesOf(std::string_view host) const {
  std::vector<std::string_view> images;
  if (const auto id = hosts_.Find(std::string(host))) {
    images_.ForEach([&](Id image, const std::string& text, std::size_t) {
      if (host_of_[image] == *id) {
        images.emplace_back(text);
      }
    });
  }
  std::ranges::sort(images);
  return images;
}

std::vector<Id> Index::ShapesOf(const std::vector<std::string_view>& hosts) const {
  std::vector<Id> asked;
  for (const std::string_view host : hosts) {
    if (const auto id = hosts_.Find(std::string(host))) {
      asked.push_back(*id);
    }
  }
  std::vector<Id> shapes;
  shapes_.ForEach([&](Id id, const Shape& shape, std::size_t) {
    if (std::ranges::any_of(shape.uses, [&](const Use& use) { return std::ranges::find(asked, host_of_[use.image]) != asked.end(); })) {
      shapes.push_back(id);
    }
  });
  return shapes;
}

Index::Sizes Index::sizes() const {
  return {pods_.size(), groups_.size(), shapes_.size(), images_.size(), hosts_.size(), owners_.size(), texts_.size()};
}

Id Index::AcquireImage(const std::string& image) {
  const auto acquired = images_.Acquire(image);
  if (acquired.added) {
    host_of_.resize(std::max<std::size_t>(host_of_.size(), acquired.id + std::size_t{1}));
    host_of_[acquired.id] = hosts_.Acquire(HostOf(image)).id;
  }
  return acquired.id;
}

Id Index::AcquireShape(const Pod& pod) {
  Shape shape{AcquireText(pod.namespace_name), AcquireText(pod.problem), pod.mirror, {}};
  shape.uses.reserve(pod.images.size());
  for (const PodImage& image : pod.images) {
    shape.uses.push_back({AcquireImage(image.image), AcquireText(image.container), image.list, image.index});
  }
  const auto acquired = shapes_.Acquire(shape);
  if (!acquired.added) {
    ReleaseParts(shape);
  }
  return acquired.id;
}

Id Index::AcquireOwner(const Pod& pod) {
  // A static pod's owner is where it runs.
  const bool owned = !pod.owner.name.empty() && pod.owner.kind != "Node";
  const Owner owner =
      owned ? Owner{AcquireText(pod.namespace_name), AcquireText(pod.owner.kind), AcquireText(pod.owner.name), AcquireText(pod.owner.uid)}
            : Owner{AcquireText(pod.namespace_name), AcquireText("Pod"), AcquireText(pod.name), AcquireText("")};
  const auto acquired = owners_.Acquire(owner);
  if (!acquired.added) {
    ReleaseParts(owner);
  }
  return acquired.id;
}

void Index::ReleaseGroup(Id group) {
  if (const std::optional<Member> last = groups_.Release(group)) {
    ReleaseShape(last->shape);
    ReleaseOwner(last->owner);
  }
}

void Index::ReleaseShape(Id shape) {
  if (const std::optional<Shape> last = shapes_.Release(shape)) {
    ReleaseParts(*last);
  }
}

void Index::ReleaseParts(const Shape& shape) {
  texts_.Release(shape.namespace_id);
  texts_.Release(shape.problem);
  for (const Use& use : shape.uses) {
    texts_.Release(use.container);
    if (images_.Release(use.image)) {
      hosts_.Release(host_of_[use.image]);
    }
  }
}

void Index::ReleaseOwner(Id owner) {
  if (const std::optional<Owner> last = owners_.Release(owner)) {
    ReleaseParent(owner);
    ReleaseParts(*last);
  }
}

void Index::ReleaseParts(const Owner& owner) {
  for (const Id text : {owner.namespace_id, owner.kind, owner.name, owner.uid}) {
    texts_.Release(text);
  }
}

void Index::ReleaseParent(Id owner) {
  if (const auto known = parents_.find(owner); known != parents_.end()) {
    texts_.Release(known->second.kind);
    texts_.Release(known->second.name);
    parents_.erase(known);
  }
}

}  // namespace scan
