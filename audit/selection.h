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

// What rows are found by. SQLite has no statistics to choose by, so each statement names its index.
enum class Way { kRows, kUid, kDecision };

// The best way for a filter.
Way WayFor(const Filter& filter);

struct IdRange {
  std::int64_t first = 1;
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

struct Selection {
  std::string sql;
  std::vector<std::variant<std::int64_t, std::string>> values;  // of the parameters ?1, ?2, …
};

// "SELECT columns FROM … WHERE …", of the table `decision`, with every clause of the filter. Needs the function
// image_glob(pattern, text) where the filter has an image.
Selection Select(std::string_view columns, const Filter& filter, Way way, const IdRange& ids);

// Ends the text: in the order of ids, at most `limit` rows.
void OrderAndLimit(Selection& selection, Order order, std::int64_t limit);

}  // namespace audit
