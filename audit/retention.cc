#include "audit/retention.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace audit {

using sqlite::Outcome;
using sqlite::Statement;

namespace {

constexpr auto kStep = static_cast<std::int64_t>(Retention::kStepRows);

// Columns id, size.
Outcome<std::vector<RowSize>> Collect(Statement& statement, bool kept) {
  std::vector<RowSize> rows;
  while (true) {
    const Outcome<bool> row = statement.Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    if (!*row) {
      return rows;
    }
    rows.push_back({statement.Int(0), statement.Int(1), kept});
  }
}

}  // namespace

Outcome<Retention> Retention::Prepare(sqlite::Connection& reader) {
  Retention retention;
  const std::initializer_list<std::pair<Statement*, std::string_view>> statements = {
      {&retention.by_id_, "SELECT id, size, time, kept IS NOT NULL FROM decision WHERE id > ?1 AND id <= ?3 ORDER BY id LIMIT ?2"},
      {&retention.spare_, "SELECT id, size FROM decision WHERE id >= ?1 AND id <= ?3 AND +kept IS NULL ORDER BY id LIMIT ?2"},
      {&retention.largest_,
       "SELECT kept FROM decision INDEXED BY decision_kept WHERE kept IS NOT NULL AND id <= ?1 GROUP BY kept ORDER BY count(*) DESC, kept "
       "LIMIT 1"},
      {&retention.kept_, "SELECT id, size FROM decision INDEXED BY decision_kept WHERE kept = ?1 AND id <= ?3 ORDER BY id LIMIT ?2"},
  };
  for (const auto& [statement, sql] : statements) {
    Outcome<Statement> prepared = reader.Prepare(sql);
    if (!prepared) {
      return tl::unexpected(prepared.error());
    }
    *statement = std::move(*prepared);
  }
  return retention;
}

Outcome<std::vector<RowSize>> Retention::TooOld(base::Time cutoff, base::Time now, std::int64_t last) {
  const std::int64_t too_old = cutoff.time_since_epoch().count();
  const std::int64_t future = now.time_since_epoch().count();
  std::vector<RowSize> rows;
  std::int64_t after = 0;
  while (rows.empty()) {
    std::size_t seen = 0;
    bool younger = false;
    by_id_.Bind(1, after).Bind(2, kStep).Bind(3, last);
    while (!younger) {
      const Outcome<bool> row = by_id_.Step();
      if (!row) {
        return tl::unexpected(row.error());
      }
      if (!*row) {
        break;
      }
      ++seen;
      after = by_id_.Int(0);
      const std::int64_t time = by_id_.Int(2);
      if (time < too_old) {
        rows.push_back({after, by_id_.Int(1), by_id_.Int(3) != 0});
      } else {
        younger = time <= future;
      }
    }
    by_id_.Reset();
    if (younger || seen < kStepRows) {
      break;
    }
  }
  return rows;
}

Outcome<std::vector<RowSize>> Retention::OverSize(const Tally& tally, std::int64_t last) {
  const bool spare_first = tally.spare.bytes >= tally.kept.bytes;
  auto rows = spare_first ? OldestSpare(last) : OldestOfLargestNamespace(last);
  if (rows && rows->empty()) {
    rows = spare_first ? OldestOfLargestNamespace(last) : OldestSpare(last);
  }
  return rows;
}

Outcome<std::vector<RowSize>> Retention::OldestSpare(std::int64_t last) {
  spare_.Bind(1, spare_from_).Bind(2, kStep).Bind(3, last);
  auto rows = Collect(spare_, false);
  if (rows && !rows->empty()) {
    // From the first of them: should their deletion fail, they are found again.
    spare_from_ = rows->front().id;
  }
  return rows;
}

Outcome<std::vector<RowSize>> Retention::OldestOfLargestNamespace(std::int64_t last) {
  const Outcome<bool> row = largest_.Bind(1, last).Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  if (!*row) {
    return std::vector<RowSize>();
  }
  const std::string name(largest_.Text(0));
  largest_.Reset();
  return Collect(kept_.Bind(1, name).Bind(2, kStep).Bind(3, last), true);
}

}  // namespace audit
