#include "tests/support/azure_graph.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace support {
namespace {

using nlohmann::json;

constexpr std::string_view kOfRegistries = "resources | where type =~ 'microsoft.containerregistry/registries'";
constexpr std::string_view kOfLoginServers = " | where tostring(properties.loginServer) in~ (";
constexpr std::string_view kColumns = " | project id, loginServer = tostring(properties.loginServer) | order by id asc";
constexpr std::string_view kSkipToken = "page-from-";

bool Take(std::string_view& text, std::string_view prefix) {
  const bool taken = text.starts_with(prefix);
  text.remove_prefix(taken ? prefix.size() : 0);
  return taken;
}

// "'a', 'b')", taken off the text.
std::optional<std::vector<std::string>> TakeNames(std::string_view& text) {
  std::vector<std::string> names;
  while (Take(text, "'")) {
    const std::size_t end = text.find('\'');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    names.push_back(base::AsciiLower(text.substr(0, end)));
    text.remove_prefix(end + 1);
    if (Take(text, ")")) {
      std::sort(names.begin(), names.end());
      return names;
    }
    if (!Take(text, ", ")) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

bool ReadQueryText(std::string_view text, GraphQuery& query) {
  if (!Take(text, kOfRegistries)) {
    return false;
  }
  if (Take(text, kOfLoginServers)) {
    query.login_servers = TakeNames(text);
    if (!query.login_servers) {
      return false;
    }
  }
  return text == kColumns;
}

bool ReadScope(const json& body, const char* name, std::vector<std::string>& scope) {
  const auto member = body.find(name);
  if (member == body.end()) {
    return true;
  }
  if (!member->is_array()) {
    return false;
  }
  for (const json& element : *member) {
    if (!element.is_string()) {
      return false;
    }
    scope.push_back(base::AsciiLower(element.get_ref<const std::string&>()));
  }
  return true;
}

bool ReadOptions(const json& body, GraphQuery& query) {
  const json options = body.value("options", json::object());
  if (!options.is_object() || options.value("resultFormat", json()) != "objectArray") {
    return false;
  }
  const json top = options.value("$top", json(100));
  if (!top.is_number_integer() || top < 1 || top > 1000) {
    return false;
  }
  query.top = top.get<std::size_t>();
  const json token = options.value("$skipToken", json(std::string(kSkipToken) + "0"));
  std::string_view text = token.is_string() ? std::string_view(token.get_ref<const std::string&>()) : "";
  if (!Take(text, kSkipToken)) {
    return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), query.begin);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::optional<GraphQuery> ReadGraphQuery(std::string_view text) {
  const auto body = base::ParseJson(text, "query");
  if (!body || !body->is_object() || !body->contains("query") || !(*body)["query"].is_string()) {
    return std::nullopt;
  }
  GraphQuery query;
  const bool understood = ReadQueryText((*body)["query"].get_ref<const std::string&>(), query) &&
                          ReadScope(*body, "subscriptions", query.subscriptions) &&
                          ReadScope(*body, "managementGroups", query.management_groups) && ReadOptions(*body, query);
  return understood ? std::optional(std::move(query)) : std::nullopt;
}

void AzureGraph::Put(const std::string& id, const std::string& subscription, const std::string& login_server, Instant visible) {
  Row row{id, base::AsciiLower(subscription), base::AsciiLower(login_server), base::DumpJson({{"id", id}, {"loginServer", login_server}})};
  pending_.emplace(visible, Change{++last_change_, base::AsciiLower(id), std::move(row)});
}

void AzureGraph::Erase(const std::string& id, Instant visible) {
  pending_.emplace(visible, Change{++last_change_, base::AsciiLower(id), std::nullopt});
}

void AzureGraph::Settle(Instant now) {
  while (!pending_.empty() && pending_.begin()->first <= now) {
    Change& change = pending_.begin()->second;
    Known& known = known_[change.key];
    if (change.number > known.number) {
      known = {change.number, std::move(change.row)};
      Forget();
    }
    pending_.erase(pending_.begin());
  }
}

std::string AzureGraph::Answer(const GraphQuery& query, std::size_t page_rows, const std::string& scope,
                               const std::function<bool(const Row& row)>& visible) {
  std::string wanted = scope;
  for (const std::string& name : query.login_servers.value_or(std::vector<std::string>{})) {
    wanted += " " + name;
  }
  wanted += query.login_servers ? " (named)" : " (all)";
  if (wanted != selected_for_) {
    Forget();
    selected_for_ = wanted;
    for (const auto& [key, known] : known_) {
      const bool named = known.row && (!query.login_servers || std::binary_search(query.login_servers->begin(), query.login_servers->end(),
                                                                                  known.row->login_server));
      if (named && visible(*known.row)) {
        selection_.push_back(&*known.row);
      }
    }
  }
  const std::size_t total = selection_.size();
  const std::size_t begin = std::min(query.begin, total);
  const std::size_t end = std::min(begin + std::min(query.top, page_rows), total);
  std::string text = R"({"totalRecords":)" + std::to_string(total) + R"(,"count":)" + std::to_string(end - begin) + R"(,"data":[)";
  for (std::size_t i = begin; i < end; ++i) {
    text.append(i == begin ? "" : ",").append(selection_[i]->text);
  }
  text += R"(],"facets":[],"resultTruncated":"false")";  // a text, as Azure writes it
  if (end < total) {
    text += R"(,"$skipToken":")" + std::string(kSkipToken) + std::to_string(end) + "\"";
  }
  return text + "}";
}

}  // namespace support
