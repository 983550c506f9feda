#include "audit/hourly.h"

#include <sqlite3.h>

#include <chrono>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "audit/blame.h"
#include "base/time.h"

namespace audit {
namespace {

using sqlite::Outcome;
using sqlite::Statement;

// In one step, whose transaction takes about a millisecond.
constexpr std::size_t kStepRows = 2048;
constexpr std::size_t kStepKeys = 256;
constexpr std::int64_t kStepRemoved = 256;

// What a row takes beside its texts.
constexpr std::int64_t kRowBytes = 40;

std::int64_t BytesOf(const HourlyKey& key, std::string_view value) {
  return kRowBytes + static_cast<std::int64_t>(key.namespace_name.size() + value.size());
}

// `row`: time, decision, namespace, user, record.
void Count(HourlyCounts& counts, const Statement& row) {
  const base::Time time{std::chrono::microseconds(row.Int(1))};
  const std::string_view decision = row.Text(2);
  const Counts one = CountsOf(decision);
  if (one.IsZero()) {  // a verdict that turned
    return;
  }
  HourlyKey key{std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count(), std::string(row.Text(3)), {}, {}};
  counts[key] += one;
  if (one.allowed > 0) {
    return;
  }
  const auto add = [&](HourlyDimension dimension, std::string_view value) {
    if (!value.empty()) {
      key.dimension = dimension;
      key.value = value;
      counts[key] += one;
    }
  };
  add(HourlyDimension::kUser, row.Text(4));
  const Blame blame = BlameOf(row.Text(5));
  for (const std::string& registry : blame.registries) {
    add(HourlyDimension::kRegistry, registry);
  }
  for (const std::string& requirement : blame.requirements) {
    add(HourlyDimension::kRequirement, requirement);
  }
}

}  // namespace

Outcome<HourlySource> HourlySource::Prepare(sqlite::Connection& reader) {
  // The text of what was allowed is not looked at.
  auto rows = reader.Prepare(
      "SELECT id, time, decision, namespace, user, CASE decision WHEN 'Allowed' THEN '' ELSE record END FROM decision "
      "WHERE id > ?1 ORDER BY id");
  if (!rows) {
    return tl::unexpected(rows.error());
  }
  HourlySource source;
  source.rows_ = *std::move(rows);
  return source;
}

Outcome<HourlySource::Step> HourlySource::Next(std::int64_t counted) {
  Step step{.counts = {}, .upto = counted};
  rows_.Bind(1, counted);
  for (std::size_t count = 0; count < kStepRows && step.counts.size() < kStepKeys; ++count) {
    const auto row = rows_.Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    if (!*row) {
      return step;
    }
    Count(step.counts, rows_);
    step.upto = rows_.Int(0);
  }
  rows_.Reset();
  step.more = true;
  return step;
}

Outcome<HourlyTable> HourlyTable::Prepare(sqlite::Connection& writer) {
  HourlyTable table;
  const std::initializer_list<std::pair<Statement*, std::string_view>> statements = {
      {&table.update_,
       "UPDATE hourly SET allowed = allowed + ?5, warned = warned + ?6, denied = denied + ?7 "
       "WHERE hour = ?1 AND namespace = ?2 AND dimension = ?3 AND value = ?4 RETURNING 1"},
      {&table.count_, "SELECT count(*) FROM hourly WHERE hour = ?1 AND namespace = ?2 AND dimension = ?3"},
      {&table.insert_,
       "INSERT INTO hourly (hour, namespace, dimension, value, allowed, warned, denied) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
      {&table.oldest_, "SELECT hour, namespace FROM hourly ORDER BY hour, namespace LIMIT 1"},
      {&table.size_,
       "SELECT count(*), sum(length(CAST(namespace AS BLOB)) + length(CAST(value AS BLOB))) FROM hourly WHERE hour = ?1 AND namespace = "
       "?2"},
      {&table.remove_, "DELETE FROM hourly WHERE hour = ?1 AND namespace = ?2"},
      {&table.total_, "SELECT count(*), coalesce(sum(length(CAST(namespace AS BLOB)) + length(CAST(value AS BLOB))), 0) FROM hourly"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = writer.Prepare(sql);
    if (!prepared) {
      return tl::unexpected(prepared.error());
    }
    *statement = *std::move(prepared);
  }
  return table;
}

Outcome<void> HourlyTable::Add(const HourlyCounts& counts) {
  for (const auto& [key, added] : counts) {
    auto there = AddTo(key, key.value, added);
    if (!there) {
      return tl::unexpected(there.error());
    }
    if (*there) {
      continue;
    }
    std::string_view value = key.value;
    if (key.dimension != HourlyDimension::kAll) {
      count_.Bind(1, key.hour).Bind(2, key.namespace_name).Bind(3, static_cast<std::int64_t>(key.dimension));
      const auto values = count_.QueryInt();
      if (!values) {
        return tl::unexpected(values.error());
      }
      if (*values >= kHourlyValues) {
        value = kOtherValues;
        there = AddTo(key, value, added);
        if (!there) {
          return tl::unexpected(there.error());
        }
      }
    }
    if (!*there) {
      if (auto inserted = Insert(key, value, added); !inserted) {
        return inserted;
      }
    }
  }
  return {};
}

// False: there is no such row.
Outcome<bool> HourlyTable::AddTo(const HourlyKey& key, std::string_view value, const Counts& counts) {
  update_.Bind(1, key.hour).Bind(2, key.namespace_name).Bind(3, static_cast<std::int64_t>(key.dimension)).Bind(4, value);
  update_.Bind(5, counts.allowed).Bind(6, counts.warned).Bind(7, counts.denied);
  auto updated = update_.Step();
  update_.Reset();
  return updated;
}

Outcome<void> HourlyTable::Insert(const HourlyKey& key, std::string_view value, const Counts& counts) {
  insert_.Bind(1, key.hour).Bind(2, key.namespace_name).Bind(3, static_cast<std::int64_t>(key.dimension)).Bind(4, value);
  auto inserted = insert_.Bind(5, counts.allowed).Bind(6, counts.warned).Bind(7, counts.denied).Run();
  if (inserted && bytes_ >= 0) {
    bytes_ += BytesOf(key, value);
  }
  return inserted;
}

Outcome<std::int64_t> HourlyTable::Bytes() {
  if (bytes_ < 0) {
    const auto row = total_.Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    bytes_ = total_.Int(0) * kRowBytes + total_.Int(1);
    total_.Reset();
  }
  return bytes_;
}

Outcome<bool> HourlyTable::Prune(std::int64_t hour, std::int64_t max_bytes) {
  std::int64_t removed = 0;
  while (removed < kStepRemoved) {
    const auto bytes = Bytes();
    if (!bytes) {
      return tl::unexpected(bytes.error());
    }
    auto oldest = oldest_.Step();
    if (!oldest) {
      return oldest;
    }
    if (!*oldest || (oldest_.Int(0) >= hour && *bytes <= max_bytes)) {
      oldest_.Reset();
      break;
    }
    const std::int64_t oldest_hour = oldest_.Int(0);
    const std::string namespace_name(oldest_.Text(1));
    oldest_.Reset();
    auto size = size_.Bind(1, oldest_hour).Bind(2, namespace_name).Step();
    if (!size) {
      return size;
    }
    const std::int64_t rows = size_.Int(0);
    const std::int64_t freed = rows * kRowBytes + size_.Int(1);
    size_.Reset();
    if (auto run = remove_.Bind(1, oldest_hour).Bind(2, namespace_name).Run(); !run) {
      return tl::unexpected(run.error());
    }
    if (rows == 0) {  // and so it would be found for ever
      return tl::unexpected(sqlite::Failure{SQLITE_CORRUPT, "the audit database's table hourly finds a row that it does not hold"});
    }
    removed += rows;
    bytes_ -= freed;
  }
  return removed > 0;
}

}  // namespace audit
