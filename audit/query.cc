#include "audit/query.h"

#include <sqlite3.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/glob.h"
#include "audit/open_for_reading.h"
#include "audit/sqlite.h"
#include "base/text.h"

namespace audit {
namespace {

using sqlite::Outcome;
using sqlite::Statement;

// Rows read at a time. They are handed on with no statement open: a reader that is held up (`… | less`) must not keep
// serve from emptying its write-ahead log. At most 16 MiB.
constexpr std::int64_t kPageRows = 256;

constexpr std::int64_t kNoRow = std::numeric_limits<std::int64_t>::max();

// image_glob(pattern, text)
void ImageGlob(sqlite3_context* context, int, sqlite3_value** values) {
  const auto text = [&](int i) {
    const auto* data = static_cast<const char*>(sqlite3_value_blob(values[i]));
    return data == nullptr ? std::string_view() : std::string_view(data, static_cast<std::size_t>(sqlite3_value_bytes(values[i])));
  };
  sqlite3_result_int(context, GlobMatches(text(0), text(1)) ? 1 : 0);
}

// With the function that queries use.
base::Result<sqlite::Connection> OpenForQueries(const std::string& path) {
  auto connection = OpenForReading(path, Versions::kAll);
  if (!connection) {
    return connection;
  }
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  if (sqlite3_create_function_v2(connection->handle(), "image_glob", 2, kFlags, nullptr, ImageGlob, nullptr, nullptr, nullptr) !=
      SQLITE_OK) {
    return tl::unexpected<base::Error>(sqlite::LastFailure(connection->handle()));
  }
  return connection;
}

// The smallest id that a row of that time or later can have: `latest` grows with the id, whatever the clock did.
Outcome<std::int64_t> FirstSince(sqlite::Connection& connection, base::Time since) {
  auto newest = connection.QueryInt("SELECT max(id) FROM decision");
  auto row_at = connection.Prepare("SELECT id, latest FROM decision WHERE id >= ?1 ORDER BY id LIMIT 1");
  if (!newest || !row_at) {
    return tl::unexpected(newest ? row_at.error() : newest.error());
  }
  std::int64_t low = 1;
  std::int64_t high = *newest + 1;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const auto row = row_at->Bind(1, middle).Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    if (!*row || row_at->Int(1) >= since.time_since_epoch().count()) {
      high = middle;
    } else {
      low = row_at->Int(0) + 1;
    }
    row_at->Reset();
  }
  return low;
}

// The clauses are fixed texts; every value is a parameter. The index is named, since there are no statistics to choose by.
std::string SqlOf(const Query& query) {
  std::string sql = "SELECT id, record FROM decision";
  if (!query.uid.empty()) {
    sql += " INDEXED BY decision_by_uid";
  } else if (query.decision == "Denied" || query.decision == "Warned") {
    sql += " INDEXED BY decision_not_allowed";
  }
  sql += " WHERE id > ?1 AND id < ?2";
  const auto add = [&](bool wanted, std::string_view clause) {
    if (wanted) {
      sql += clause;
    }
  };
  add(query.since.has_value(), " AND time >= ?3");
  add(query.until.has_value(), " AND time < ?4");
  add(!query.namespace_name.empty(), " AND namespace = ?5");
  add(!query.decision.empty(), " AND decision = ?6");
  add(query.decision == "Denied" || query.decision == "Warned", " AND decision <> 'Allowed'");  // makes the partial index usable
  add(!query.registry.empty(), " AND instr(registries, ?7) > 0");
  add(!query.image.empty(), " AND EXISTS (SELECT 1 FROM json_each(record, '$.images') WHERE image_glob(?8, value ->> '$.image'))");
  add(!query.user.empty(), " AND user = ?9");
  add(!query.uid.empty(), " AND uid = ?10");
  sql += query.after_row ? " ORDER BY id LIMIT ?11" : " ORDER BY id DESC LIMIT ?11";
  return sql;
}

Outcome<std::vector<Row>> ReadPage(Statement& statement) {
  std::vector<Row> rows;
  while (true) {
    const auto row = statement.Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    if (!*row) {
      return rows;
    }
    rows.push_back({statement.Int(0), std::string(statement.Text(1))});
  }
}

}  // namespace

base::Result<void> RunQuery(const std::string& database, const Query& query, const std::function<bool(const Row&)>& row) {
  auto connection = OpenForQueries(database);
  if (!connection) {
    return tl::unexpected(connection.error());
  }
  std::int64_t after = query.after_row.value_or(0);
  std::int64_t before = kNoRow;
  if (query.since) {
    const auto first = FirstSince(*connection, *query.since);
    if (!first) {
      return tl::unexpected<base::Error>(first.error());
    }
    after = std::max(after, *first - 1);
  }
  auto statement = connection->Prepare(SqlOf(query));
  if (!statement) {
    return tl::unexpected<base::Error>(statement.error());
  }
  const std::string registry = " " + base::AsciiLower(query.registry) + " ";
  for (std::int64_t left = query.limit; left > 0;) {
    const std::int64_t wanted = std::min(left, kPageRows);
    statement->Bind(1, after).Bind(2, before).Bind(11, wanted);
    const auto bind_text = [&](int parameter, std::string_view text) {
      if (!text.empty()) {
        statement->Bind(parameter, text);
      }
    };
    if (query.since) {
      statement->Bind(3, query.since->time_since_epoch().count());
    }
    if (query.until) {
      statement->Bind(4, query.until->time_since_epoch().count());
    }
    bind_text(5, query.namespace_name);
    bind_text(6, query.decision);
    bind_text(7, query.registry.empty() ? std::string_view() : std::string_view(registry));
    bind_text(8, query.image);
    bind_text(9, query.user);
    bind_text(10, query.uid);
    const auto rows = ReadPage(*statement);
    if (!rows) {
      return tl::unexpected<base::Error>(rows.error());
    }
    for (const Row& found : *rows) {
      if (!row(found)) {
        return {};
      }
    }
    if (static_cast<std::int64_t>(rows->size()) < wanted) {
      return {};
    }
    (query.after_row ? after : before) = rows->back().id;
    left -= wanted;
  }
  return {};
}

base::Result<std::int64_t> NewestRow(const std::string& database) {
  auto connection = OpenForQueries(database);
  if (!connection) {
    return tl::unexpected(connection.error());
  }
  const auto newest = connection->QueryInt("SELECT max(id) FROM decision");
  if (!newest) {
    return tl::unexpected<base::Error>(newest.error());
  }
  return *newest;
}

}  // namespace audit
