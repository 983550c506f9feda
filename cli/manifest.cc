#include "cli/manifest.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/yaml.h"

namespace cli {
namespace {

struct Kind {
  std::string_view group;
  std::string_view kind;
  std::string_view resource;
};

// The kinds of the webhook's rules.
constexpr std::array<Kind, 9> kKinds = {{
    {"", "Pod", "pods"},
    {"", "PodTemplate", "podtemplates"},
    {"", "ReplicationController", "replicationcontrollers"},
    {"apps", "DaemonSet", "daemonsets"},
    {"apps", "Deployment", "deployments"},
    {"apps", "ReplicaSet", "replicasets"},
    {"apps", "StatefulSet", "statefulsets"},
    {"batch", "CronJob", "cronjobs"},
    {"batch", "Job", "jobs"},
}};

const nlohmann::json* ObjectMember(const nlohmann::json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_object() ? &*member : nullptr;
}

struct GroupVersion {
  std::string group;
  std::string version;
};

GroupVersion Split(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  if (slash == std::string::npos) {
    return {"", api_version};
  }
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

const Kind* FindKind(const nlohmann::json& object) {
  const std::string group = Split(base::TextAt(object, "apiVersion")).group;
  const std::string kind = base::TextAt(object, "kind");
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.group == group && k.kind == kind; });
  return found == kKinds.end() ? nullptr : found;
}

bool IsReview(const nlohmann::json& object) {
  return base::TextAt(object, "kind") == "AdmissionReview" && Split(base::TextAt(object, "apiVersion")).group == "admission.k8s.io";
}

constexpr std::string_view kListSuffix = "List";

bool IsList(const nlohmann::json& object) {
  const auto items = object.find("items");
  return items != object.end() && items->is_array() && base::TextAt(object, "kind").ends_with(kListSuffix);
}

// What is being read, for the problems that come up.
struct Place {
  const std::string& file;
  std::size_t document;
  int line;  // 0: not known
  int column;
};

void AddObject(nlohmann::json object, const Place& place, const std::string& path, std::vector<ManifestObject>& objects,
               base::Problems& problems) {
  const auto refuse = [&](std::string_view message) {
    problems.push_back(
        {place.file, place.line, place.column, "document " + std::to_string(place.document) + path + ": " + std::string(message)});
  };
  if (!object.is_object()) {
    return refuse("expected a Kubernetes object with apiVersion and kind");
  }
  const std::string api_version = base::TextAt(object, "apiVersion");
  const std::string kind = base::TextAt(object, "kind");
  if (api_version.empty() || kind.empty()) {
    return refuse(api_version.empty() ? "apiVersion is missing" : "kind is missing");
  }
  if (!IsList(object)) {
    objects.push_back({place.file, place.document, std::move(object)});
    return;
  }
  // A typed list's items leave out what the list's kind says.
  const std::string item_kind = kind.substr(0, kind.size() - kListSuffix.size());
  std::size_t index = 0;
  for (nlohmann::json& item : object["items"]) {
    if (item.is_object() && !item_kind.empty()) {
      item.emplace("apiVersion", api_version);
      item.emplace("kind", item_kind);
    }
    AddObject(std::move(item), place, path + ".items[" + std::to_string(index++) + "]", objects, problems);
  }
}

base::Loaded<std::vector<ManifestObject>> ReadJson(nlohmann::json value, const std::string& file) {
  std::vector<ManifestObject> objects;
  base::Problems problems;
  AddObject(std::move(value), {file, 1, 0, 0}, "", objects, problems);
  if (!problems.empty()) {
    return tl::unexpected(std::move(problems));
  }
  return objects;
}

base::Loaded<std::vector<ManifestObject>> ReadYaml(std::string_view text, const std::string& file) {
  auto documents = base::ParseYamlDocuments(text, file, kMaxManifestBytes);
  if (!documents) {
    return tl::unexpected(std::move(documents).error());
  }
  std::vector<ManifestObject> objects;
  base::Problems problems;
  std::size_t number = 0;
  for (const base::YamlNode& document : *documents) {
    AddObject(base::ToJson(document), {file, ++number, document.line, document.column}, "", objects, problems);
  }
  if (!problems.empty()) {
    return tl::unexpected(std::move(problems));
  }
  return objects;
}

bool BeginsAsJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

base::Loaded<std::vector<ManifestObject>> ReadManifest(std::string_view text, const std::string& file) {
  if (!BeginsAsJson(text)) {
    return ReadYaml(text, file);
  }
  base::Result<nlohmann::json> value = base::ParseJson(text, file);
  if (value) {
    return ReadJson(*std::move(value), file);
  }
  // A YAML flow mapping begins with a brace too; what is neither is reported as the JSON that it seems to be.
  base::Loaded<std::vector<ManifestObject>> objects = ReadYaml(text, file);
  if (objects || file.ends_with(".yaml") || file.ends_with(".yml")) {
    return objects;
  }
  // The message begins with the file's name, as a problem does by itself.
  std::string_view message = value.error().message;
  message.remove_prefix(message.starts_with(file + ": ") ? file.size() + 2 : 0);
  return tl::unexpected(base::Problems{{file, 0, 0, std::string(message)}});
}

bool CarriesImages(const nlohmann::json& object) { return FindKind(object) != nullptr || IsReview(object); }

std::string ReviewText(const ManifestObject& manifest, std::string_view namespace_name) {
  const nlohmann::json& object = manifest.object;
  if (IsReview(object)) {
    return base::DumpJson(object);
  }
  const auto [group, version] = Split(base::TextAt(object, "apiVersion"));
  const Kind* const kind = FindKind(object);
  const nlohmann::json* const metadata = ObjectMember(object, "metadata");
  const std::string own_namespace = metadata == nullptr ? std::string() : base::TextAt(*metadata, "namespace");
  return base::DumpJson(
      {{"apiVersion", "admission.k8s.io/v1"},
       {"kind", "AdmissionReview"},
       {"request",
        {{"uid", kNoUid},
         {"kind", {{"group", group}, {"version", version}, {"kind", base::TextAt(object, "kind")}}},
         {"resource", {{"group", group}, {"version", version}, {"resource", kind == nullptr ? std::string_view() : kind->resource}}},
         {"operation", "CREATE"},
         {"name", metadata == nullptr ? std::string() : base::TextAt(*metadata, "name")},
         {"namespace", own_namespace.empty() ? std::string(namespace_name) : own_namespace},
         {"userInfo", {{"username", "acr-admission check"}}},
         {"object", object},
         {"oldObject", nullptr},
         {"dryRun", true}}}});
}

}  // namespace cli
