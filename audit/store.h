// Keeps records in an embedded SQLite database (WAL). A record is committed when Commit returns: `kill -9` afterwards
// loses nothing, and with Durability::kDisk neither does a power loss.
//
// Threads: Commit from any thread (serialised by the store's mutex, one transaction a call: gather a loop turn's records
// first). Maintain, the reading calls and cursors from any thread that nobody waits for: they wait for each other. Queries go through
// audit/database_reader.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/chain.h"
#include "audit/record.h"
#include "base/clock.h"
#include "base/result.h"

namespace audit {

enum class Durability { kProcess, kDisk };

struct StoreOptions {
  std::string database;  // path
  Durability durability = Durability::kProcess;
  std::chrono::microseconds retention_age = std::chrono::hours(24 * 30);
  std::int64_t retention_bytes = std::int64_t{1} << 30;
  // A consumer's name: rows behind its cursor are not deleted for their age, and for size only when there are no others. "": none.
  std::string waits_for = {};
  // A disk that is full, read-only or failing at the start is no error: the store is not open, and Maintain tries again.
  bool opens_later = false;
};

// A row as it stands in the database.
struct StoredRow {
  std::int64_t sequence = 0;
  base::Time time{};
  bool dry_run = false;
  std::string decision, uid, namespace_name, user;
  std::string registries;  // as in Record
  std::string record;
};

class Store {
 public:
  // Creates or opens; a database of another schema version is an error that says what to do, a corrupt one is set aside
  // under "<name>.corrupt-<time>" with a message in `notice` and a new one is begun. An open store is what it gives, but for
  // StoreOptions::opens_later: then Commit of nothing tells.
  static base::Result<std::unique_ptr<Store>> Open(const StoreOptions& options, const base::Clock& clock, std::string* notice);
  virtual ~Store() = default;

  virtual base::Result<void> Commit(std::span<const Record> records) = 0;

  // Committed rows after `cursor`, oldest first, at most `limit`; moves the cursor past them.
  virtual base::Result<std::vector<std::string>> ReadCommitted(std::int64_t* cursor, std::size_t limit) = 0;

  // The same with all their columns, and the name of the log that they are in (16 bytes; by it and the sequence a row is known
  // everywhere). At most `max_rows`, and no more behind `max_bytes` of records.
  struct Rows {
    std::string log;
    std::vector<StoredRow> rows;
  };
  virtual base::Result<Rows> ReadRows(std::int64_t cursor, std::size_t max_rows, std::size_t max_bytes) = 0;

  // The chain's value behind the row of that id; none when the row is gone or older than the chain. The chain's beginning and
  // the last row that was committed have theirs always.
  virtual base::Result<std::optional<Link>> ReadLink(std::int64_t sequence) = 0;

  // A saved cursor by consumer name ("stdout"), so that a restart begins where the last run ended.
  virtual base::Result<std::int64_t> LoadCursor(const std::string& consumer) = 0;
  virtual base::Result<void> SaveCursor(const std::string& consumer, std::int64_t cursor) = 0;

  // Adds up what was committed for summaries, applies retention and checkpoints the write-ahead log, in steps short enough not to
  // hold up a Commit. Call every second or so. Replaces a database that was found damaged while it was used, as Open does, and opens what
  // could not be opened.
  virtual base::Result<void> Maintain() = 0;

  // What was set aside since the last call, for the log.
  virtual std::optional<std::string> TakeNotice() = 0;

  // Retention deletes no more of this log's records than that in all, so that somebody can be told beforehand; before the first call as
  // many as it has to. Room comes first: what exceeds retention_bytes by more than a thirty-second is deleted all the same.
  virtual void AllowDeletions(std::int64_t total) = 0;

  // Why nothing is deleted for its age at present, as of the last Maintain: the wall clock has stepped (audit/clock_trust.h). None: what is
  // too old goes.
  virtual std::optional<std::string> AgeDoubt() = 0;

  struct Size {
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    std::int64_t wal_bytes = 0;
    std::int64_t set_aside = 0;  // damaged databases that lie beside it, from this run and earlier ones
    std::int64_t waiting = 0;    // rows behind the cursor of StoreOptions::waits_for
    std::int64_t lost = 0;       // of those, deleted before they were taken: since the store was opened
    std::int64_t deleted = 0;    // of this log since it was begun: as the database said when it was opened, and what was deleted since
    bool held_back = false;      // retention waits for AllowDeletions
  };
  virtual Size Measure() const = 0;  // any thread; from counters, no I/O
};

}  // namespace audit
