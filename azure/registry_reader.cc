#include "azure/registry_reader.h"

#include <optional>
#include <unordered_set>
#include <utility>

#include <nlohmann/json.hpp>

#include "azure/arm.h"
#include "azure/child_reader.h"
#include "azure/paging.h"
#include "azure/resource_graph.h"
#include "azure/resource_id.h"
#include "base/json.h"
#include "base/text.h"
#include "http/url.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Kind = ArmError::Kind;

constexpr std::string_view kRegistriesPath = "/providers/Microsoft.ContainerRegistry/registries";
constexpr std::string_view kNextLink = "nextLink";
constexpr std::string_view kReadRegistries = "Microsoft.ContainerRegistry/registries/read";
constexpr std::string_view kReadConnections = "Microsoft.ContainerRegistry/registries/privateEndpointConnections/read";

// The least of the built-in roles: it reads registries and cannot pull from them. It may list an admin account's password, so a
// custom role is less still.
// https://learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-directory-reference
constexpr std::string_view kBuiltInRole = "Container Registry Configuration Reader and Data Access Configuration Reader";

class Reader final : public RegistryReader {
 public:
  Reader(Arm& arm, const base::Clock& clock, std::string api_version, Pause pause, policy::RegistrySuffixes suffixes)
      : arm_(arm),
        clock_(clock),
        api_version_(std::move(api_version)),
        version_query_("?api-version=" + http::PercentEncode(api_version_)),
        pause_(std::move(pause)),
        suffixes_(std::move(suffixes)) {}

  ArmResult<std::vector<Discovered>> Discover(const Scope& scope, milliseconds deadline) override {
    return Query(AllRegistriesQuery(), scope, deadline);
  }
  ArmResult<std::vector<Discovered>> LookUp(const std::vector<std::string>& login_servers, const Scope& scope,
                                            milliseconds deadline) override;
  ArmResult<std::vector<policy::Registry>> List(const std::string& subscription, milliseconds deadline) override;
  ArmResult<policy::Registry> Get(const std::string& resource_id, milliseconds deadline) override;
  ArmResult<policy::ChildList> ListChildren(const std::string& resource_id, std::string_view kind, milliseconds deadline) override;

 private:
  // Registries as they came, beside the trees of their bodies.
  struct Page {
    std::vector<policy::Registry> registries;
    std::vector<json> bodies;
    std::string next;  // "" after the last
  };

  ArmResult<json> Call(const CallOnce& call, const Budget& budget, Patience patience) const {
    return CallForPage(call, budget, patience, pause_);
  }
  ArmResult<json> GetJson(const std::string& target, const Budget& budget, Patience patience) const;

  ArmResult<std::vector<Discovered>> Query(const std::string& query, const Scope& scope, milliseconds deadline) const;
  // Adds the rows of all pages that are not among `ids` yet.
  ArmResult<void> ReadGraph(json request, const Budget& budget, Patience patience, std::unordered_set<std::string>& ids,
                            std::vector<Discovered>& found) const;
  ArmResult<Page> ReadListPage(const std::string& subscription, const std::string& target, const Budget& budget, Patience patience) const;
  // Completes a body that lacks its connections. False when this api-version knows of none.
  ArmResult<bool> AddConnections(policy::Registry& registry, json& body, const Budget& budget) const;
  ArmResult<json> ReadConnections(const RegistryId& id, const Budget& budget) const;

  ArmError Explain(ArmError error, std::string_view action, const std::string& scope) const;

  Arm& arm_;
  const base::Clock& clock_;
  const std::string api_version_;
  const std::string version_query_;
  const Pause pause_;
  const policy::RegistrySuffixes suffixes_;
};

bool LacksConnections(const json& body) {
  const auto properties = body.find("properties");
  if (properties == body.end() || !properties->is_object()) {
    return false;
  }
  const auto connections = properties->find("privateEndpointConnections");
  return connections == properties->end() || connections->is_null();
}

ArmResult<json> Reader::GetJson(const std::string& target, const Budget& budget, Patience patience) const {
  return Call([&](milliseconds left) { return arm_.Get(target, left); }, budget, patience);
}

ArmError Reader::Explain(ArmError error, std::string_view action, const std::string& scope) const {
  if (error.kind == Kind::kForbidden && error.remedy.empty()) {
    error.remedy = "assign the role of docs/azure.md, or any with " + std::string(action) + ", at " + scope + " to " + arm_.Identity() +
                   "; without a role of your own the built-in \"" + std::string(kBuiltInRole) + "\" fits; a role acts within 30 minutes";
  }
  return error;
}

ArmResult<std::vector<Discovered>> Reader::LookUp(const std::vector<std::string>& login_servers, const Scope& scope,
                                                  milliseconds deadline) {
  if (login_servers.size() > kMaxLookUp) {
    return Rejected("at most " + std::to_string(kMaxLookUp) + " login servers can be looked up at a time");
  }
  std::vector<std::string> names;
  for (const std::string& name : login_servers) {
    if (IsQuotable(name)) {
      names.push_back(base::AsciiLower(name));
    }
  }
  return names.empty() ? std::vector<Discovered>{} : Query(RegistriesQuery(names), scope, deadline);
}

ArmResult<std::vector<Discovered>> Reader::Query(const std::string& query, const Scope& scope, milliseconds deadline) const {
  const Budget budget(clock_, deadline);
  std::vector<Discovered> found;
  std::unordered_set<std::string> ids;  // lower-case: management groups may hold each other
  Patience patience = Patience::kNone;
  for (json& request : GraphRequests(query, scope)) {
    if (const ArmResult<void> read = ReadGraph(std::move(request), budget, patience, ids, found); !read) {
      return tl::unexpected(Explain(read.error(), kReadRegistries, "the subscriptions or management groups of the scope"));
    }
    patience = Patience::kPauses;
  }
  return found;
}

ArmResult<void> Reader::ReadGraph(json request, const Budget& budget, Patience patience, std::unordered_set<std::string>& ids,
                                  std::vector<Discovered>& found) const {
  std::unordered_set<std::string> ids_of_query;
  for (std::size_t pages = 0; pages < kMaxPages; ++pages) {
    ArmResult<json> answer =
        Call([&](milliseconds left) { return arm_.Post(std::string(kResourceGraphTarget), request, left); }, budget, patience);
    if (!answer) {
      // Not a registry's: whatever is not found here is no answer about one.
      answer.error().kind = answer.error().kind == Kind::kNotFound ? Kind::kUnavailable : answer.error().kind;
      return tl::unexpected(std::move(answer.error()));
    }
    tl::expected<GraphPage, std::string> page = ReadGraphPage(*answer);
    if (!page) {
      return Unavailable(std::move(page.error()));
    }
    for (Discovered& row : page->rows) {
      std::string id = base::AsciiLower(row.resource_id);
      ids_of_query.insert(id);
      if (ids.insert(std::move(id)).second) {
        found.push_back(std::move(row));
      }
    }
    if (page->skip_token.empty()) {
      // A registry that came or went between two pages shifts the rest: one may then be missing, and another be there twice.
      if (ids_of_query.size() < page->total) {
        return Unavailable("Resource Graph told of " + std::to_string(page->total) + " registries and gave " +
                           std::to_string(ids_of_query.size()));
      }
      return {};
    }
    request = NextGraphRequest(std::move(request), page->skip_token);
    patience = Patience::kPauses;
  }
  return Unavailable("Resource Graph's answer has more than " + std::to_string(kMaxPages) + " pages");
}

ArmResult<std::vector<policy::Registry>> Reader::List(const std::string& subscription, milliseconds deadline) {
  if (!IsSubscriptionId(subscription)) {
    return Rejected("\"" + base::Printable(subscription, 64) + "\" is no id of a subscription");
  }
  const Budget budget(clock_, deadline);
  std::vector<policy::Registry> registries;
  std::unordered_set<std::string> login_servers;
  bool has_connections_list = true;
  std::string target = "/subscriptions/" + subscription + std::string(kRegistriesPath) + version_query_;
  for (std::size_t pages = 0; pages < kMaxPages; ++pages) {
    ArmResult<Page> page = ReadListPage(subscription, target, budget, pages == 0 ? Patience::kNone : Patience::kPauses);
    if (!page) {
      if (page.error().kind == Kind::kNotFound && pages > 0) {  // a link that has lapsed, not the subscription
        page.error().kind = Kind::kUnavailable;
      }
      return tl::unexpected(Explain(std::move(page.error()), kReadRegistries, "/subscriptions/" + subscription));
    }
    for (std::size_t i = 0; i < page->registries.size(); ++i) {
      policy::Registry& registry = page->registries[i];
      if (!login_servers.insert(registry.login_server).second) {
        return Unavailable("the list of subscription " + subscription + " holds " + registry.login_server + " on two pages");
      }
      if (has_connections_list && LacksConnections(page->bodies[i])) {
        const ArmResult<bool> added = AddConnections(registry, page->bodies[i], budget);
        if (!added) {
          return tl::unexpected(added.error());
        }
        has_connections_list = *added;
      }
      registries.push_back(std::move(registry));
    }
    if (page->next.empty()) {
      return registries;
    }
    target = std::move(page->next);
  }
  return Unavailable("the list of subscription " + subscription + " has more than " + std::to_string(kMaxPages) + " pages");
}

ArmResult<Reader::Page> Reader::ReadListPage(const std::string& subscription, const std::string& target, const Budget& budget,
                                             Patience patience) const {
  base::Time asked = clock_.Now();
  ArmResult<json> answer = Call(
      [&](milliseconds left) {
        asked = clock_.Now();
        return arm_.Get(target, left);
      },
      budget, patience);
  if (!answer) {
    return tl::unexpected(std::move(answer.error()));
  }
  const std::string source = "the registries of subscription " + subscription;
  const auto value = answer->find("value");
  std::optional<std::string> next = NextLink(*answer, kNextLink);
  if (value == answer->end() || !value->is_array() || !next) {
    return Unavailable(source + ": expected a list, an object with an array \"value\"");
  }
  json list = {{"value", std::move(*value)}};
  base::Result<std::vector<policy::Registry>> read = policy::ReadRegistries(base::DumpJson(list), source, asked, suffixes_);
  if (!read) {
    return Unavailable(std::move(read.error().message));
  }
  Page page;
  page.registries = std::move(*read);
  page.bodies = std::move(list["value"].get_ref<std::vector<json>&>());
  page.next = std::move(*next);
  for (std::size_t i = 0; i < page.registries.size(); ++i) {
    const std::optional<RegistryId> id = ParseRegistryId(page.registries[i].resource_id);
    if (!id || !base::EqualsIgnoreAsciiCase(id->subscription, subscription)) {
      return Unavailable(source + ": $.value[" + std::to_string(i) + "]: its id is not that of a registry in this subscription");
    }
  }
  return page;
}

ArmResult<policy::Registry> Reader::Get(const std::string& resource_id, milliseconds deadline) {
  const std::optional<RegistryId> id = ParseRegistryId(resource_id);
  if (!id) {
    return Rejected("\"" + base::Printable(resource_id, 512) + "\" is no id of a registry");
  }
  const Budget budget(clock_, deadline);
  const base::Time asked = clock_.Now();
  ArmResult<json> body = GetJson(id->Path() + version_query_, budget, Patience::kNone);
  if (!body) {
    return tl::unexpected(Explain(std::move(body.error()), kReadRegistries, resource_id));
  }
  // A list of one, so that an answer that is a list itself is none.
  json list = {{"value", json::array({*body})}};
  base::Result<std::vector<policy::Registry>> read =
      policy::ReadRegistries(base::DumpJson(list), "the registry " + resource_id, asked, suffixes_);
  if (!read) {
    return Unavailable(std::move(read.error().message));
  }
  policy::Registry registry = std::move(read->front());
  if (!base::EqualsIgnoreAsciiCase(registry.resource_id, resource_id)) {
    return Unavailable("asked for " + resource_id + ", Azure answered with another resource");
  }
  if (LacksConnections(*body)) {
    if (const ArmResult<bool> added = AddConnections(registry, *body, budget); !added) {
      return tl::unexpected(added.error());
    }
  }
  return registry;
}

ArmResult<policy::ChildList> Reader::ListChildren(const std::string& resource_id, std::string_view kind, milliseconds deadline) {
  ArmResult<policy::ChildList> children = ReadChildren(arm_, clock_, pause_, api_version_, resource_id, kind, deadline);
  if (!children && children.error().kind == Kind::kForbidden && children.error().remedy.empty()) {
    children.error().remedy = "add Microsoft.ContainerRegistry/registries/" + std::string(kind) +
                              "/read to the role of docs/azure.md that " + arm_.Identity() + " has there; it acts within 30 minutes";
  }
  return children;
}

ArmResult<bool> Reader::AddConnections(policy::Registry& registry, json& body, const Budget& budget) const {
  const std::optional<RegistryId> id = ParseRegistryId(registry.resource_id);
  ArmResult<json> connections = ReadConnections(*id, budget);
  if (!connections) {
    ArmError& error = connections.error();
    if (error.kind == Kind::kRejected && error.status != 0) {
      return false;
    }
    // That the registry is gone is for its own GET to say.
    error.kind = error.kind == Kind::kNotFound ? Kind::kUnavailable : error.kind;
    return tl::unexpected(Explain(std::move(error), kReadConnections, registry.resource_id));
  }
  body["properties"]["privateEndpointConnections"] = std::move(*connections);
  registry.body = policy::RegistryBody(base::DumpJson(body));
  return true;
}

ArmResult<json> Reader::ReadConnections(const RegistryId& id, const Budget& budget) const {
  json connections = json::array();
  std::string target = id.Path() + "/privateEndpointConnections" + version_query_;
  for (std::size_t pages = 0; pages < kMaxPages; ++pages) {
    ArmResult<json> answer = GetJson(target, budget, Patience::kPauses);
    if (!answer) {
      return answer;
    }
    const auto value = answer->find("value");
    std::optional<std::string> next = NextLink(*answer, kNextLink);
    if (value == answer->end() || !value->is_array() || !next) {
      return Unavailable("the private endpoint connections of " + id.Path() + ": expected a list, an object with an array \"value\"");
    }
    for (json& connection : *value) {
      connections.push_back(std::move(connection));
    }
    if (next->empty()) {
      return connections;
    }
    target = std::move(*next);
  }
  return Unavailable("the private endpoint connections of " + id.Path() + " have more than " + std::to_string(kMaxPages) + " pages");
}

}  // namespace

std::unique_ptr<RegistryReader> MakeRegistryReader(Arm& arm, const base::Clock& clock, std::string api_version, Pause pause,
                                                   policy::RegistrySuffixes suffixes) {
  return std::make_unique<Reader>(arm, clock, std::move(api_version), std::move(pause), std::move(suffixes));
}

}  // namespace azure
