#include "audit/writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "audit/schema.h"

namespace audit {
namespace {

using sqlite::Outcome;
using sqlite::Statement;

// Another process holds a lock only while it is looked at by hand; an admission does not wait longer than this.
constexpr std::chrono::milliseconds kBusyWait{200};

// What a row costs beside its texts: header, integers, three cells in indexes, its share of half-empty pages.
constexpr std::int64_t kRowOverhead = 128;

bool IsKept(const Record& record) { return record.decision != policy::DecisionKind::kAllowed && !record.dry_run; }

std::int64_t SizeOf(const Record& record) {
  const std::size_t texts =
      record.json.size() + 2 * record.uid.size() + 3 * record.namespace_name.size() + record.user.size() + record.registries.size();
  return static_cast<std::int64_t>(texts) + kRowOverhead;
}

void Count(Tally& tally, bool kept, std::int64_t rows, std::int64_t bytes) {
  Tally::Class& counted = kept ? tally.kept : tally.spare;
  counted.rows += rows;
  counted.bytes += bytes;
}

// False where the database stays in another mode, which SQLite does not call an error.
Outcome<bool> EnterWalMode(sqlite::Connection& connection) {
  Outcome<Statement> mode = connection.Prepare("PRAGMA journal_mode = WAL");
  if (!mode) {
    return tl::unexpected(mode.error());
  }
  const Outcome<bool> row = mode->Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  return *row && mode->Text(0) == "wal";
}

int StoreWalPages(void* pages, sqlite3*, const char*, int count) {
  static_cast<std::atomic<std::int64_t>*>(pages)->store(count, std::memory_order_relaxed);
  return SQLITE_OK;
}

}  // namespace

base::Result<Writer> Writer::Open(const std::string& path, Durability durability, std::int64_t ids_after,
                                  std::atomic<std::int64_t>* wal_pages, bool* damaged) {
  const auto failed = [&](const sqlite::Failure& failure) {
    *damaged = failure.Damaged();
    return tl::unexpected<base::Error>(failure);
  };
  auto connection = sqlite::Connection::Open(path, sqlite::Connection::Mode::kReadWrite, kBusyWait);
  if (!connection) {
    return failed(connection.error());
  }
  Writer writer;
  writer.connection_ = std::move(*connection);
  const auto content = ReadContent(writer.connection_);
  if (!content) {
    return failed(content.error());
  }
  if (content->kind == Content::Kind::kOtherProgram || content->kind == Content::Kind::kOtherVersion) {
    return tl::unexpected(RefusalOf(*content, path));
  }
  const auto wal = EnterWalMode(writer.connection_);
  if (!wal) {
    return failed(wal.error());
  }
  if (!*wal) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "audit database " + path + ": its file system cannot hold a write-ahead log",
                      "put it on a local file system (an emptyDir or a disk, no network share)");
  }
  // A checkpoint takes milliseconds: never on the thread that answers an admission, so not at a commit.
  if (const auto set =
          writer.connection_.Execute("PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 33554432; PRAGMA temp_store = MEMORY");
      !set) {
    return failed(set.error());
  }
  if (const auto set =
          writer.connection_.Execute(durability == Durability::kDisk ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
      !set) {
    return failed(set.error());
  }
  if (content->kind == Content::Kind::kEmpty) {
    if (const auto created = CreateSchema(writer.connection_); !created) {
      return failed(created.error());
    }
  }
  if (const auto prepared = writer.Prepare(); !prepared) {
    return failed(prepared.error());
  }
  if (const auto loaded = writer.LoadTally(); !loaded) {
    return failed(loaded.error());
  }
  if (ids_after > writer.last_id_) {
    writer.last_id_ = ids_after;
    if (const auto saved = writer.SaveTally(); !saved) {
      return failed(saved.error());
    }
  }
  sqlite3_wal_hook(writer.connection_.handle(), StoreWalPages, wal_pages);
  return writer;
}

Outcome<void> Writer::Prepare() {
  const std::initializer_list<std::pair<Statement*, std::string_view>> statements = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&insert_,
       "INSERT INTO decision (id, time, latest, size, dry_run, decision, uid, namespace, kept, user, registries, record) "
       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"},
      {&delete_, "DELETE FROM decision WHERE id = ?1"},
      {&save_cursor_, "INSERT INTO cursor (consumer, id) VALUES (?1, ?2) ON CONFLICT (consumer) DO UPDATE SET id = excluded.id"},
      {&load_cursor_, "SELECT id FROM cursor WHERE consumer = ?1"},
      {&save_tally_, "UPDATE tally SET upto = ?1, spare_rows = ?2, spare_bytes = ?3, kept_rows = ?4, kept_bytes = ?5"},
  };
  for (const auto& [statement, sql] : statements) {
    Outcome<Statement> prepared = connection_.Prepare(sql);
    if (!prepared) {
      return tl::unexpected(prepared.error());
    }
    *statement = std::move(*prepared);
  }
  return {};
}

Outcome<void> Writer::LoadTally() {
  Outcome<Statement> saved = connection_.Prepare("SELECT upto, spare_rows, spare_bytes, kept_rows, kept_bytes FROM tally");
  if (!saved) {
    return tl::unexpected(saved.error());
  }
  const Outcome<bool> row = saved->Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  if (*row) {
    saved_id_ = last_id_ = saved->Int(0);
    tally_ = {{saved->Int(1), saved->Int(2)}, {saved->Int(3), saved->Int(4)}};
  }
  // What was committed since, by a process that did not come to save its tally.
  Outcome<Statement> later = connection_.Prepare("SELECT id, size, kept IS NOT NULL FROM decision WHERE id > ?1 ORDER BY id");
  if (!later) {
    return tl::unexpected(later.error());
  }
  later->Bind(1, last_id_);
  for (Outcome<bool> next = later->Step();; next = later->Step()) {
    if (!next) {
      return tl::unexpected(next.error());
    }
    if (!*next) {
      break;
    }
    last_id_ = later->Int(0);
    Count(tally_, later->Int(2) != 0, 1, later->Int(1));
  }
  const Outcome<std::int64_t> latest = connection_.QueryInt("SELECT latest FROM decision ORDER BY id DESC LIMIT 1");
  if (!latest) {
    return tl::unexpected(latest.error());
  }
  latest_ = *latest;
  return {};
}

template <class Body>
Outcome<void> Writer::Transaction(Body body) {
  Outcome<void> result = begin_.Run();
  if (!result) {
    return result;
  }
  result = body();
  if (result) {
    result = commit_.Run();
  }
  // A full disk or a failing one may have ended the transaction already.
  if (!result && sqlite3_get_autocommit(connection_.handle()) == 0) {
    static_cast<void>(connection_.Execute("ROLLBACK"));
  }
  return result;
}

Outcome<void> Writer::Append(std::span<const Record> records) {
  Tally tally = tally_;
  std::int64_t id = last_id_;
  std::int64_t latest = latest_;
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    for (const Record& record : records) {
      const std::int64_t time = record.time.time_since_epoch().count();
      const std::int64_t size = SizeOf(record);
      const bool kept = IsKept(record);
      latest = std::max(latest, time);
      insert_.Bind(1, ++id).Bind(2, time).Bind(3, latest).Bind(4, size).Bind(5, std::int64_t{record.dry_run});
      insert_.Bind(6, policy::ToString(record.decision)).Bind(7, record.uid).Bind(8, record.namespace_name);
      kept ? insert_.Bind(9, record.namespace_name) : insert_.BindNull(9);
      insert_.Bind(10, record.user).Bind(11, record.registries).Bind(12, record.json);
      if (auto inserted = insert_.Run(); !inserted) {
        return inserted;
      }
      Count(tally, kept, 1, size);
    }
    return {};
  });
  if (result) {
    tally_ = tally;
    last_id_ = id;
    latest_ = latest;
  }
  return result;
}

Outcome<void> Writer::Delete(std::span<const RowSize> rows) {
  Tally tally = tally_;
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    for (const RowSize& row : rows) {
      if (auto deleted = delete_.Bind(1, row.id).Run(); !deleted) {
        return deleted;
      }
      Count(tally, row.kept, -1, -row.size);
    }
    return WriteTally(tally);
  });
  if (result) {
    tally_ = tally;
    saved_id_ = last_id_;
  }
  return result;
}

Outcome<void> Writer::WriteTally(const Tally& tally) {
  return save_tally_.Bind(1, last_id_)
      .Bind(2, tally.spare.rows)
      .Bind(3, tally.spare.bytes)
      .Bind(4, tally.kept.rows)
      .Bind(5, tally.kept.bytes)
      .Run();
}

Outcome<void> Writer::SaveTally() {
  if (saved_id_ == last_id_) {
    return {};
  }
  Outcome<void> result = WriteTally(tally_);
  if (result) {
    saved_id_ = last_id_;
  }
  return result;
}

Outcome<void> Writer::SaveCursor(std::string_view consumer, std::int64_t cursor) {
  return save_cursor_.Bind(1, consumer).Bind(2, cursor).Run();
}

Outcome<std::int64_t> Writer::LoadCursor(std::string_view consumer) {
  const Outcome<bool> row = load_cursor_.Bind(1, consumer).Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  const std::int64_t cursor = *row ? load_cursor_.Int(0) : 0;
  load_cursor_.Reset();
  return cursor;
}

}  // namespace audit
