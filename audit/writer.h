// The one connection that writes. Not safe for concurrent use: the store guards it with its mutex.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "audit/chain.h"
#include "audit/hourly.h"
#include "audit/record.h"
#include "audit/sqlite.h"
#include "audit/store.h"

namespace audit {

// What the log's rows come to, in the two classes that retention keeps apart.
struct Tally {
  struct Class {
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
  };
  Class spare;  // allowed, and dry runs
  Class kept;   // denied and warned, and verdicts that turned
};

// A row as retention sees it.
struct RowSize {
  std::int64_t id = 0;
  std::int64_t size = 0;
  std::optional<std::string> kept = {};  // whose share it is of, "PEER NAMESPACE"; none: a spare row
};

class Writer {
 public:
  // Opens the file for writing in WAL mode, creates or migrates the schema, begins the chain where there is none, and reads
  // the tally. `wal_pages` gets the write-ahead log's length at every commit, and must outlive the Writer. Ids go on behind
  // `ids_after` at least.
  static base::Result<Writer> Open(const std::string& path, Durability durability, std::int64_t ids_after,
                                   std::atomic<std::int64_t>* wal_pages, bool* damaged);

  // Each is one transaction, never a part of one. After an error it is not there as a rule; where the disk failed in its last step it
  // may be, so the next call looks first. That one may succeed.
  sqlite::Outcome<void> Append(std::span<const Record> records);
  // Leaves a tombstone for each, by which the chain can be followed on.
  sqlite::Outcome<void> Delete(std::span<const RowSize> rows);
  sqlite::Outcome<void> SaveCursor(std::string_view consumer, std::int64_t cursor);
  sqlite::Outcome<void> SaveTally();  // nothing when it is saved already

  // Adds to the roll-ups what the rows up to `upto` come to, that were in none yet.
  sqlite::Outcome<void> AddHourly(const HourlyCounts& counts, std::int64_t upto);
  // As HourlyTable::Prune.
  sqlite::Outcome<bool> PruneHourly(std::int64_t hour, std::int64_t max_bytes);

  // Makes a gap of the oldest tombstones, a few hundred at most: where nothing older is left, or when there are more than
  // `max_tombstones`. False: nothing to do. Behind a gap in the middle, rows before it are proven only by anchors before it.
  sqlite::Outcome<bool> FoldTombstones(std::int64_t max_tombstones);

  sqlite::Outcome<std::int64_t> LoadCursor(std::string_view consumer);

  // Records of this log that were deleted since it was begun: counted at Open, and from then on what this one deletes, whatever else the
  // database says. After an error the most that it can be.
  std::int64_t deleted() const { return deleted_ + maybe_deleted_; }

  const Tally& tally() const { return tally_; }
  std::int64_t last_id() const { return last_id_; }
  // The greatest time of any row; none: there is no row.
  std::optional<base::Time> latest() const {
    return latest_ == 0 ? std::nullopt : std::optional(base::Time(std::chrono::microseconds(latest_)));
  }
  Link head() const { return {log_, last_id_, head_}; }
  Link beginning() { return {log_, first_ - 1, chain_.Begin(log_, first_)}; }

 private:
  template <class Body>
  sqlite::Outcome<void> Transaction(Body body);
  sqlite::Outcome<void> Prepare();
  sqlite::Outcome<void> LoadTally();
  sqlite::Outcome<void> Settle();
  sqlite::Outcome<void> LoadChain();
  sqlite::Outcome<void> BeginChain();
  sqlite::Outcome<std::int64_t> CountDeleted();
  sqlite::Outcome<void> InsertRegistries(const Record& record, std::int64_t id);
  sqlite::Outcome<bool> Remove(std::int64_t id);  // true: it leaves a tombstone
  sqlite::Outcome<bool> Fold(std::int64_t max_tombstones);
  sqlite::Outcome<std::optional<Digest>> ValueOf(sqlite::Statement& statement, std::int64_t id);
  sqlite::Outcome<void> WriteTally(const Tally& tally, std::int64_t tombstones);

  sqlite::Connection connection_;  // before its statements
  sqlite::Statement begin_, commit_, insert_, insert_registry_, delete_, delete_registry_, save_cursor_, load_cursor_, save_tally_;
  sqlite::Statement read_row_, bury_, row_value_, tombstones_, remove_tombstone_, gap_before_, gap_behind_, write_gap_, remove_gap_;
  HourlyTable hourly_;
  Tally tally_;
  std::int64_t last_id_ = 0;   // every row up to it is in tally_
  std::int64_t saved_id_ = 0;  // every row up to it is in the tally that is stored
  std::int64_t latest_ = 0;    // of the last row

  Chain chain_;
  std::string log_;
  std::int64_t first_ = 0;  // the id that the chain begins with
  Digest head_{};           // behind last_id_
  std::int64_t tombstones_count_ = 0;
  std::int64_t deleted_ = 0;
  std::int64_t maybe_deleted_ = 0;  // by a transaction that failed
  bool uncertain_ = false;          // a transaction failed: what it was for may be there all the same, and what is known here be wrong
};

}  // namespace audit
