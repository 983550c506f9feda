#include "audit/plan.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace audit {
namespace {

using sqlite::Outcome;
using sqlite::Statement;

// Rows of which that many begin as asked for are found sooner by a walk over all that is not allowed, than by gathering them: a few
// milliseconds for that many.
constexpr std::int64_t kGatherAtMost = 20'000;

// The index decision_set_back has the rows that were committed so long after a later time was: while a clock was wrong.
constexpr std::chrono::microseconds kSetBack = std::chrono::seconds(60);

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

// The greatest id that a row before that time can have. Behind the first row that is kSetBack later, only those whose clock had been
// set back are.
Outcome<std::int64_t> LastBefore(sqlite::Connection& connection, base::Time until) {
  auto later = FirstSince(connection, until + kSetBack);
  if (!later) {
    return later;
  }
  auto set_back = connection.QueryInt("SELECT max(id) FROM decision INDEXED BY decision_set_back WHERE latest - time > 60000000");
  if (!set_back) {
    return set_back;
  }
  return std::max(*later - 1, *set_back);
}

Outcome<IdRange> RangeOf(sqlite::Connection& connection, const Filter& filter, IdRange ids, std::int64_t version) {
  if (filter.since) {
    const auto first = FirstSince(connection, *filter.since);
    if (!first) {
      return tl::unexpected(first.error());
    }
    ids.first = std::max(ids.first, *first);
  }
  if (filter.until && version >= kVersionWithQuestions) {
    const auto last = LastBefore(connection, *filter.until);
    if (!last) {
      return tl::unexpected(last.error());
    }
    ids.last = std::min(ids.last, *last);
  }
  return ids;
}

Outcome<Way> WayFor(sqlite::Connection& connection, const Filter& filter, const IdRange& ids, std::int64_t version) {
  if (Leads(Way::kUid, filter)) {
    return Way::kUid;
  }
  if (!Leads(Way::kDecision, filter)) {
    return Way::kRows;
  }
  if (version < kVersionWithQuestions) {
    return Way::kDecision;
  }
  // The one with the fewest rows; of several with many, the first whose rows come in order.
  Way best = Way::kDecision;
  std::int64_t fewest = kGatherAtMost;
  for (const Way way : {Way::kNamespace, Way::kRegistry, Way::kUser}) {
    if (!Leads(way, filter)) {
      continue;
    }
    const Selection count = CountUpTo(filter, way, ids, kGatherAtMost);
    auto statement = Prepare(connection, count);
    if (!statement) {
      return tl::unexpected(statement.error());
    }
    const auto row = statement->Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    const std::int64_t rows = statement->Int(0);
    if (rows < fewest || (best == Way::kDecision && !Gathers(way, filter))) {
      best = way;
      fewest = rows;
    }
  }
  return best;
}

}  // namespace

Outcome<Plan> PlanFor(sqlite::Connection& connection, const Filter& filter, const IdRange& within, std::int64_t version) {
  const auto ids = RangeOf(connection, filter, within, version);
  if (!ids) {
    return tl::unexpected(ids.error());
  }
  const auto way = WayFor(connection, filter, *ids, version);
  if (!way) {
    return tl::unexpected(way.error());
  }
  return Plan{*way, *ids};
}

Outcome<Statement> Prepare(sqlite::Connection& connection, const Selection& selection) {
  auto statement = connection.Prepare(selection.sql);
  if (!statement) {
    return statement;
  }
  int parameter = 0;
  for (const auto& value : selection.values) {
    ++parameter;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      statement->Bind(parameter, *number);
    } else {
      statement->Bind(parameter, std::string_view(std::get<std::string>(value)));
    }
  }
  return statement;
}

}  // namespace audit
