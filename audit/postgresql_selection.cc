#include "audit/postgresql_selection.h"

#include <charconv>
#include <utility>

#include "audit/forwarded_row.h"
#include "base/hex.h"
#include "base/text.h"

namespace audit::postgresql {
namespace {

constexpr std::size_t kLogDigits = 32;

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // No other spelling of the number is taken.
  const bool whole = error == std::errc() && number >= 0 && std::to_string(number) == text;
  return whole ? std::optional(number) : std::nullopt;
}

// A pattern of LIKE that the text itself matches, and nothing else.
std::string Literally(std::string_view text) {
  std::string pattern;
  for (const char c : Storable(text)) {
    if (c == '%' || c == '_' || c == '\\') {
      pattern += '\\';
    }
    pattern += c;
  }
  return pattern;
}

// Of a glob ('*', '?').
std::string Pattern(std::string_view glob) {
  std::string pattern;
  for (const char c : glob) {
    c == '*' ? pattern += '%' : c == '?' ? pattern += '_' : pattern += Literally({&c, 1});
  }
  return pattern;
}

// "= $1", or "LIKE $1" for a beginning.
std::string Comparison(Statement& statement, const std::string& wanted) {
  if (wanted.ends_with('*')) {
    return "LIKE " + statement.Add(Literally(std::string_view(wanted).substr(0, wanted.size() - 1)) + "%");
  }
  return "= " + statement.Add(Storable(wanted));
}

void AddClusters(Statement& statement, const Filter& filter, const std::string& own_cluster) {
  for (const std::string& cluster : {filter.cluster, own_cluster}) {
    if (!cluster.empty()) {
      statement.sql += " AND cluster = " + statement.Add(Storable(cluster));
    }
  }
}

}  // namespace

std::string NewestCursor(const Place& place) {
  return "n." + std::to_string(place.time.time_since_epoch().count()) + "." + place.log_hex + "." + std::to_string(place.sequence);
}

std::optional<Place> ParseNewestCursor(std::string_view text) {
  if (!text.starts_with("n.")) {
    return std::nullopt;
  }
  text.remove_prefix(2);
  const std::size_t log = text.find('.');
  const std::size_t sequence = log == std::string_view::npos ? log : text.find('.', log + 1);
  if (sequence == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view log_hex = text.substr(log + 1, sequence - log - 1);
  const auto time = ParseNumber(text.substr(0, log));
  const auto number = ParseNumber(text.substr(sequence + 1));
  if (!time || !number || log_hex.size() != kLogDigits || !base::FromHex(log_hex)) {
    return std::nullopt;
  }
  return Place{base::Time(std::chrono::microseconds(*time)), std::string(log_hex), *number};
}

std::string ArrivalCursor(std::int64_t arrival) { return "o." + std::to_string(arrival); }

std::optional<std::int64_t> ParseArrivalCursor(std::string_view text) {
  return text.starts_with("o.") ? ParseNumber(text.substr(2)) : std::nullopt;
}

std::string Statement::Add(std::string value) {
  parameters.emplace_back(std::move(value));
  return "$" + std::to_string(parameters.size());
}

bool HasRollUps(const Filter& filter) {
  return filter.registry.empty() && filter.image.empty() && filter.user.empty() && filter.uid.empty();
}

void AddHourlyFilter(Statement& statement, const Filter& filter, const std::string& own_cluster) {
  std::string& sql = statement.sql;
  sql += " WHERE true";
  if (filter.since) {
    sql += " AND hour >= " + statement.Add(base::FormatTime(ForwardedTime(*filter.since))) + "::timestamptz";
  }
  if (filter.until) {
    sql += " AND hour < " + statement.Add(base::FormatTime(ForwardedTime(*filter.until))) + "::timestamptz";
  }
  if (!filter.namespace_name.empty()) {
    sql += " AND namespace " + Comparison(statement, filter.namespace_name);
  }
  AddClusters(statement, filter, own_cluster);
}

void AddFilter(Statement& statement, const Filter& filter, const std::string& own_cluster) {
  std::string& sql = statement.sql;
  sql += " WHERE true";
  if (filter.since) {
    sql += " AND time >= " + statement.Add(base::FormatTime(ForwardedTime(*filter.since))) + "::timestamptz";
  }
  if (filter.until) {
    sql += " AND time < " + statement.Add(base::FormatTime(ForwardedTime(*filter.until))) + "::timestamptz";
  }
  if (!filter.namespace_name.empty()) {
    sql += " AND namespace " + Comparison(statement, filter.namespace_name);
  }
  if (!filter.decision.empty()) {
    sql += " AND decision " + Comparison(statement, filter.decision);
    // The index of what is not allowed is for statements that say so.
    sql += filter.decision == "Allowed" ? "" : " AND decision <> 'Allowed'";
  }
  if (!filter.registry.empty()) {
    const std::string registry = base::AsciiLower(filter.registry);
    if (registry.ends_with('*')) {
      sql += " AND EXISTS (SELECT FROM unnest(registries) AS r WHERE r " + Comparison(statement, registry) + ")";
    } else {
      sql += " AND registries @> ARRAY[" + statement.Add(Storable(registry)) + "::text COLLATE \"C\"]";
    }
  }
  if (!filter.image.empty()) {
    sql += " AND EXISTS (SELECT FROM unnest(images) AS i WHERE i LIKE " + statement.Add(Pattern(filter.image)) + ")";
  }
  if (!filter.user.empty()) {
    sql += " AND \"user\" " + Comparison(statement, filter.user);
  }
  if (!filter.uid.empty()) {
    sql += " AND uid = " + statement.Add(Storable(filter.uid));
  }
  AddClusters(statement, filter, own_cluster);
}

}  // namespace audit::postgresql
