// The SQL that asks PostgreSQL for the rows a filter selects, and the cursors of its pages. Pure: no server is asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/postgresql.h"
#include "audit/reader.h"
#include "base/time.h"

namespace audit::postgresql {

// Where a page ended. Newest first the order is by time, and among equal times by log and number; oldest first it is the order of
// arrival, so that who follows misses none that was on its way for long.
struct Place {
  base::Time time{};
  std::string log_hex;
  std::int64_t sequence = 0;
};

// "n.1700000000000000.9d4a99365aa2bb4471e064a14d410e58.4886"
std::string NewestCursor(const Place& place);
std::optional<Place> ParseNewestCursor(std::string_view text);

// "o.4886"
std::string ArrivalCursor(std::int64_t arrival);
std::optional<std::int64_t> ParseArrivalCursor(std::string_view text);

struct Statement {
  std::string sql;
  std::vector<Parameter> parameters;

  // "$N", for a value that is added.
  std::string Add(std::string value);
};

// Whether what the filter selects is counted in hourly, by whole hours.
bool HasRollUps(const Filter& filter);

// As AddFilter, of hourly: cluster, namespace and the hours from `since` before `until`, which are whole. Its columns say the decision.
void AddHourlyFilter(Statement& statement, const Filter& filter, const std::string& own_cluster);

// " WHERE …": what all rows must be like, with "AND …" to be appended. Of `own_cluster` they are whatever the filter says; "": of any.
void AddFilter(Statement& statement, const Filter& filter, const std::string& own_cluster);

}  // namespace audit::postgresql
