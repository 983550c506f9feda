#include "audit/retention.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace audit {

using sqlite::Outcome;
using sqlite::Statement;

namespace {

constexpr auto kStep = static_cast<std::int64_t>(Retention::kStepRows);

// Columns id, size.
Outcome<std::vector<RowSize>> Collect(Statement& statement, const std::optional<std::string>& kept) {
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

// The entries of `map` with their bytes.
template <class Map, class BytesOf>
std::vector<std::pair<std::int64_t, const typename Map::value_type*>> LargestFirst(const Map& map, BytesOf bytes_of) {
  std::vector<std::pair<std::int64_t, const typename Map::value_type*>> largest_first;
  for (const auto& entry : map) {
    largest_first.emplace_back(bytes_of(entry.second), &entry);
  }
  std::sort(largest_first.begin(), largest_first.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  return largest_first;
}

}  // namespace

Outcome<Retention> Retention::Prepare(sqlite::Connection& reader) {
  Retention retention;
  const std::initializer_list<std::pair<Statement*, std::string_view>> statements = {
      {&retention.by_id_,
       "SELECT id, size, iif(latest <= ?4, latest, time), kept FROM decision WHERE id > ?1 AND id <= ?3 ORDER BY id LIMIT ?2"},
      {&retention.spare_, "SELECT id, size FROM decision WHERE id >= ?1 AND id <= ?3 AND +kept IS NULL ORDER BY id LIMIT ?2"},
      {&retention.held_rows_, "SELECT id, size, kept FROM decision WHERE id > ?1 ORDER BY id LIMIT ?2"},
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
    by_id_.Bind(1, after).Bind(2, kStep).Bind(3, last).Bind(4, future);
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
        rows.push_back({after, by_id_.Int(1), by_id_.IsNull(3) ? std::nullopt : std::optional<std::string>(by_id_.Text(3))});
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
  auto rows = spare_first ? OldestSpare(last) : OldestOfLargest(last);
  if (rows && rows->empty()) {
    rows = spare_first ? OldestOfLargest(last) : OldestSpare(last);
  }
  return rows;
}

void Retention::Recount() {
  held_.clear();
  counted_to_ = 0;
}

void Retention::Deleted(std::span<const RowSize> rows) {
  for (const RowSize& row : rows) {
    if (row.kept && row.id <= counted_to_) {
      Hold(*row.kept, -row.size);
    }
  }
}

void Retention::Hold(const std::string& kept, std::int64_t bytes) {
  const std::size_t space = kept.find(' ');
  const auto peer = held_.try_emplace(space == std::string::npos ? std::string() : kept.substr(0, space)).first;
  const auto held = peer->second.namespaces.try_emplace(kept, 0).first;
  peer->second.bytes += bytes;
  held->second += bytes;
  if (held->second <= 0) {
    peer->second.namespaces.erase(held);
  }
  if (peer->second.namespaces.empty()) {
    held_.erase(peer);
  }
}

Outcome<bool> Retention::Count() {
  held_rows_.Bind(1, counted_to_).Bind(2, static_cast<std::int64_t>(kCountRows));
  for (std::size_t count = 0;; ++count) {
    Outcome<bool> row = held_rows_.Step();
    if (!row) {
      return row;
    }
    if (!*row) {
      return count < kCountRows;
    }
    counted_to_ = held_rows_.Int(0);
    if (!held_rows_.IsNull(2)) {
      Hold(std::string(held_rows_.Text(2)), held_rows_.Int(1));
    }
  }
}

Outcome<std::vector<RowSize>> Retention::OldestSpare(std::int64_t last) {
  spare_.Bind(1, spare_from_).Bind(2, kStep).Bind(3, last);
  auto rows = Collect(spare_, std::nullopt);
  if (rows && !rows->empty()) {
    // From the first of them: should their deletion fail, they are found again.
    spare_from_ = rows->front().id;
  }
  return rows;
}

Outcome<std::vector<RowSize>> Retention::OldestOfLargest(std::int64_t last) {
  std::vector<RowSize> rows;
  const auto peers = LargestFirst(held_, [](const Peer& held) { return held.bytes; });
  for (const auto& [peer_bytes, peer] : peers) {
    std::int64_t least = 0;
    const auto namespaces = LargestFirst(peer->second.namespaces, [](std::int64_t held) { return held; });
    for (const auto& [bytes, kept] : namespaces) {
      if (bytes < least || rows.size() >= kStepRows) {
        break;
      }
      const auto more =
          Collect(kept_.Bind(1, kept->first).Bind(2, kStep - static_cast<std::int64_t>(rows.size())).Bind(3, last), kept->first);
      if (!more) {
        return more;
      }
      if (!more->empty()) {  // else all that it holds is behind `last`
        // Others that hold about as much lose beside it: a step of one row each, of many namespaces, would never come to an end.
        least = least == 0 ? bytes / 2 : least;
        rows.insert(rows.end(), more->begin(), more->end());
      }
    }
    if (!rows.empty()) {
      break;
    }
  }
  return rows;
}

}  // namespace audit
