// The SQL that selects the rows a filter asks for, and the index that it walks. Pure: no database is asked.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "audit/reader.h"

namespace audit {

// What rows are found by. SQLite has no statistics to choose by, so each statement names its index. The last four find only what is
// not allowed; the last three are there from schema version 3 on.
enum class Way { kRows, kUid, kDecision, kNamespace, kRegistry, kUser };

// Whether the filter says what that way walks along, and nothing of that can be among the other rows.
bool Leads(Way way, const Filter& filter);

// Whether the filter has the beginning of a text there, and not the whole. Its rows do not come in the order of ids then, and all
// of them are gathered before the first is handed out.
bool Gathers(Way way, const Filter& filter);

struct IdRange {
  std::int64_t first = 1;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

struct Selection {
  std::string sql;
  std::vector<std::variant<std::int64_t, std::string>> values;  // of the parameters ?1, ?2, …
};

// "SELECT columns FROM … WHERE …" with every clause of the filter. The table is `d`: columns are d.id, d.record, … Needs the function
// image_glob(pattern, text) where the filter has an image.
Selection Select(std::string_view columns, const Filter& filter, Way way, const IdRange& ids);

// Ends the text: in the order of ids, at most `limit` rows.
void OrderAndLimit(Selection& selection, Order order, std::int64_t limit);

// " AND column …" for a text that is marked * in Filter; nothing where any will do.
void AddTextClause(Selection& selection, const std::string& column, const std::string& wanted);

// How many rows there are on that way, whatever else the filter says; counts no further than `limit`. For the last three ways.
Selection CountUpTo(const Filter& filter, Way way, const IdRange& ids, std::int64_t limit);

}  // namespace audit
