// Chooses the rows that go. Two classes: *spare* rows (allowed, and dry runs) and *kept* rows (denied and warned, and verdicts that turned,
// as those of no namespace).
//
// By age: whatever is older than the limit. Over size: the class that holds more bytes loses, spare at a tie; among spare
// rows the oldest, among kept rows those of the peer that holds most bytes, and of its namespaces the oldest of the one that holds most.
// So spare rows go first as long as kept rows hold no more than half, kept rows are never pushed out of their half by spare ones, nor
// one peer's by another's, whatever namespaces it invents, nor one namespace's by another's of the same peer.
// Where rows are yet to be taken by somebody, only those up to `last` are chosen from.
//
// What each of them holds is counted once, in parts, and kept up to date: memory is a name and a number for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "audit/sqlite.h"
#include "audit/writer.h"
#include "base/time.h"

namespace audit {

class Retention {
 public:
  // Rows in one step: their deletion holds up a commit for a millisecond and a half.
  static constexpr std::size_t kStepRows = 128;

  static constexpr std::int64_t kAllRows = std::numeric_limits<std::int64_t>::max();

  // `reader` must outlive it.
  static sqlite::Outcome<Retention> Prepare(sqlite::Connection& reader);

  // Up to kStepRows rows from before `cutoff`; none when the oldest rows are younger. A row is of the greatest time up to it, so that one
  // whose clock was behind is as old as its neighbours; where that is in the future, because a clock was ahead once, of its own time.
  // Rows are looked through in the order of ids up to the first that is younger but not in the future: rows in the future do not save
  // what lies behind them.
  sqlite::Outcome<std::vector<RowSize>> TooOld(base::Time cutoff, base::Time now, std::int64_t last);

  // Up to kStepRows rows of the class that loses by `tally`; none when there are no rows. REQUIRES: all is counted.
  sqlite::Outcome<std::vector<RowSize>> OverSize(const Tally& tally, std::int64_t last);

  // Counts the rows that are new since the last call. False: there are more, call again; a first count takes many calls.
  sqlite::Outcome<bool> Count();

  // Begins to count anew.
  void Recount();

  // These were deleted. REQUIRES: they came from here.
  void Deleted(std::span<const RowSize> rows);

 private:
  static constexpr std::size_t kCountRows = 16384;  // at a call: some 20 ms

  sqlite::Outcome<std::vector<RowSize>> OldestSpare(std::int64_t last);
  void Hold(const std::string& kept, std::int64_t bytes);
  sqlite::Outcome<std::vector<RowSize>> OldestOfLargest(std::int64_t last);

  sqlite::Statement by_id_, spare_, held_rows_, kept_;
  std::int64_t spare_from_ = 0;  // no spare row has a smaller id
  // Bytes of kept rows up to counted_to_: of a peer, and of that by "PEER NAMESPACE".
  struct Peer {
    std::int64_t bytes = 0;
    std::map<std::string, std::int64_t> namespaces;
  };
  std::map<std::string, Peer> held_;
  std::int64_t counted_to_ = 0;
};

}  // namespace audit
