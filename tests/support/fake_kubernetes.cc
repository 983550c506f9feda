#include "tests/support/fake_kubernetes.h"

#include <algorithm>
#include <utility>

#include "tests/support/kubernetes_status.h"
#include "tests/support/kubernetes_validation.h"
#include "tests/support/scripted_http.h"

namespace support {
namespace {

using nlohmann::json;

// What the server takes for the manager of a write that names none: the program's name in User-Agent.
constexpr const char* kClient = "acr-admission";

http::Response Ok(const json& body, int status = 200) { return JsonResponse(status, body.dump()); }

http::Response BadRequest(const std::string& message) { return Status(400, "BadRequest", message); }

std::string Text(const json& object, const char* member) {
  return object.is_object() && object.contains(member) && object[member].is_string() ? object[member].get<std::string>() : "";
}

json Member(const json& object, const char* member) { return object.is_object() && object.contains(member) ? object[member] : json(); }

// "a=b" alone, and metadata.name of fields.
bool IsSelected(const json& object, const std::map<std::string, std::string>& query) {
  const json metadata = Member(object, "metadata");
  if (const auto labels = query.find("labelSelector"); labels != query.end()) {
    const std::size_t equals = labels->second.find('=');
    if (Text(Member(metadata, "labels"), labels->second.substr(0, equals).c_str()) != labels->second.substr(equals + 1)) {
      return false;
    }
  }
  const auto fields = query.find("fieldSelector");
  return fields == query.end() || fields->second == "metadata.name=" + Text(metadata, "name");
}

json MetadataOnly(const json& object) {
  return {{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/v1"}, {"metadata", object["metadata"]}};
}

std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

// "shop" of "/api/v1/namespaces/shop/pods/cart"; "" of what is in none.
std::string NamespaceOf(const std::string& path) {
  constexpr std::string_view kNamespaces = "/namespaces/";
  const std::size_t at = path.find(kNamespaces);
  const std::string rest = at == std::string::npos ? "" : path.substr(at + kNamespaces.size());
  return rest.find('/') == std::string::npos ? "" : rest.substr(0, rest.find('/'));
}

// Whether the object of that path is in the call's collection.
bool IsIn(const KubernetesCall& call, const std::string& path) {
  if (!call.type.namespaced || !call.namespace_name.empty()) {
    return Parent(path) == call.collection;
  }
  const std::string root = Parent(call.collection) + "/namespaces/";
  return path.starts_with(root) &&
         Parent(path) == root + path.substr(root.size(), path.find('/', root.size()) - root.size()) + "/" + call.type.resource;
}

}  // namespace

FakeKubernetes::FakeKubernetes() {
  for (const std::string name : {"default", "kube-system", "acr"}) {
    Put("/api/v1/namespaces/" + name, {{"apiVersion", "v1"}, {"kind", "Namespace"}});
  }
}

http::Response FakeKubernetes::Answer(const http::Request& request, const std::string& certificate_user) {
  const auto call = ReadKubernetesCall(request);
  if (!call) {
    return NotServed();
  }
  base::MutexLock lock(mutex_);
  calls_.push_back(call->verb + " " + call->path + (call->subresource.empty() ? "" : "/" + call->subresource));
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if (fault->calls(*call)) {
      http::Response answer = fault->answer;
      if (--fault->times == 0) {
        faults_.erase(fault);
      }
      return answer;
    }
  }
  if (auto refusal = Refusal(*call, certificate_user)) {
    return *std::move(refusal);
  }
  return Carry(*call);
}

std::optional<http::Response> FakeKubernetes::Refusal(const KubernetesCall& call, const std::string& certificate_user) {
  std::string user = certificate_user;
  if (!call.token.empty() || (user.empty() && token_)) {
    if (token_ && call.token != *token_) {
      return UnauthorizedStatus();
    }
    user = kServiceAccountUser;
  }
  std::vector<std::string> verbs = {call.verb};
  if (call.apply && !objects_.contains(call.path)) {
    verbs.emplace_back("create");
  }
  for (const std::string& verb : verbs) {
    if (forbidden_.contains(verb + " " + call.type.resource + (call.subresource.empty() ? "" : "/" + call.subresource))) {
      return ForbiddenStatus(call, verb, user.empty() ? "system:anonymous" : user);
    }
  }
  return std::nullopt;
}

http::Response FakeKubernetes::Carry(const KubernetesCall& call) {
  if (call.type.resource == "tokenreviews" || call.type.resource == "subjectaccessreviews") {
    return call.verb != "create"                  ? Status(405, "MethodNotAllowed", "the server does not allow this method")
           : call.type.resource == "tokenreviews" ? ReviewToken(call)
                                                  : ReviewAccess(call);
  }
  if (call.verb == "list") {
    return List(call);
  }
  if (call.verb == "watch") {
    return Watch(call);
  }
  if ((call.verb == "create" || call.verb == "update" || call.verb == "patch") && !call.body.is_object()) {
    return BadRequest("the object provided is unrecognized");
  }
  if (call.verb == "create") {
    return Create(call);
  }
  if (call.apply) {
    return Apply(call);
  }
  const auto found = objects_.find(call.path);
  if (found == objects_.end()) {
    return NotFoundStatus(call.type.resource, call.name);
  }
  return call.verb == "get"      ? Ok(found->second.value)
         : call.verb == "update" ? Update(call)
         : call.verb == "patch"  ? Patch(call)
                                 : Delete(call);
}

// A continue token here is the version that the list began at, and the last path that was told.
http::Response FakeKubernetes::List(const KubernetesCall& call) {
  const auto limit_text = call.query.find("limit");
  const std::size_t limit = limit_text == call.query.end() ? objects_.size() : std::stoul(limit_text->second);
  std::uint64_t version = version_;
  std::string after;
  if (const auto token = call.query.find("continue"); token != call.query.end()) {
    const std::size_t colon = token->second.find(':');
    version = std::stoull(token->second.substr(0, colon));
    after = token->second.substr(colon + 1);
    if (version <= compacted_) {
      return ExpiredStatus();
    }
  }
  json items = json::array();
  std::string last;
  bool more = false;
  for (auto entry = objects_.upper_bound(after); entry != objects_.end() && !more; ++entry) {
    if (!IsIn(call, entry->first) || !IsSelected(entry->second.value, call.query)) {
      continue;
    }
    more = items.size() == limit;
    if (!more) {
      items.push_back(entry->second.value);
      items.back().erase("apiVersion");
      items.back().erase("kind");
      if (call.metadata_only) {
        items.back() = MetadataOnly(entry->second.value);
      }
      last = entry->first;
    }
  }
  json metadata = {{"resourceVersion", std::to_string(version)}};
  if (more) {
    metadata["continue"] = std::to_string(version) + ":" + last;
  }
  return Ok({{"kind", call.metadata_only ? "PartialObjectMetadataList" : call.type.kind + "List"},
             {"apiVersion", call.metadata_only ? "meta.k8s.io/v1" : "v1"},
             {"metadata", metadata},
             {"items", items}});
}

http::Response FakeKubernetes::Watch(const KubernetesCall& call) const {
  const std::uint64_t from = std::stoull(call.query.at("resourceVersion"));
  if (from <= compacted_) {
    const json expired = json::parse(ExpiredStatus().body);
    return {200, {}, json{{"type", "ERROR"}, {"object", expired}}.dump() + "\n"};
  }
  std::string events;
  for (const Change& change : changes_) {
    if (change.version > from && IsIn(call, change.path) && IsSelected(change.object, call.query)) {
      events += json{{"type", change.type}, {"object", call.metadata_only ? MetadataOnly(change.object) : change.object}}.dump() + "\n";
    }
  }
  const json bookmark = {{"kind", call.type.kind}, {"apiVersion", "v1"}, {"metadata", {{"resourceVersion", std::to_string(version_)}}}};
  return {200, {}, events + json{{"type", "BOOKMARK"}, {"object", bookmark}}.dump() + "\n"};
}

void FakeKubernetes::Erase(std::map<std::string, Object>::iterator object) {
  json last = std::move(object->second.value);
  last["metadata"]["resourceVersion"] = std::to_string(++version_);
  changes_.push_back({version_, object->first, "DELETED", std::move(last)});
  objects_.erase(object);
}

http::Response FakeKubernetes::Create(const KubernetesCall& call) {
  const std::string name = Text(Member(call.body, "metadata"), "name");
  if (name.empty()) {
    return InvalidStatus(call, name, "metadata.name: Required value: name or generateName is required");
  }
  if (!call.namespace_name.empty() && !objects_.contains("/api/v1/namespaces/" + call.namespace_name)) {
    return NotFoundStatus("namespaces", call.namespace_name);
  }
  if (!Text(Member(call.body, "metadata"), "resourceVersion").empty()) {
    return BadRequest("resourceVersion should not be set on objects to be created");
  }
  const std::string path = call.collection + "/" + name;
  if (objects_.contains(path)) {
    return AlreadyExistsStatus(call, name);
  }
  ManagedFields fields;
  fields.Write(json(), call.body, kClient);
  return Store(call, path, call.body, std::move(fields), 201);
}

http::Response FakeKubernetes::Update(const KubernetesCall& call) {
  const Object& object = objects_.at(call.path);
  const std::string version = Text(Member(call.body, "metadata"), "resourceVersion");
  if (!version.empty() && version != Text(object.value["metadata"], "resourceVersion")) {
    return ModifiedStatus(call);
  }
  ManagedFields fields = object.fields;
  fields.Write(object.value, call.body, kClient);
  return Store(call, call.path, call.body, std::move(fields), 200);
}

http::Response FakeKubernetes::Patch(const KubernetesCall& call) {
  const Object& object = objects_.at(call.path);
  const std::string version = Text(Member(call.body, "metadata"), "resourceVersion");
  if (!version.empty() && version != Text(object.value["metadata"], "resourceVersion")) {
    return ModifiedStatus(call);
  }
  json patched = object.value;
  patched.merge_patch(call.body);
  ManagedFields fields = object.fields;
  fields.Write(object.value, patched, kClient);
  return Store(call, call.path, std::move(patched), std::move(fields), 200);
}

http::Response FakeKubernetes::Apply(const KubernetesCall& call) {
  const auto manager = call.query.find("fieldManager");
  if (manager == call.query.end() || manager->second.empty()) {
    return BadRequest("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch");
  }
  if (Text(call.body, "kind") != call.type.kind || Text(call.body, "apiVersion").empty()) {
    return BadRequest("the object provided is unrecognized: apiVersion and kind must be set");
  }
  const auto found = objects_.find(call.path);
  const bool exists = found != objects_.end();
  json fields_of_call = call.body;
  if (call.subresource == "status") {
    if (!exists) {
      return NotFoundStatus(call.type.resource, call.name);
    }
    fields_of_call = {{"status", Member(call.body, "status")}};
  } else if (call.type.has_status) {
    fields_of_call.erase("status");
  }
  if (const std::string version = Text(Member(call.body, "metadata"), "resourceVersion"); !version.empty()) {
    if (!exists || version != Text(found->second.value["metadata"], "resourceVersion")) {
      return ModifiedStatus(call);
    }
    if (fields_of_call.contains("metadata")) {
      fields_of_call["metadata"].erase("resourceVersion");
    }
  }
  const auto force = call.query.find("force");
  ManagedFields fields = exists ? found->second.fields : ManagedFields();
  auto applied = fields.Apply(exists ? found->second.value : json(), fields_of_call, manager->second + call.subresource,
                              force != call.query.end() && force->second == "true");
  if (!applied.conflicts.empty()) {
    std::string message = "Apply failed with " + std::to_string(applied.conflicts.size()) + " conflict(s): ";
    for (const std::string& conflict : applied.conflicts) {
      message += conflict + "; ";
    }
    return Status(409, "Conflict", message);
  }
  return Store(call, call.path, std::move(applied.object), std::move(fields), exists ? 200 : 201);
}

http::Response FakeKubernetes::Delete(const KubernetesCall& call) {
  const json metadata = objects_.at(call.path).value["metadata"];
  const json preconditions = Member(call.body, "preconditions");
  for (const char* field : {"uid", "resourceVersion"}) {
    if (const std::string expected = Text(preconditions, field); !expected.empty() && expected != Text(metadata, field)) {
      return Status(409, "Conflict", "Precondition failed: " + std::string(field) + " in precondition: " + expected);
    }
  }
  Erase(objects_.find(call.path));
  return Ok({{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Success"}});
}

http::Response FakeKubernetes::Store(const KubernetesCall& call, const std::string& path, json value, ManagedFields fields, int status) {
  const auto found = objects_.find(path);
  const json before = found == objects_.end() ? json() : found->second.value;
  json& metadata = value["metadata"];
  metadata["name"] = path.substr(path.rfind('/') + 1);
  if (!call.namespace_name.empty()) {
    metadata["namespace"] = call.namespace_name;
  }
  metadata["uid"] = before.is_null() ? json("uid-" + std::to_string(++uids_)) : before["metadata"]["uid"];
  metadata["resourceVersion"] = before.is_null() ? json() : before["metadata"]["resourceVersion"];
  if (const std::string wrong = WhatIsInvalid(call.type, before, value); !wrong.empty()) {
    return InvalidStatus(call, metadata["name"], wrong);
  }
  if (value != before) {
    metadata["resourceVersion"] = std::to_string(++version_);
    changes_.push_back({version_, path, before.is_null() ? "ADDED" : "MODIFIED", value});
  }
  objects_[path] = {value, std::move(fields)};
  return Ok(value, status);
}

http::Response FakeKubernetes::ReviewToken(const KubernetesCall& call) {
  const json spec = Member(call.body, "spec");
  json review = call.body;
  const auto holder = holders_.find(Text(spec, "token"));
  const std::vector<std::string> asked = spec.value("audiences", std::vector<std::string>{"https://kubernetes.default.svc"});
  json met = json::array();
  if (holder != holders_.end()) {
    std::ranges::copy_if(asked, std::back_inserter(met), [&](const std::string& audience) {
      return std::ranges::find(holder->second.audiences, audience) != holder->second.audiences.end();
    });
  }
  if (met.empty()) {
    review["status"] = {{"user", json::object()}, {"error", "[invalid bearer token, token lookup failed]"}};
  } else {
    review["status"] = {{"authenticated", true}, {"user", holder->second.user}, {"audiences", met}};
  }
  return Ok(review, 201);
}

http::Response FakeKubernetes::ReviewAccess(const KubernetesCall& call) {
  const json spec = Member(call.body, "spec");
  const json resource = Member(spec, "resourceAttributes");
  const json path = Member(spec, "nonResourceAttributes");
  const std::string what =
      path.is_null() ? Text(resource, "verb") + " " + Text(resource, "resource") : Text(path, "verb") + " " + Text(path, "path");
  json review = call.body;
  const std::set<std::string>& granted = granted_[Text(spec, "user")];
  const std::string namespace_name = Text(resource, "namespace");
  const bool allowed = granted.contains(what) || (!namespace_name.empty() && granted.contains(what + " in " + namespace_name));
  review["status"] = {{"allowed", allowed}};
  if (allowed) {
    review["status"]["reason"] = "RBAC: allowed by ClusterRoleBinding \"auditors\"";
  }
  return Ok(review, 201);
}

void FakeKubernetes::Put(const std::string& path, json object, const std::string& manager) {
  base::MutexLock lock(mutex_);
  Object& stored = objects_[path];
  const json before = stored.value;
  stored.fields.Write(before, object, manager);
  json& metadata = object["metadata"];
  metadata["name"] = path.substr(path.rfind('/') + 1);
  if (const std::string namespace_name = NamespaceOf(path); !namespace_name.empty()) {
    metadata["namespace"] = namespace_name;
  }
  metadata["uid"] = before.is_null() ? json("uid-" + std::to_string(++uids_)) : before["metadata"]["uid"];
  metadata["resourceVersion"] = std::to_string(++version_);
  changes_.push_back({version_, path, before.is_null() ? "ADDED" : "MODIFIED", object});
  stored.value = std::move(object);
}

void FakeKubernetes::Remove(const std::string& path) {
  base::MutexLock lock(mutex_);
  if (const auto found = objects_.find(path); found != objects_.end()) {
    Erase(found);
  }
}

std::optional<json> FakeKubernetes::Find(const std::string& path) const {
  base::MutexLock lock(mutex_);
  const auto found = objects_.find(path);
  return found == objects_.end() ? std::nullopt : std::make_optional(found->second.value);
}

std::vector<json> FakeKubernetes::In(const std::string& collection) const {
  base::MutexLock lock(mutex_);
  std::vector<json> objects;
  for (const auto& [path, object] : objects_) {
    if (Parent(path) == collection) {
      objects.push_back(object.value);
    }
  }
  return objects;
}

void FakeKubernetes::SetToken(std::string token) {
  base::MutexLock lock(mutex_);
  token_ = std::move(token);
}

void FakeKubernetes::Forbid(const std::string& verb, const std::string& resource) {
  base::MutexLock lock(mutex_);
  forbidden_.insert(verb + " " + resource);
}

void FakeKubernetes::Allow(const std::string& verb, const std::string& resource) {
  base::MutexLock lock(mutex_);
  forbidden_.erase(verb + " " + resource);
}

void FakeKubernetes::Compact() {
  base::MutexLock lock(mutex_);
  compacted_ = version_++;
}

void FakeKubernetes::Fail(Calls calls, http::Response answer, int times) {
  base::MutexLock lock(mutex_);
  faults_.push_back({std::move(calls), std::move(answer), times});
}

void FakeKubernetes::AddUser(const std::string& token, json user, std::vector<std::string> audiences) {
  base::MutexLock lock(mutex_);
  holders_[token] = {std::move(user), std::move(audiences)};
}

void FakeKubernetes::Grant(const std::string& user, const std::string& what) {
  base::MutexLock lock(mutex_);
  granted_[user].insert(what);
}

void FakeKubernetes::Revoke(const std::string& user, const std::string& what) {
  base::MutexLock lock(mutex_);
  granted_[user].erase(what);
}

void FakeKubernetes::RemoveToken(const std::string& token) {
  base::MutexLock lock(mutex_);
  holders_.erase(token);
}

std::vector<std::string> FakeKubernetes::calls() const {
  base::MutexLock lock(mutex_);
  return calls_;
}

}  // namespace support
