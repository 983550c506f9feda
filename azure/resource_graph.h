// What Resource Graph is asked, and what it answered. It discovers, and nothing is decided on it: it may be hours behind.
// https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "azure/registry_reader.h"

namespace azure {

inline constexpr std::string_view kResourceGraphTarget = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";

inline constexpr std::size_t kGraphPageRows = 1000;  // the most that Resource Graph gives
inline constexpr std::size_t kMaxGraphScopes = 300;  // subscriptions or management groups that one query should name

// In Resource Graph's language (KQL). Both project the id and order by it: without, there are no pages, and pages overlap.
std::string AllRegistriesQuery();
// `login_servers` are put between quotes: each must pass IsQuotable.
std::string RegistriesQuery(const std::vector<std::string>& login_servers);

// Whether a name can stand in a query: letters, digits, '-' and '.', up to 253 bytes. Anything else is no host, and a query
// that Azure refuses would take the other names in it along.
bool IsQuotable(std::string_view name);

// The bodies that put `query` to all of the scope: one, or one for each kMaxGraphScopes of its members.
std::vector<nlohmann::json> GraphRequests(const std::string& query, const Scope& scope);
// The same for the page that `skip_token` leads to.
nlohmann::json NextGraphRequest(nlohmann::json request, const std::string& skip_token);

struct GraphPage {
  std::vector<Discovered> rows;
  std::uint64_t total = 0;  // rows of all pages, as of this one
  std::string skip_token;   // "" after the last page
};

// The error is a message: what does not add up. An answer that is truncated with no way to go on is one.
tl::expected<GraphPage, std::string> ReadGraphPage(const nlohmann::json& answer);

}  // namespace azure
