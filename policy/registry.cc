#include "policy/registry.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "policy/child_kinds.h"
#include "policy/definition_alias.h"
#include "policy/definition_compare.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxQuoted = 128;  // bytes of a file's text that a message repeats

// Where an element stands, for messages: "registries.json: $.value[3]".
struct Place {
  std::string_view source;
  std::string path;

  tl::unexpected<base::Error> Wrong(const std::string& message, std::string remedy = {}) const {
    return base::Fail(base::ErrorCode::kInvalidArgument, std::string(source) + ": " + path + ": " + message, std::move(remedy));
  }
  Place At(std::size_t index) const { return {source, path + "[" + std::to_string(index) + "]"}; }
};

// What is the same for all registries of one text.
struct Reading {
  base::Time observed;
  const RegistrySuffixes& suffixes;
};

std::string Quoted(std::string_view text) { return "\"" + base::Printable(text, kMaxQuoted) + "\""; }

bool IsPresent(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  const std::string* text = member == nullptr ? nullptr : member->get_ptr<const std::string*>();
  return member != nullptr && !member->is_null() && (text == nullptr || !text->empty());
}

// `az` renames some members of ARM's bodies; an element keeps the rest.
void Rename(json& object, const char* from, const char* to) {
  if (const auto found = object.find(from); found != object.end()) {
    json value = std::move(*found);
    object.erase(found);
    object[to] = std::move(value);
  }
}

json* ObjectMember(json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found != object.end() && !found->is_null() ? &*found : nullptr;
}

// A connection as `az` prints it has its properties beside its id.
json UnflattenConnection(json connection) {
  if (!connection.is_object() || connection.contains("properties")) {
    return connection;
  }
  json unflattened = json::object();
  json properties = json::object();
  for (auto member = connection.begin(); member != connection.end(); ++member) {
    const std::string& key = member.key();
    const bool top = key == "id" || key == "name" || key == "type" || key == "systemData";
    if (key != "resourceGroup") {  // added by `az`
      (top ? unflattened : properties)[key] = std::move(member.value());
    }
  }
  unflattened["properties"] = std::move(properties);
  return unflattened;
}

// `az acr list -o json` and `az acr show` put the properties beside the id, and name a few members after the Python SDK.
// https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/containerregistry/azure-mgmt-containerregistry
json Unflatten(json registry) {
  constexpr auto kTop =
      std::to_array<std::string_view>({"id", "name", "type", "location", "tags", "sku", "identity", "systemData", "kind"});
  json unflattened = json::object();
  json properties = json::object();
  for (auto member = registry.begin(); member != registry.end(); ++member) {
    const std::string& key = member.key();
    if (key == "resourceGroup" || member.value().is_null()) {  // added by `az`, as nulls are for what ARM left out
      continue;
    }
    (std::ranges::find(kTop, key) != kTop.end() ? unflattened : properties)[key] = std::move(member.value());
  }
  if (json* policies = ObjectMember(properties, "policies")) {
    Rename(*policies, "azureAdAuthenticationAsArmPolicy", "azureADAuthenticationAsArmPolicy");
  }
  if (json* rules = ObjectMember(properties, "networkRuleSet")) {
    if (json* ip_rules = ObjectMember(*rules, "ipRules"); ip_rules != nullptr && ip_rules->is_array()) {
      for (json& rule : *ip_rules) {
        Rename(rule, "ipAddressOrRange", "value");
      }
    }
    if (json* networks = ObjectMember(*rules, "virtualNetworkRules"); networks != nullptr && networks->is_array()) {
      for (json& rule : *networks) {
        Rename(rule, "virtualNetworkResourceId", "id");
      }
    }
  }
  if (json* connections = ObjectMember(properties, "privateEndpointConnections"); connections != nullptr && connections->is_array()) {
    for (json& connection : *connections) {
      connection = UnflattenConnection(std::move(connection));
    }
  }
  unflattened["properties"] = std::move(properties);
  return unflattened;
}

// A child as `az` prints it has its properties beside its id.
json UnflattenChild(json child) {
  if (!child.is_object() || child.contains("properties")) {
    return child;
  }
  constexpr auto kTop = std::to_array<std::string_view>({"id", "name", "type", "location", "tags", "identity", "systemData"});
  json unflattened = json::object();
  json properties = json::object();
  for (auto member = child.begin(); member != child.end(); ++member) {
    const std::string& key = member.key();
    if (key == "resourceGroup" || member.value().is_null()) {  // added by `az`, as nulls are for what ARM left out
      continue;
    }
    (std::ranges::find(kTop, key) != kTop.end() ? unflattened : properties)[key] = std::move(member.value());
  }
  Rename(properties, "typePropertiesType", "type");  // of a scope map, which has a type of its own
  unflattened["properties"] = std::move(properties);
  return unflattened;
}

// All children of one kind.
base::Result<ChildList> ReadChildList(json array, const ChildKind& kind, const std::string& registry_id, const Place& place,
                                      base::Time observed) {
  if (!array.is_array()) {
    return place.Wrong("expected an array of all " + std::string(kind.name) + " of the registry");
  }
  for (std::size_t i = 0; i < array.size(); ++i) {
    json& child = array[i];
    child = UnflattenChild(std::move(child));
    const std::string* id = child.is_object() ? FindText(child, "id") : nullptr;
    const std::string* type = child.is_object() ? FindText(child, "type") : nullptr;
    if (id == nullptr || (type != nullptr && !base::EqualsIgnoreAsciiCase(*type, kind.type))) {
      return place.At(i).Wrong("expected a " + std::string(kind.type) + " with its id");
    }
    if (!base::AsciiLower(*id).starts_with(base::AsciiLower(registry_id) + "/")) {
      return place.At(i).Wrong("it is of another registry: " + Quoted(*id));
    }
  }
  return ChildList{observed, base::DumpJson(array), ""};
}

base::Result<std::shared_ptr<const ChildLists>> ReadChildren(json children, const std::string& registry_id, const Place& place,
                                                             base::Time observed) {
  if (!children.is_object()) {
    return place.Wrong("expected an object with an array for each kind of children (" + NamesOfChildKinds() + ")");
  }
  auto lists = std::make_shared<ChildLists>();
  for (auto member = children.begin(); member != children.end(); ++member) {
    const ChildKind* kind = FindChildKind(member.key());
    const Place at{place.source, place.path + "." + base::Printable(member.key(), kMaxQuoted)};
    if (kind == nullptr || kind->is_inline || lists->contains(kind->name)) {
      return at.Wrong(kind == nullptr   ? "no kind of children that is read here; expected one of " + NamesOfChildKinds()
                      : kind->is_inline ? "these stand in the registry's own properties, and are taken from there"
                                        : "these are given twice");
    }
    base::Result<ChildList> list = ReadChildList(std::move(member.value()), *kind, registry_id, at, observed);
    if (!list) {
      return tl::unexpected(std::move(list.error()));
    }
    lists->emplace(kind->name, std::move(*list));
  }
  return lists;
}

bool IsRegistryName(std::string_view name) {
  constexpr std::size_t kMaxName = 50;  // Azure's limit
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

base::Result<Registry> ReadElement(json element, const Place& place, const Reading& reading) {
  if (!element.is_object()) {
    return place.Wrong("expected a registry, an object");
  }
  const std::string* type = FindText(element, "type");
  if (type == nullptr || !base::EqualsIgnoreAsciiCase(*type, kRegistryType)) {
    return place.Wrong(
        (type == nullptr ? "the element has no type" : "the element is a " + Quoted(*type)) + ", not a " + std::string(kRegistryType),
        "give a list of container registries alone, with all their members");
  }
  const auto given = element.find("children");
  json children = given == element.end() ? json() : std::move(*given);
  element.erase("children");
  json body = element.contains("properties") ? std::move(element) : Unflatten(std::move(element));
  const json* properties = FindMember(body, "properties");
  const std::string* id = FindText(body, "id");
  const std::string* name = FindText(body, "name");
  const std::string* login_server = properties == nullptr ? nullptr : FindText(*properties, "loginServer");
  if (id == nullptr || id->empty()) {
    return place.Wrong("the registry has no id");
  }
  if (name == nullptr || !IsRegistryName(*name)) {
    return place.Wrong(name == nullptr ? "the registry has no name" : Quoted(*name) + " is no name of a registry");
  }
  if (login_server == nullptr || login_server->empty()) {
    return place.Wrong("the registry " + Quoted(*name) + " has no loginServer");
  }
  Registry registry;
  registry.login_server = base::AsciiLower(*login_server);
  const RegistryHost host = ClassifyRegistryHost(registry.login_server, reading.suffixes);
  if (host.kind != RegistryHost::Kind::kAcr || host.login_server != registry.login_server) {
    return place.Wrong("the loginServer " + Quoted(*login_server) + " is no Azure Container Registry host");
  }
  registry.name = *name;
  registry.resource_id = *id;
  registry.observed = reading.observed;
  if (!children.is_null()) {
    auto lists = ReadChildren(std::move(children), *id, {place.source, place.path + ".children"}, reading.observed);
    if (!lists) {
      return tl::unexpected(std::move(lists.error()));
    }
    registry.children = std::move(*lists);
  }
  registry.body = RegistryBody(base::DumpJson(body));
  return registry;
}

// The elements are consumed one by one, so that values and trees do not stand in memory together.
base::Result<std::vector<Registry>> ReadElements(json elements, const Place& place, const Reading& reading) {
  std::vector<Registry> registries;
  registries.reserve(elements.size());
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    base::Result<Registry> registry = ReadElement(std::move(elements[i]), place.At(i), reading);
    if (!registry) {
      return tl::unexpected(std::move(registry.error()));
    }
    const auto [other, is_new] = places.emplace(registry->login_server, i);
    if (!is_new) {
      return place.At(i).Wrong("the login server " + Quoted(registry->login_server) + " is also that of " + place.At(other->second).path);
    }
    registries.push_back(std::move(*registry));
  }
  return registries;
}

// Resource Graph's table format: names of columns, and rows of values.
base::Result<json> RowsToObjects(json table, const Place& place) {
  const auto columns = table.find("columns");
  const auto rows = table.find("rows");
  if (columns == table.end() || !columns->is_array() || rows == table.end() || !rows->is_array()) {
    return place.Wrong("expected an array of registries, or a table with columns and rows");
  }
  json objects = json::array();
  for (std::size_t r = 0; r < rows->size(); ++r) {
    json& row = (*rows)[r];
    const Place row_place = Place{place.source, place.path + ".rows"}.At(r);
    if (!row.is_array() || row.size() != columns->size()) {
      return row_place.Wrong("expected an array with one value for each of the " + std::to_string(columns->size()) + " columns");
    }
    json object = json::object();
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string* name = FindText((*columns)[c], "name");
      if (name == nullptr) {
        return place.Wrong("columns[" + std::to_string(c) + "] has no name");
      }
      object[*name] = std::move(row[c]);
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

// Whether the answer says that there is more: resultTruncated is a string in Resource Graph's answers.
bool IsIncomplete(const json& answer) {
  const std::string* text = FindText(answer, "resultTruncated");
  const json* truncated = FindMember(answer, "resultTruncated");
  const json* total = FindMember(answer, "totalRecords");
  const json* count = FindMember(answer, "count");
  return (text != nullptr && base::EqualsIgnoreAsciiCase(*text, "true")) || (truncated != nullptr && *truncated == true) ||
         IsPresent(answer, "$skipToken") || IsPresent(answer, "skip_token") ||
         (total != nullptr && count != nullptr && total->is_number() && count->is_number() && *count < *total);
}

base::Result<std::vector<Registry>> ReadGraphAnswer(json answer, std::string_view source, const Reading& reading) {
  Place place{source, "$.data"};
  if (IsIncomplete(answer)) {
    return place.Wrong("the Resource Graph answer is one page of several, so registries are missing",
                       "join all pages into one file, with a query that projects id (az graph query --first 1000)");
  }
  json data = std::move(answer["data"]);
  if (data.is_array()) {
    return ReadElements(std::move(data), place, reading);
  }
  if (!data.is_object()) {
    return place.Wrong("expected an array of registries, or a table with columns and rows");
  }
  base::Result<json> objects = RowsToObjects(std::move(data), place);
  if (!objects) {
    return tl::unexpected(std::move(objects.error()));
  }
  place.path = "$.data.rows";
  return ReadElements(std::move(*objects), place, reading);
}

// ARM's and the resource provider's errors: {"error": {"code", "message"}}.
std::optional<std::string> ArmError(const json& answer) {
  const json* error = FindMember(answer, "error");
  if (error == nullptr || !error->is_object()) {
    return std::nullopt;
  }
  const std::string* code = FindText(*error, "code");
  const std::string* message = FindText(*error, "message");
  return (code == nullptr ? "no code" : base::Printable(*code, kMaxQuoted)) + ": " +
         (message == nullptr ? "no message" : base::Printable(*message, 4 * kMaxQuoted));
}

}  // namespace

base::Result<std::vector<Registry>> ReadRegistries(std::string_view text, std::string_view source, base::Time observed,
                                                   const RegistrySuffixes& suffixes) {
  base::Result<json> document = base::ParseJson(text, source);
  if (!document) {
    return tl::unexpected(std::move(document.error()));
  }
  const Place top{source, "$"};
  const Reading reading{observed, suffixes};
  if (document->is_array()) {
    return ReadElements(std::move(*document), top, reading);
  }
  if (!document->is_object()) {
    return top.Wrong("expected registries: what `az acr list -o json`, an ARM list or GET, or Resource Graph prints");
  }
  if (const std::optional<std::string> error = ArmError(*document)) {
    return top.Wrong("this is an error of Azure's, not a registry: " + *error);
  }
  if (document->contains("data")) {
    return ReadGraphAnswer(std::move(*document), source, reading);
  }
  if (const auto value = document->find("value"); value != document->end()) {
    if (IsPresent(*document, "nextLink")) {
      return top.Wrong("the list has a nextLink: it is one page of several, so registries are missing", "join all pages into one list");
    }
    if (!value->is_array()) {
      return Place{source, "$.value"}.Wrong("expected an array of registries");
    }
    return ReadElements(std::move(*value), Place{source, "$.value"}, reading);
  }
  base::Result<Registry> registry = ReadElement(std::move(*document), top, reading);
  if (!registry) {
    return tl::unexpected(std::move(registry.error()));
  }
  std::vector<Registry> registries;
  registries.push_back(std::move(*registry));
  return registries;
}

bool IsInSubscription(const Registry& registry, std::string_view subscription) {
  constexpr std::string_view kSubscriptions = "/subscriptions/";
  std::string_view id = registry.resource_id;
  if (!base::EqualsIgnoreAsciiCase(id.substr(0, kSubscriptions.size()), kSubscriptions)) {
    return false;
  }
  id.remove_prefix(kSubscriptions.size());
  return id.find('/') == subscription.size() && base::EqualsIgnoreAsciiCase(id.substr(0, subscription.size()), subscription);
}

void Facts::Add(std::shared_ptr<const RegistryFacts> facts) {
  std::string key = facts->registry.login_server;
  by_login_server_.insert_or_assign(std::move(key), std::move(facts));
}

void Facts::Remove(std::string_view login_server) {
  if (const auto entry = by_login_server_.find(login_server); entry != by_login_server_.end()) {
    by_login_server_.erase(entry);
  }
}

const RegistryFacts* Facts::Find(std::string_view login_server) const {
  const auto found = by_login_server_.find(login_server);
  return found == by_login_server_.end() ? nullptr : found->second.get();
}

std::shared_ptr<const RegistryFacts> Facts::FindShared(std::string_view login_server) const {
  const auto found = by_login_server_.find(login_server);
  return found == by_login_server_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const RegistryFacts>> Facts::Sorted() const {
  std::vector<std::shared_ptr<const RegistryFacts>> sorted;
  sorted.reserve(by_login_server_.size());
  for (const auto& [login_server, facts] : by_login_server_) {
    sorted.push_back(facts);
  }
  std::ranges::sort(sorted, {}, [](const auto& facts) -> const std::string& { return facts->registry.login_server; });
  return sorted;
}

}  // namespace policy
