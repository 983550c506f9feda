// Answers questions about the log, from a read-only connection of its own: `serve` may be writing meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace audit {

// Every filter that is set must hold. Newest first.
struct Query {
  std::optional<base::Time> since = {};  // inclusive
  std::optional<base::Time> until = {};  // exclusive
  std::string namespace_name = {};
  std::string decision = {};  // "Allowed", "Warned", "Denied"; "" any
  std::string registry = {};  // host of any image, case ignored
  std::string image = {};     // glob over any image as written: '*' any text, '?' one character
  std::string user = {};
  std::string uid = {};
  std::int64_t limit = 100;
  std::optional<std::int64_t> after_row = {};  // --follow: only rows committed after this one, oldest first
};

struct Row {
  std::int64_t id = 0;
  std::string json;
};

// Calls `row` for each match until it returns false.
base::Result<void> RunQuery(const std::string& database, const Query& query, const std::function<bool(const Row&)>& row);

// The newest row's id, where --follow begins; 0 for an empty log.
base::Result<std::int64_t> NewestRow(const std::string& database);

}  // namespace audit
