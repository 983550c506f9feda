#include "tests/support/reference_decoder.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace support {
namespace {

// The decoder's limits.
constexpr std::size_t kMaxDepth = 10'240;
constexpr std::size_t kMaxComparedDepth = 64;
constexpr std::size_t kMaxImages = 10'000;
constexpr std::size_t kMaxGroups = 100;
constexpr std::size_t kMaxUidBytes = 256;

constexpr std::size_t kMaxKeptDepth = 100;  // deeper than anything that is looked at; keeps the tree's recursion short

struct Node {
  nlohmann::json::value_t type = nlohmann::json::value_t::null;
  nlohmann::json scalar;          // what is neither array nor object
  std::vector<std::string> keys;  // an object's, in order, duplicates kept
  std::vector<Node> items;        // an array's, or the values of `keys`

  bool Is(nlohmann::json::value_t wanted) const { return type == wanted; }
};
using Type = nlohmann::json::value_t;

// Builds the tree from nlohmann's events.
class Builder {
 public:
  Node root;

  bool null() { return Add(Type::null, nullptr); }
  bool boolean(bool value) { return Add(Type::boolean, value); }
  bool number_integer(std::int64_t value) { return Add(Type::number_integer, value); }
  bool number_unsigned(std::uint64_t value) { return Add(Type::number_integer, value); }
  // nlohmann makes floats of integers beyond 64 bits; simdjson refuses them.
  bool number_float(double value, const std::string& text) {
    return text.find_first_of(".eE") != std::string::npos && Add(Type::number_float, value);
  }
  bool string(std::string& value) { return Add(Type::string, std::move(value)); }
  static bool binary(std::vector<std::uint8_t>&) { return false; }
  bool key(std::string& value) {
    key_ = std::move(value);
    return true;
  }
  bool start_object(std::size_t) { return Open(Type::object); }
  bool start_array(std::size_t) { return Open(Type::array); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  static bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) { return false; }

 private:
  bool Add(Type type, nlohmann::json scalar) {
    if (depth_ > kMaxDepth) {
      return false;
    }
    if (depth_ > kMaxKeptDepth) {
      return true;
    }
    Node node;
    node.type = type;
    node.scalar = std::move(scalar);
    if (depth_ == 0) {
      root = std::move(node);
      return true;
    }
    Node& parent = *open_.back();
    if (parent.Is(Type::object)) {
      parent.keys.push_back(key_);
    }
    parent.items.push_back(std::move(node));
    return true;
  }
  bool Open(Type type) {
    if (!Add(type, nullptr)) {
      return false;
    }
    if (depth_ <= kMaxKeptDepth) {
      open_.push_back(depth_ == 0 ? &root : &open_.back()->items.back());
    }
    ++depth_;
    return true;
  }
  bool Close() {
    --depth_;
    if (depth_ <= kMaxKeptDepth) {
      open_.pop_back();
    }
    return true;
  }

  std::vector<Node*> open_;  // a container has its own address while it is the last of its parent
  std::string key_;
  std::size_t depth_ = 0;  // containers that are open
};

bool Equal(const Node& a, const Node& b, std::size_t depth = 0) {
  if (depth > kMaxComparedDepth || a.type != b.type || a.keys != b.keys || a.items.size() != b.items.size() || a.scalar != b.scalar) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!Equal(a.items[i], b.items[i], depth + 1)) {
      return false;
    }
  }
  return true;
}

// Looks members up; whatever is not as it must be leaves `understood` false.
struct Lookup {
  bool understood = true;

  const Node* Member(const Node* object, std::string_view key) {
    if (object == nullptr) {
      return nullptr;
    }
    understood = understood && std::count(object->keys.begin(), object->keys.end(), key) <= 1;
    const auto found = std::find(object->keys.begin(), object->keys.end(), key);
    if (found == object->keys.end()) {
      return nullptr;
    }
    const Node* const value = &object->items[static_cast<std::size_t>(found - object->keys.begin())];
    return value->Is(Type::null) ? nullptr : value;
  }
  const Node* Expect(const Node* value, Type type) {
    understood = understood && (value == nullptr || value->Is(type));
    return value != nullptr && value->Is(type) ? value : nullptr;
  }
  const Node* Object(const Node* object, std::string_view key) { return Expect(Member(object, key), Type::object); }
  std::vector<const Node*> Array(const Node* object, std::string_view key) {
    std::vector<const Node*> items;
    if (const Node* const array = Expect(Member(object, key), Type::array)) {
      for (const Node& item : array->items) {
        items.push_back(&item);
      }
    }
    return items;
  }
  static std::string Text(const Node* text) { return text == nullptr ? std::string() : text->scalar.get<std::string>(); }
  std::string String(const Node* object, std::string_view key) { return Text(Expect(Member(object, key), Type::string)); }
  bool Bool(const Node* object, std::string_view key) {
    const Node* const value = Expect(Member(object, key), Type::boolean);
    return value != nullptr && value->scalar.get<bool>();
  }
};

std::vector<std::string> Split(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
    parts.push_back(path.substr(begin, dot - begin));
    begin = dot + 1;
  }
  parts.push_back(path.substr(begin));
  return parts;
}

// The object at the end of the path; whatever lacks on the way is not understood. `compared` gets the template, or the spec.
const Node* PodSpec(const Node* object, const std::string& path, Lookup& lookup, const Node** compared) {
  const Node* at = lookup.Expect(object, Type::object);
  lookup.understood = lookup.understood && at != nullptr;
  for (const std::string& part : Split(path)) {
    const bool before = lookup.understood;
    lookup.understood = true;
    const Node* const value = lookup.Member(at, part);
    const bool ambiguous = !lookup.understood;
    lookup.understood = before && !ambiguous && value != nullptr;
    if (value == nullptr || ambiguous) {
      return nullptr;
    }
    if (path == "spec" || part == "template") {
      *compared = value;
    }
    at = lookup.Expect(value, Type::object);
  }
  return at;
}

std::vector<ReferenceImage> Images(const Node* spec, const std::string& path, bool workload, Lookup& lookup) {
  std::vector<ReferenceImage> images;
  lookup.understood = lookup.understood && lookup.Member(spec, "containers") != nullptr;
  for (const std::string list : {"initContainers", "containers", "ephemeralContainers", "volumes"}) {
    std::size_t index = 0;
    for (const Node* const item : lookup.Array(spec, list)) {
      const std::string place = path + "." + list + "[" + std::to_string(index++) + "]";
      const Node* const entry = lookup.Expect(item, Type::object);
      lookup.understood = lookup.understood && entry != nullptr;
      if (entry == nullptr) {
        continue;
      }
      if (list != "volumes") {
        images.push_back({lookup.String(entry, "image"), lookup.String(entry, "name"), place + ".image"});
        continue;
      }
      lookup.Member(entry, "name");  // twice?
      if (const Node* const source = lookup.Object(entry, "image")) {
        const std::string reference = lookup.String(source, "reference");
        const std::string name = lookup.String(entry, "name");
        if (!reference.empty() || !workload) {
          images.push_back({reference, name, place + ".image.reference"});
        }
      }
    }
  }
  lookup.understood = lookup.understood && images.size() <= kMaxImages;
  return images;
}

void ReadObjects(const Node* request, const std::string& path, bool by_node, ReferenceReview& review, Lookup& lookup) {
  const Node* const object = lookup.Member(request, "object");
  const Node* compared = nullptr;
  Lookup of_object;
  const Node* const spec = PodSpec(object, path, of_object, &compared);
  std::set<std::string> old_images;
  if (object != nullptr && review.operation == "UPDATE") {
    const Node* old_compared = nullptr;
    Lookup of_old;
    const Node* const old_spec = PodSpec(lookup.Member(request, "oldObject"), path, of_old, &old_compared);
    if (compared != nullptr && old_compared != nullptr && Equal(*compared, *old_compared)) {
      return;
    }
    review.template_changed = true;
    for (const ReferenceImage& image : Images(old_spec, path, review.workload, of_old)) {
      old_images.insert(image.image);
    }
    if (!of_old.understood) {
      old_images.clear();
    }
  }
  review.images = Images(spec, path, review.workload, of_object);
  for (ReferenceImage& image : review.images) {
    image.in_old_object = old_images.contains(image.image);
  }
  const Node* const top = object != nullptr && object->Is(Type::object) ? object : nullptr;
  const Node* const metadata = of_object.Object(top, "metadata");
  const std::string name = of_object.String(metadata, "name");
  const std::string prefix = of_object.String(metadata, "generateName");
  if (review.name.empty()) {
    review.name = name.empty() ? prefix : name;
  }
  const std::vector<const Node*> owners = of_object.Array(metadata, "ownerReferences");
  for (std::size_t i = 0; i < owners.size(); ++i) {
    const Node* const owner = of_object.Expect(owners[i], Type::object);
    of_object.understood = of_object.understood && owner != nullptr;
    const bool controls = of_object.Bool(owner, "controller");
    for (const std::string_view key : {"apiVersion", "kind", "name", "uid"}) {
      of_object.Member(owner, key);  // twice?
    }
    if (owner != nullptr && (controls || i == 0)) {
      review.owner_api_version = of_object.String(owner, "apiVersion");
      review.owner_kind = of_object.String(owner, "kind");
      review.owner_name = of_object.String(owner, "name");
      review.owner_uid = of_object.String(owner, "uid");
    }
    if (controls) {
      break;
    }
  }
  const Node* const annotations = of_object.Object(metadata, "annotations");
  review.mirror_pod = of_object.Member(annotations, "kubernetes.io/config.mirror") != nullptr && by_node && !review.workload;
  lookup.understood = lookup.understood && of_object.understood;
}

void ReadRequest(const Node* request, ReferenceReview& review, Lookup& lookup) {
  for (const std::string_view key :
       {"kind", "subResource", "name", "namespace", "operation", "userInfo", "object", "oldObject", "dryRun"}) {
    lookup.Member(request, key);  // twice?
  }
  review.operation = lookup.String(request, "operation");
  if (review.operation == "DELETE" || review.operation == "CONNECT") {
    return;
  }
  lookup.understood = lookup.understood && (review.operation == "CREATE" || review.operation == "UPDATE");
  review.subresource = lookup.String(request, "subResource");
  if (!review.subresource.empty() && review.subresource != "ephemeralcontainers") {
    return;
  }
  const Node* const kind = lookup.Object(request, "kind");
  review.group = lookup.String(kind, "group");
  review.version = lookup.String(kind, "version");
  review.kind = lookup.String(kind, "kind");
  review.name = lookup.String(request, "name");
  review.namespace_name = lookup.String(request, "namespace");
  review.dry_run = lookup.Bool(request, "dryRun");
  const Node* const user = lookup.Object(request, "userInfo");
  review.user = lookup.String(user, "username");
  for (const Node* const group : lookup.Array(user, "groups")) {
    review.groups.push_back(Lookup::Text(lookup.Expect(group, Type::string)));
  }
  const bool by_node = std::count(review.groups.begin(), review.groups.end(), "system:nodes") > 0;
  review.groups.resize(std::min(review.groups.size(), kMaxGroups));

  static const std::map<std::string, std::string> kPodSpecs = {
      {"/Pod", "spec"},
      {"/PodTemplate", "template.spec"},
      {"/ReplicationController", "spec.template.spec"},
      {"apps/DaemonSet", "spec.template.spec"},
      {"apps/Deployment", "spec.template.spec"},
      {"apps/ReplicaSet", "spec.template.spec"},
      {"apps/StatefulSet", "spec.template.spec"},
      {"batch/CronJob", "spec.jobTemplate.spec.template.spec"},
      {"batch/Job", "spec.template.spec"},
  };
  const auto known = kPodSpecs.find(review.group + "/" + review.kind);
  if (known == kPodSpecs.end()) {
    lookup.understood = false;
    return;
  }
  review.workload = review.kind != "Pod";
  ReadObjects(request, known->second, by_node, review, lookup);
}

}  // namespace

ReferenceReview DecodeByReference(std::string_view body) {
  ReferenceReview review;
  // nlohmann skips a byte order mark and takes a NUL for the end; simdjson does neither.
  if (body.substr(0, 3) == "\xef\xbb\xbf" || body.find('\0') != std::string_view::npos) {
    return review;
  }
  Builder builder;
  if (!nlohmann::json::sax_parse(body.begin(), body.end(), &builder) || !builder.root.Is(Type::object)) {
    return review;
  }
  Lookup lookup;
  review.api_version = lookup.String(&builder.root, "apiVersion");
  const std::string kind = lookup.String(&builder.root, "kind");
  const Node* const request = lookup.Object(&builder.root, "request");
  review.uid = lookup.String(request, "uid");
  review.answerable = lookup.understood && kind == "AdmissionReview" && request != nullptr && !review.uid.empty() &&
                      review.uid.size() <= kMaxUidBytes &&
                      (review.api_version == "admission.k8s.io/v1" || review.api_version == "admission.k8s.io/v1beta1");
  if (review.answerable) {
    ReadRequest(request, review, lookup);
    review.understood = lookup.understood;
  }
  return review;
}

}  // namespace support
