#include "webhook/review_decoder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <simdjson.h>

#include "base/text.h"

namespace webhook {
namespace {

namespace dom = simdjson::dom;
using policy::Admission;
using policy::ImageUse;

static_assert(kBodyPadding >= simdjson::SIMDJSON_PADDING);

// The API server itself takes objects 10,000 deep, and `managedFields` are free in form: a lower limit would make some of
// what it takes an error, which `failurePolicy: Ignore` lets through. simdjson does not recurse, so depth costs 9 bytes a level.
constexpr std::size_t kMaxDepth = 10'240;

// The API server's uids are UUIDs; ours are repeated in answers, records and logs.
constexpr std::size_t kMaxUidBytes = 256;

// What an audit record shows; membership of system:nodes is looked for in all of them.
constexpr std::size_t kMaxGroups = 100;

// etcd's 1.5 MB hold no pod with more; what is not from etcd must end too.
constexpr std::size_t kMaxImages = 10'000;

// Parsers keep the capacity of the largest body they saw. Bodies above this are rare, and memory that is kept for them is
// lost to everybody else.
constexpr std::size_t kFirstCapacity = std::size_t{16} << 10;  // most pods
constexpr std::size_t kKeptCapacity = std::size_t{1} << 20;

// Pod specs are typed and about 15 deep; the comparison recurses. What is deeper counts as changed.
constexpr int kMaxComparedDepth = 64;

// Comparing each image of the one list with each of the other is faster than a set as long as both are short.
constexpr std::size_t kShortList = 16;

constexpr std::size_t kMaxShownName = 100;

// Where something stands, for messages: "spec.containers[3].image". Made a text only when there is something to say.
struct Place {
  std::string_view parent;           // "" for the document or the object itself
  std::optional<std::size_t> index;  // in the parent, when that is an array
  std::string_view member;

  std::string ToString() const {
    std::string text(parent);
    if (index) {
      text.append("[").append(std::to_string(*index)).append("]");
    }
    if (!member.empty()) {
      text.append(text.empty() ? "" : ".").append(member);
    }
    return text;
  }
};

// One member that is looked for. A null is no value, as everywhere in Kubernetes.
struct Member {
  explicit Member(std::string_view name) : key(name) {}
  std::string_view key;
  std::optional<dom::element> value;
  bool seen = false;
  bool twice = false;
};

// Takes values of the expected type, and keeps the first thing that was not as expected. What is absent is no problem here.
class Reader {
 public:
  explicit Reader(std::string& problem) : problem_(problem) {}

  void Problem(const Place& place, std::string_view what) {
    if (problem_.empty()) {
      problem_ = place.ToString().append(": ").append(what);
    }
  }

  // JSON's readers disagree on which of two equal keys counts, so the object means two things.
  void Members(dom::object object, const Place& place, std::span<Member> members) {
    for (const auto field : object) {
      for (Member& member : members) {
        if (member.key != field.key) {
          continue;
        }
        if (member.seen) {
          member.twice = true;
          Problem({place.ToString(), {}, member.key}, "stands twice");
        } else {
          member.seen = true;
          if (!field.value.is_null()) {
            member.value = field.value;
          }
        }
        break;
      }
    }
  }

  std::optional<dom::element> Find(dom::object object, const Place& place) {
    std::array members{Member(place.member)};
    Members(object, {place.parent, place.index, {}}, members);
    return members[0].twice ? std::nullopt : members[0].value;
  }

  std::optional<dom::object> Object(const std::optional<dom::element>& value, const Place& place) {
    return Take<dom::object>(value, place, "expected an object");
  }
  std::optional<dom::array> Array(const std::optional<dom::element>& value, const Place& place) {
    return Take<dom::array>(value, place, "expected an array");
  }
  std::optional<std::string_view> Text(const std::optional<dom::element>& value, const Place& place) {
    return Take<std::string_view>(value, place, "expected a string");
  }
  std::string_view String(const std::optional<dom::element>& value, const Place& place) {
    return Text(value, place).value_or(std::string_view());
  }
  bool Bool(const std::optional<dom::element>& value, const Place& place) {
    return Take<bool>(value, place, "expected true or false").value_or(false);
  }

 private:
  template <class T>
  std::optional<T> Take(const std::optional<dom::element>& value, const Place& place, std::string_view otherwise) {
    T taken;
    if (!value) {
      return std::nullopt;
    }
    if (value->get(taken) != simdjson::SUCCESS) {
      Problem(place, otherwise);
      return std::nullopt;
    }
    return taken;
  }

  std::string& problem_;
};

// Where a kind keeps its pod spec. The lists in the order in which their images are started.
struct Shape {
  std::string_view pod_spec;
  std::array<std::string_view, 3> containers;
  std::string_view volumes;
  bool workload;
};

constexpr Shape kPod{"spec", {"spec.initContainers", "spec.containers", "spec.ephemeralContainers"}, "spec.volumes", false};
constexpr Shape kTemplated{"spec.template.spec",
                           {"spec.template.spec.initContainers", "spec.template.spec.containers", "spec.template.spec.ephemeralContainers"},
                           "spec.template.spec.volumes",
                           true};
constexpr Shape kCronJob{"spec.jobTemplate.spec.template.spec",
                         {"spec.jobTemplate.spec.template.spec.initContainers", "spec.jobTemplate.spec.template.spec.containers",
                          "spec.jobTemplate.spec.template.spec.ephemeralContainers"},
                         "spec.jobTemplate.spec.template.spec.volumes",
                         true};
constexpr Shape kPodTemplate{"template.spec",
                             {"template.spec.initContainers", "template.spec.containers", "template.spec.ephemeralContainers"},
                             "template.spec.volumes",
                             true};

struct KnownKind {
  std::string_view group, kind;
  const Shape* shape;
};
constexpr std::array<KnownKind, 9> kKnownKinds = {{
    {"", "Pod", &kPod},
    {"", "PodTemplate", &kPodTemplate},
    {"", "ReplicationController", &kTemplated},
    {"apps", "DaemonSet", &kTemplated},
    {"apps", "Deployment", &kTemplated},
    {"apps", "ReplicaSet", &kTemplated},
    {"apps", "StatefulSet", &kTemplated},
    {"batch", "CronJob", &kCronJob},
    {"batch", "Job", &kTemplated},
}};

const Shape* FindShape(const Admission& admission) {
  const auto* const known = std::find_if(kKnownKinds.begin(), kKnownKinds.end(), [&](const KnownKind& candidate) {
    return candidate.kind == admission.kind && candidate.group == admission.group;
  });
  return known == kKnownKinds.end() ? nullptr : known->shape;
}

std::string_view LastSegment(std::string_view path) { return path.substr(path.rfind('.') + 1); }

struct PodSpec {
  std::optional<dom::object> spec;
  std::optional<dom::element> compared;  // what an update may leave alone: the whole template, or a Pod's spec
};

PodSpec FindPodSpec(const std::optional<dom::element>& object, const Shape& shape, Reader& reader) {
  PodSpec found;
  std::optional<dom::object> at = reader.Object(object, {"object", {}, {}});
  std::size_t begin = 0;
  while (at) {
    const std::size_t end = std::min(shape.pod_spec.find('.', begin), shape.pod_spec.size());
    const bool last = end == shape.pod_spec.size();
    const Place place{shape.pod_spec.substr(0, begin == 0 ? 0 : begin - 1), {}, shape.pod_spec.substr(begin, end - begin)};
    const std::optional<dom::element> value = reader.Find(*at, place);
    if (!value) {
      reader.Problem(place, "missing");
      return found;
    }
    if (!shape.workload || place.member == "template") {
      found.compared = value;
    }
    at = reader.Object(value, place);
    if (last) {
      found.spec = at;
      break;
    }
    begin = end + 1;
  }
  return found;
}

// None when there is something else than a text; the missing image is "", which the decision refuses.
std::optional<std::string_view> ReadImage(const std::optional<dom::element>& value, const Place& place, Reader& reader) {
  return value ? reader.Text(value, place) : std::string_view();
}

std::optional<ImageUse> ReadContainer(dom::element element, std::string_view list, std::uint32_t index, Reader& reader) {
  const std::optional<dom::object> container = reader.Object(element, {list, index, {}});
  if (!container) {
    return std::nullopt;
  }
  std::array members{Member("name"), Member("image")};
  reader.Members(*container, {list, index, {}}, members);
  const std::string_view name = reader.String(members[0].value, {list, index, "name"});
  const std::optional<std::string_view> image = ReadImage(members[1].value, {list, index, "image"}, reader);
  if (!image) {
    return std::nullopt;
  }
  return ImageUse{*image, name, {list, index, ".image"}};
}

std::optional<ImageUse> ReadVolume(dom::element element, const Shape& shape, std::uint32_t index, Reader& reader) {
  const std::optional<dom::object> volume = reader.Object(element, {shape.volumes, index, {}});
  if (!volume) {
    return std::nullopt;
  }
  std::array members{Member("name"), Member("image")};
  reader.Members(*volume, {shape.volumes, index, {}}, members);
  const std::optional<dom::object> source = reader.Object(members[1].value, {shape.volumes, index, "image"});
  if (!source) {
    return std::nullopt;
  }
  std::array source_members{Member("reference")};
  reader.Members(*source, {shape.volumes, index, "image"}, source_members);
  const std::string_view name = reader.String(members[0].value, {shape.volumes, index, "name"});
  const std::optional<std::string_view> image = ReadImage(source_members[0].value, {shape.volumes, index, "image.reference"}, reader);
  if (!image || (image->empty() && shape.workload)) {
    return std::nullopt;  // the API lets templates leave the reference to whoever completes them
  }
  return ImageUse{*image, name, {shape.volumes, index, ".image.reference"}};
}

// Every image that can be found, also when something beside it is not understood.
std::vector<ImageUse> CollectImages(dom::object pod_spec, const Shape& shape, Reader& reader) {
  std::array lists{Member(LastSegment(shape.containers[0])), Member(LastSegment(shape.containers[1])),
                   Member(LastSegment(shape.containers[2])), Member(LastSegment(shape.volumes))};
  reader.Members(pod_spec, {shape.pod_spec, {}, {}}, lists);
  if (!lists[1].value) {
    reader.Problem({shape.containers[1], {}, {}}, "expected an array");
  }

  std::vector<ImageUse> images;
  const auto collect = [&](const Member& list, std::string_view path, auto&& read) {
    const std::optional<dom::array> array = reader.Array(list.value, {path, {}, {}});
    if (!array) {
      return;
    }
    std::uint32_t index = 0;
    for (const dom::element element : *array) {
      if (std::optional<ImageUse> use = read(element, index)) {
        if (images.size() == kMaxImages) {
          reader.Problem({path, index, {}}, "more than " + std::to_string(kMaxImages) + " images");
          return;
        }
        images.push_back(*use);
      }
      ++index;
    }
  };
  for (std::size_t i = 0; i < shape.containers.size(); ++i) {
    collect(lists[i], shape.containers[i],
            [&](dom::element element, std::uint32_t index) { return ReadContainer(element, shape.containers[i], index, reader); });
  }
  collect(lists[3], shape.volumes, [&](dom::element element, std::uint32_t index) { return ReadVolume(element, shape, index, reader); });
  return images;
}

void MarkOldImages(std::vector<ImageUse>& images, const std::vector<ImageUse>& old) {
  if (old.size() <= kShortList) {
    for (ImageUse& use : images) {
      use.in_old_object = std::any_of(old.begin(), old.end(), [&](const ImageUse& before) { return before.image == use.image; });
    }
    return;
  }
  std::unordered_set<std::string_view> names;
  names.reserve(old.size());
  for (const ImageUse& use : old) {
    names.insert(use.image);
  }
  for (ImageUse& use : images) {
    use.in_old_object = names.contains(use.image);
  }
}

bool Equal(dom::element a, dom::element b, int depth);

bool EqualArrays(dom::array a, dom::array b, int depth) {
  auto x = a.begin();
  auto y = b.begin();
  for (; x != a.end() && y != b.end(); ++x, ++y) {
    if (!Equal(*x, *y, depth)) {
      return false;
    }
  }
  return !(x != a.end()) && !(y != b.end());
}

// In the order of their members: the API server writes both objects by the same types.
bool EqualObjects(dom::object a, dom::object b, int depth) {
  auto x = a.begin();
  auto y = b.begin();
  for (; x != a.end() && y != b.end(); ++x, ++y) {
    if (x.key() != y.key() || !Equal(x.value(), y.value(), depth)) {
      return false;
    }
  }
  return !(x != a.end()) && !(y != b.end());
}

bool Equal(dom::element a, dom::element b, int depth) {
  if (a.type() != b.type() || depth > kMaxComparedDepth) {
    return false;
  }
  switch (a.type()) {
    case dom::element_type::OBJECT:
      return EqualObjects(a.get_object().value_unsafe(), b.get_object().value_unsafe(), depth + 1);
    case dom::element_type::ARRAY:
      return EqualArrays(a.get_array().value_unsafe(), b.get_array().value_unsafe(), depth + 1);
    case dom::element_type::STRING:
      return a.get_string().value_unsafe() == b.get_string().value_unsafe();
    case dom::element_type::INT64:
      return a.get_int64().value_unsafe() == b.get_int64().value_unsafe();
    case dom::element_type::UINT64:
      return a.get_uint64().value_unsafe() == b.get_uint64().value_unsafe();
    case dom::element_type::DOUBLE:
      return a.get_double().value_unsafe() == b.get_double().value_unsafe();
    case dom::element_type::BOOL:
      return a.get_bool().value_unsafe() == b.get_bool().value_unsafe();
    case dom::element_type::NULL_VALUE:
      return true;
  }
  return false;
}

void ReadOwner(const std::optional<dom::element>& references, Admission& admission, Reader& reader) {
  constexpr std::string_view kPath = "metadata.ownerReferences";
  const std::optional<dom::array> array = reader.Array(references, {kPath, {}, {}});
  if (!array) {
    return;
  }
  std::size_t index = 0;
  for (const dom::element element : *array) {
    const std::optional<dom::object> reference = reader.Object(element, {kPath, index, {}});
    if (reference) {
      std::array members{Member("apiVersion"), Member("kind"), Member("name"), Member("uid"), Member("controller")};
      reader.Members(*reference, {kPath, index, {}}, members);
      const bool controls = reader.Bool(members[4].value, {kPath, index, "controller"});
      if (controls || index == 0) {
        admission.owner_api_version = reader.String(members[0].value, {kPath, index, "apiVersion"});
        admission.owner_kind = reader.String(members[1].value, {kPath, index, "kind"});
        admission.owner_name = reader.String(members[2].value, {kPath, index, "name"});
        admission.owner_uid = reader.String(members[3].value, {kPath, index, "uid"});
      }
      if (controls) {
        return;  // Kubernetes allows one
      }
    }
    ++index;
  }
}

// Whether the object says that it mirrors a static pod.
bool ReadMetadata(dom::element object, Admission& admission, Reader& reader) {
  constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
  dom::object top;
  if (object.get(top) != simdjson::SUCCESS) {
    return false;
  }
  const std::optional<dom::object> metadata = reader.Object(reader.Find(top, {{}, {}, "metadata"}), {"metadata", {}, {}});
  if (!metadata) {
    return false;
  }
  std::array members{Member("name"), Member("generateName"), Member("annotations"), Member("ownerReferences")};
  reader.Members(*metadata, {"metadata", {}, {}}, members);
  for (const Member& member : std::span(members).first(2)) {
    const std::string_view name = reader.String(member.value, {"metadata", {}, member.key});
    if (admission.name.empty()) {
      admission.name = name;
    }
  }
  ReadOwner(members[3].value, admission, reader);
  const std::optional<dom::object> annotations = reader.Object(members[2].value, {"metadata", {}, "annotations"});
  return annotations && reader.Find(*annotations, {"metadata.annotations", {}, kMirrorAnnotation}).has_value();
}

// Whether the user belongs to the nodes.
bool ReadUser(const std::optional<dom::element>& user_info, Admission& admission, Reader& reader) {
  const std::optional<dom::object> user = reader.Object(user_info, {"request.userInfo", {}, {}});
  if (!user) {
    return false;
  }
  std::array members{Member("username"), Member("groups")};
  reader.Members(*user, {"request.userInfo", {}, {}}, members);
  admission.user = reader.String(members[0].value, {"request.userInfo", {}, "username"});
  const std::optional<dom::array> groups = reader.Array(members[1].value, {"request.userInfo.groups", {}, {}});
  bool is_node = false;
  std::size_t index = 0;
  if (groups) {
    for (const dom::element element : *groups) {
      const std::string_view group = reader.String(element, {"request.userInfo.groups", index, {}});
      is_node = is_node || group == "system:nodes";
      if (index++ < kMaxGroups) {
        admission.groups.push_back(group);
      }
    }
  }
  return is_node;
}

void ReadKind(const std::optional<dom::element>& kind, Admission& admission, Reader& reader) {
  const std::optional<dom::object> object = reader.Object(kind, {"request.kind", {}, {}});
  if (!object) {
    return;
  }
  std::array members{Member("group"), Member("version"), Member("kind")};
  reader.Members(*object, {"request.kind", {}, {}}, members);
  admission.group = reader.String(members[0].value, {"request.kind", {}, "group"});
  admission.version = reader.String(members[1].value, {"request.kind", {}, "version"});
  admission.kind = reader.String(members[2].value, {"request.kind", {}, "kind"});
}

std::string UnknownKind(const Admission& admission) {
  std::string name(admission.group);
  name.append(name.empty() ? "" : "/").append(admission.kind);
  return "kind " + base::Printable(name, kMaxShownName) + " is not known: its images cannot be found; remove it from the webhook's rules";
}

// Fills the images, or leaves them empty when the update leaves the pod spec (or template) alone.
void ReadObjects(const std::optional<dom::element>& object, const std::optional<dom::element>& old_object, const Shape& shape, bool by_node,
                 Admission& admission, Reader& reader) {
  if (!object) {
    reader.Problem({"request", {}, "object"}, "missing");
    return;
  }
  // Until it is known whether the update changes anything, what is wrong with the object is not yet a problem.
  std::string problem;
  Reader object_reader(problem);
  const PodSpec found = FindPodSpec(object, shape, object_reader);
  std::vector<ImageUse> old_images;
  if (admission.operation == "UPDATE") {
    std::string old_problem;
    Reader old_reader(old_problem);
    const PodSpec old = FindPodSpec(old_object, shape, old_reader);
    if (found.compared && old.compared && Equal(*found.compared, *old.compared, 0)) {
      return;
    }
    admission.template_changed = true;
    if (old.spec) {
      old_images = CollectImages(*old.spec, shape, old_reader);
    }
    if (!old_problem.empty()) {
      old_images.clear();  // what was not understood vouches for nothing
    }
  }
  if (found.spec) {
    admission.images = CollectImages(*found.spec, shape, object_reader);
    MarkOldImages(admission.images, old_images);
  }
  const bool mirrors = ReadMetadata(*object, admission, object_reader);
  admission.mirror_pod = mirrors && by_node && !shape.workload;
  if (admission.problem.empty()) {
    admission.problem = std::move(problem);
  }
}

// The request's members, in the order of ReadRequest's indexes.
enum RequestMember : std::size_t { kUid, kKind, kSubResource, kName, kNamespace, kOperation, kUserInfo, kObject, kOldObject, kDryRun };

std::array<Member, 10> RequestMembers() {
  return {Member("uid"),       Member("kind"),     Member("subResource"), Member("name"),      Member("namespace"),
          Member("operation"), Member("userInfo"), Member("object"),      Member("oldObject"), Member("dryRun")};
}

void ReadRequest(std::span<const Member> members, Admission& admission, Reader& reader) {
  const auto string = [&](RequestMember member) { return reader.String(members[member].value, {"request", {}, members[member].key}); };
  admission.operation = string(kOperation);
  if (admission.operation == "DELETE" || admission.operation == "CONNECT") {
    return;  // brings no image
  }
  if (admission.operation != "CREATE" && admission.operation != "UPDATE") {
    reader.Problem({"request", {}, "operation"}, "expected CREATE, UPDATE, DELETE or CONNECT");
  }
  admission.subresource = string(kSubResource);
  // Of all subresources only this one carries images: not status, scale, resize, binding, eviction, exec, …
  if (!admission.subresource.empty() && admission.subresource != "ephemeralcontainers") {
    return;
  }
  ReadKind(members[kKind].value, admission, reader);
  admission.name = string(kName);
  admission.namespace_name = string(kNamespace);
  admission.dry_run = reader.Bool(members[kDryRun].value, {"request", {}, "dryRun"});
  const bool by_node = ReadUser(members[kUserInfo].value, admission, reader);
  const Shape* const shape = FindShape(admission);
  if (shape == nullptr) {
    if (admission.problem.empty()) {
      admission.problem = UnknownKind(admission);
    }
    return;
  }
  admission.workload = shape->workload;
  ReadObjects(members[kObject].value, members[kOldObject].value, *shape, by_node, admission, reader);
}

tl::unexpected<base::Error> Unanswerable(std::string message, std::string remedy = {}) {
  return base::Fail(base::ErrorCode::kInvalidArgument, std::move(message), std::move(remedy));
}

}  // namespace

struct ReviewDecoder::Parser {
  dom::parser parser;
};

ReviewDecoder::ReviewDecoder() : parser_(std::make_unique<Parser>()) {}
ReviewDecoder::~ReviewDecoder() = default;

void ReviewDecoder::Release() {
  if (parser_->parser.capacity() > kKeptCapacity) {
    parser_ = std::make_unique<Parser>();
  }
}

base::Result<Admission> ReviewDecoder::Decode(std::string& body) {
  Release();
  body.reserve(body.size() + kBodyPadding);
  dom::parser& parser = parser_->parser;
  dom::element document;
  simdjson::error_code error = simdjson::SUCCESS;
  if (parser.capacity() == 0) {
    error = parser.allocate(kFirstCapacity, kMaxDepth + 1);  // it keeps the depth when it grows
  }
  if (error == simdjson::SUCCESS) {
    error = parser.parse(body.data(), body.size(), false).get(document);
  }
  if (error != simdjson::SUCCESS) {
    return Unanswerable(std::string("the body is not JSON that can be read: ") + simdjson::error_message(error));
  }

  std::string problem;  // an error as long as the uid is not known
  Reader reader(problem);
  const std::optional<dom::object> review = reader.Object(document, {"the AdmissionReview", {}, {}});
  if (!review) {
    return Unanswerable(std::move(problem));
  }
  std::array members{Member("apiVersion"), Member("kind"), Member("request")};
  reader.Members(*review, {}, members);
  Admission admission;
  admission.api_version = reader.String(members[0].value, {{}, {}, "apiVersion"});
  const std::string_view kind = reader.String(members[1].value, {{}, {}, "kind"});
  const std::optional<dom::object> request = reader.Object(members[2].value, {{}, {}, "request"});
  if (!problem.empty()) {
    return Unanswerable(std::move(problem));
  }
  if (kind != "AdmissionReview") {
    return Unanswerable("kind: \"" + base::Printable(kind, kMaxShownName) + "\", expected AdmissionReview");
  }
  if (admission.api_version != "admission.k8s.io/v1" && admission.api_version != "admission.k8s.io/v1beta1") {
    return Unanswerable("apiVersion: \"" + base::Printable(admission.api_version, kMaxShownName) + "\", expected admission.k8s.io/v1",
                        "put v1 in the webhook's admissionReviewVersions");
  }
  if (!request) {
    return Unanswerable("request: missing");
  }
  std::array<Member, 10> request_members = RequestMembers();
  Reader request_reader(admission.problem);
  request_reader.Members(*request, {"request", {}, {}}, request_members);
  admission.uid = reader.String(request_members[kUid].value, {"request", {}, "uid"});
  if (request_members[kUid].twice) {
    return Unanswerable("request.uid: stands twice");
  }
  if (!problem.empty() || admission.uid.empty() || admission.uid.size() > kMaxUidBytes) {
    return Unanswerable("request.uid: expected a string of 1 to " + std::to_string(kMaxUidBytes) + " bytes");
  }
  ReadRequest(request_members, admission, request_reader);
  return admission;
}

}  // namespace webhook
