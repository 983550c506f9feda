#include "azure/resource_graph.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "azure/resource_id.h"
#include "base/text.h"

namespace azure {
namespace {

using nlohmann::json;

constexpr std::string_view kRegistries = "resources | where type =~ 'microsoft.containerregistry/registries'";
constexpr std::string_view kColumns = " | project id, loginServer = tostring(properties.loginServer) | order by id asc";

const json* Member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const std::string* TextMember(const json& object, const char* name) {
  const json* member = Member(object, name);
  return member == nullptr ? nullptr : member->get_ptr<const std::string*>();
}

std::optional<std::uint64_t> CountMember(const json& object, const char* name) {
  const json* member = Member(object, name);
  return member != nullptr && member->is_number_integer() && *member >= 0 ? std::optional(member->get<std::uint64_t>()) : std::nullopt;
}

// "true" and "false" as texts are what is documented; a boolean is what anybody would write.
std::optional<bool> Truncated(const json& answer) {
  const json* member = Member(answer, "resultTruncated");
  if (member == nullptr) {
    return std::nullopt;
  }
  if (member->is_boolean()) {
    return member->get<bool>();
  }
  const auto* text = member->get_ptr<const std::string*>();
  if (text != nullptr && base::EqualsIgnoreAsciiCase(*text, "true")) {
    return true;
  }
  return text != nullptr && base::EqualsIgnoreAsciiCase(*text, "false") ? std::optional(false) : std::nullopt;
}

tl::unexpected<std::string> Wrong(const std::string& what) { return tl::unexpected("Resource Graph's answer: " + what); }

tl::expected<Discovered, std::string> ReadRow(const json& row, std::size_t index) {
  const std::string place = "data[" + std::to_string(index) + "]: ";
  if (!row.is_object()) {
    return Wrong(place + "expected an object: resultFormat objectArray was asked for");
  }
  const std::string* id = TextMember(row, "id");
  const std::optional<RegistryId> parsed = id == nullptr ? std::nullopt : ParseRegistryId(*id);
  if (!parsed) {
    return Wrong(place + "expected the id of a registry");
  }
  Discovered found;
  found.resource_id = *id;
  found.subscription = base::AsciiLower(parsed->subscription);
  const std::string* login_server = TextMember(row, "loginServer");
  found.login_server = login_server == nullptr ? "" : base::AsciiLower(*login_server);
  return found;
}

json GraphRequest(const std::string& query) {
  return {{"query", query}, {"options", {{"$top", kGraphPageRows}, {"resultFormat", "objectArray"}}}};
}

void AddRequests(const std::string& query, const char* member, const std::vector<std::string>& names, std::vector<json>& requests) {
  for (std::size_t begin = 0; begin < names.size(); begin += kMaxGraphScopes) {
    json request = GraphRequest(query);
    json part = json::array();
    for (std::size_t i = begin; i < std::min(begin + kMaxGraphScopes, names.size()); ++i) {
      part.push_back(names[i]);
    }
    request[member] = std::move(part);
    requests.push_back(std::move(request));
  }
}

}  // namespace

std::string AllRegistriesQuery() { return std::string(kRegistries) + std::string(kColumns); }

std::string RegistriesQuery(const std::vector<std::string>& login_servers) {
  std::string names;
  for (const std::string& name : login_servers) {
    names += (names.empty() ? "'" : ", '") + name + "'";
  }
  return std::string(kRegistries) + " | where tostring(properties.loginServer) in~ (" + names + ")" + std::string(kColumns);
}

bool IsQuotable(std::string_view name) {
  constexpr std::size_t kMaxHostBytes = 253;  // RFC 1035, as text
  return !name.empty() && name.size() <= kMaxHostBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

std::vector<json> GraphRequests(const std::string& query, const Scope& scope) {
  std::vector<json> requests;
  AddRequests(query, "subscriptions", scope.subscriptions, requests);
  AddRequests(query, "managementGroups", scope.management_groups, requests);
  if (requests.empty()) {  // all that the identity can see
    requests.push_back(GraphRequest(query));
  }
  return requests;
}

json NextGraphRequest(json request, const std::string& skip_token) {
  request["options"]["$skipToken"] = skip_token;
  return request;
}

tl::expected<GraphPage, std::string> ReadGraphPage(const json& answer) {
  const json* data = Member(answer, "data");
  const auto count = CountMember(answer, "count");
  const auto total = CountMember(answer, "totalRecords");
  const std::optional<bool> truncated = Truncated(answer);
  const std::string* skip_token = TextMember(answer, "$skipToken");
  if (data == nullptr || !data->is_array()) {
    return Wrong("expected data, an array of objects");
  }
  if (!count || !total || !truncated) {
    return Wrong("expected count, totalRecords and resultTruncated");
  }
  if (*count != data->size() || *total < *count) {
    return Wrong("count " + std::to_string(*count) + ", totalRecords " + std::to_string(*total) + " and " + std::to_string(data->size()) +
                 " rows do not agree");
  }
  GraphPage page;
  page.total = *total;
  page.skip_token = skip_token == nullptr ? "" : *skip_token;
  if (*truncated && page.skip_token.empty()) {
    return Wrong("it is truncated, and names no further page");
  }
  if (data->empty() && !page.skip_token.empty()) {
    return Wrong("an empty page names a further one");
  }
  page.rows.reserve(data->size());
  for (std::size_t i = 0; i < data->size(); ++i) {
    tl::expected<Discovered, std::string> row = ReadRow((*data)[i], i);
    if (!row) {
      return tl::unexpected(std::move(row.error()));
    }
    page.rows.push_back(std::move(*row));
  }
  return page;
}

}  // namespace azure
