// The one connection that writes. Not safe for concurrent use: the store guards it with its mutex.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

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
  Class kept;   // denied and warned
};

// A row as retention sees it.
struct RowSize {
  std::int64_t id = 0;
  std::int64_t size = 0;
  bool kept = false;
};

class Writer {
 public:
  // Opens the file for writing in WAL mode, creates the schema in an empty one, and reads the tally. `wal_pages` gets the
  // write-ahead log's length at every commit, and must outlive the Writer. Ids go on behind `ids_after` at least.
  static base::Result<Writer> Open(const std::string& path, Durability durability, std::int64_t ids_after,
                                   std::atomic<std::int64_t>* wal_pages, bool* damaged);

  // Each is one transaction: all of it, or an error and nothing. After an error the next call may succeed.
  sqlite::Outcome<void> Append(std::span<const Record> records);
  sqlite::Outcome<void> Delete(std::span<const RowSize> rows);
  sqlite::Outcome<void> SaveCursor(std::string_view consumer, std::int64_t cursor);
  sqlite::Outcome<void> SaveTally();  // nothing when it is saved already

  sqlite::Outcome<std::int64_t> LoadCursor(std::string_view consumer);

  const Tally& tally() const { return tally_; }
  std::int64_t last_id() const { return last_id_; }

 private:
  template <class Body>
  sqlite::Outcome<void> Transaction(Body body);
  sqlite::Outcome<void> Prepare();
  sqlite::Outcome<void> LoadTally();
  sqlite::Outcome<void> WriteTally(const Tally& tally);

  sqlite::Connection connection_;  // before its statements
  sqlite::Statement begin_, commit_, insert_, delete_, save_cursor_, load_cursor_, save_tally_;
  Tally tally_;
  std::int64_t last_id_ = 0;   // every row up to it is in tally_
  std::int64_t saved_id_ = 0;  // every row up to it is in the tally that is stored
  std::int64_t latest_ = 0;    // of the last row
};

}  // namespace audit
