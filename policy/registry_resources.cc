#include "policy/registry_resources.h"

#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "policy/definition_alias.h"
#include "policy/definition_compare.h"
#include "policy/definition_text.h"
#include "policy/resource_id.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxProblem = 512;  // bytes of a list's problem that a reason repeats

ChildResources Unknown(std::string reason) { return {{}, std::move(reason)}; }

// Takes an array of bodies over.
ChildResources FromArray(json array, const ChildKind& kind) {
  ChildResources children;
  children.bodies.reserve(array.size());
  for (json& body : array) {
    if (!body.is_object()) {
      return Unknown("the list of its " + std::string(kind.name) + " holds something that is no resource; read it again");
    }
    if (std::string name = ChildName(body); !name.empty()) {
      body["name"] = std::move(name);
    }
    body["type"] = kind.type;
    children.bodies.push_back(std::move(body));
  }
  return children;
}

ChildResources Inline(const json& registry, const ChildKind& kind) {
  const json* properties = FindMember(registry, "properties");
  const json* array = properties == nullptr ? nullptr : FindMember(*properties, kind.name);
  if (array == nullptr || !array->is_array()) {
    return Unknown("the registry was read without its " + std::string(kind.name) +
                   ", which every current api-version returns; read it whole, with api-version " + std::string(kRegistryApiVersion));
  }
  return FromArray(*array, kind);
}

ChildResources FromLists(const ChildLists* lists, const ChildKind& kind) {
  const std::string name(kind.name);
  const auto list = lists == nullptr ? ChildLists::const_iterator() : lists->find(kind.name);
  if (lists == nullptr || list == lists->end() || (list->second.resources.empty() && list->second.problem.empty())) {
    return Unknown("its " + name + " were not read yet; where an inventory file holds the registries, it has to hold these too, under " +
                   "children." + name);
  }
  if (!list->second.problem.empty()) {
    return Unknown("its " + name + " could not be read: " + base::Printable(list->second.problem, kMaxProblem));
  }
  base::Result<json> array = base::ParseJson(list->second.resources, name);
  if (!array || !array->is_array()) {
    return Unknown("the list of its " + name + " cannot be read: " + (array ? "it is no array" : array.error().message));
  }
  return FromArray(std::move(*array), kind);
}

}  // namespace

const ChildResources& RegistryResources::Children(const ChildKind& kind) {
  const auto found = parsed_.find(kind.name);
  if (found != parsed_.end()) {
    return found->second;
  }
  return parsed_.emplace(kind.name, kind.is_inline ? Inline(body_, kind) : FromLists(lists_, kind)).first->second;
}

std::string ChildName(const json& body) {
  const std::string* name = FindText(body, "name");
  name = name == nullptr || name->empty() ? FindText(body, "id") : name;
  return name == nullptr ? std::string() : LastPartOfId(*name);
}

std::string ChildFullName(const json& body) {
  const std::string* id = FindText(body, "id");
  const std::string_view registry = id == nullptr ? std::string_view() : ResourceIdPart(*id, "registries");
  return registry.empty() ? std::string() : std::string(registry) + "/" + ChildName(body);
}

}  // namespace policy
