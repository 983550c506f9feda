#include "audit/writer.h"

#include <openssl/rand.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

#include "audit/chained_row.h"
#include "audit/registry_list.h"
#include "audit/schema.h"

namespace audit {
namespace {

using sqlite::Outcome;
using sqlite::Statement;

// Another process holds a lock only while it is looked at by hand; an admission does not wait longer than this.
constexpr std::chrono::milliseconds kBusyWait{200};

// What a row costs beside its texts: header, integers, the chain's value, three cells in indexes, its share of half-empty
// pages.
constexpr std::int64_t kRowOverhead = 168;

// What one that was not allowed costs beside that: two more cells in indexes, and one for each registry.
constexpr std::int64_t kNotAllowedOverhead = 56;
constexpr std::int64_t kRegistryOverhead = 24;

// In one transaction, which takes about a millisecond.
constexpr std::int64_t kFoldTombstones = 512;

constexpr int kLogNameBytes = 16;

// Whose share of what is kept a record is of. An address has no space.
std::string SharerOf(const Record& record) { return record.peer + ' ' + record.namespace_name; }

bool IsKept(const Record& record) { return record.decision != policy::DecisionKind::kAllowed && !record.dry_run; }

std::int64_t SizeOf(const Record& record) {
  const std::size_t texts = record.json.size() + 2 * record.uid.size() + 3 * record.namespace_name.size() + 2 * record.peer.size() +
                            record.user.size() + record.registries.size();
  if (record.decision == policy::DecisionKind::kAllowed) {
    return static_cast<std::int64_t>(texts) + kRowOverhead;
  }
  const std::size_t again = record.namespace_name.size() + record.user.size() + record.registries.size();
  const auto registries = static_cast<std::int64_t>(RegistriesIn(record.registries).size());
  return static_cast<std::int64_t>(texts + again) + kRowOverhead + kNotAllowedOverhead + registries * kRegistryOverhead;
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
  if (content->kind == Content::Kind::kEmpty || content->kind == Content::Kind::kOlderVersion) {
    const std::int64_t from = content->kind == Content::Kind::kEmpty ? 0 : content->version;
    if (const auto created = MigrateSchema(writer.connection_, from); !created) {
      return failed(created.error());
    }
  }
  if (const auto prepared = writer.Prepare(); !prepared) {
    return failed(prepared.error());
  }
  if (const auto loaded = writer.LoadTally(); !loaded) {
    return failed(loaded.error());
  }
  writer.last_id_ = std::max(writer.last_id_, ids_after);
  if (const auto loaded = writer.LoadChain(); !loaded) {
    return failed(loaded.error());
  }
  const auto deleted = writer.CountDeleted();
  if (!deleted) {
    return failed(deleted.error());
  }
  writer.deleted_ = *deleted;
  sqlite3_wal_hook(writer.connection_.handle(), StoreWalPages, wal_pages);
  return writer;
}

Outcome<void> Writer::Prepare() {
  const std::initializer_list<std::pair<Statement*, std::string_view>> statements = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&insert_,
       "INSERT INTO decision (id, time, latest, size, dry_run, decision, uid, namespace, kept, user, registries, record, chain) "
       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
      {&insert_registry_, "INSERT OR IGNORE INTO decision_registry (decision, registry, id) VALUES (?1, ?2, ?3)"},
      {&delete_, "DELETE FROM decision WHERE id = ?1"},
      {&delete_registry_, "DELETE FROM decision_registry WHERE decision = ?1 AND registry = ?2 AND id = ?3"},
      {&save_cursor_, "INSERT INTO cursor (consumer, id) VALUES (?1, ?2) ON CONFLICT (consumer) DO UPDATE SET id = excluded.id"},
      {&load_cursor_, "SELECT id FROM cursor WHERE consumer = ?1"},
      {&save_tally_,
       "UPDATE tally SET upto = ?1, spare_rows = ?2, spare_bytes = ?3, kept_rows = ?4, kept_bytes = ?5, head = ?6, tombstones = ?7"},
      {&read_row_, kReadChainedRow},
      {&bury_, "INSERT INTO tombstone (id, digest) VALUES (?1, ?2)"},
      {&row_value_, "SELECT chain FROM decision WHERE id = ?1 AND chain IS NOT NULL"},
      {&tombstones_, "SELECT id, digest FROM tombstone ORDER BY id LIMIT ?1"},
      {&remove_tombstone_, "DELETE FROM tombstone WHERE id = ?1"},
      {&gap_before_, "SELECT chain, first FROM (SELECT * FROM gap WHERE first <= ?1 ORDER BY first DESC LIMIT 1) WHERE last = ?1"},
      {&gap_behind_, "SELECT chain, last FROM gap WHERE first = ?1"},
      {&write_gap_, "INSERT INTO gap (first, last, chain) VALUES (?1, ?2, ?3) ON CONFLICT (first) DO UPDATE SET last = ?2, chain = ?3"},
      {&remove_gap_, "DELETE FROM gap WHERE first = ?1"},
  };
  for (const auto& [statement, sql] : statements) {
    Outcome<Statement> prepared = connection_.Prepare(sql);
    if (!prepared) {
      return tl::unexpected(prepared.error());
    }
    *statement = std::move(*prepared);
  }
  auto hourly = HourlyTable::Prepare(connection_);
  if (!hourly) {
    return tl::unexpected(hourly.error());
  }
  hourly_ = *std::move(hourly);
  return {};
}

Outcome<void> Writer::LoadTally() {
  Outcome<Statement> saved =
      connection_.Prepare("SELECT upto, spare_rows, spare_bytes, kept_rows, kept_bytes, head, tombstones FROM tally");
  if (!saved) {
    return tl::unexpected(saved.error());
  }
  const Outcome<bool> row = saved->Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  Tally tally;
  std::int64_t saved_id = 0;
  std::int64_t tombstones = 0;
  Digest head{};
  if (*row) {
    saved_id = saved->Int(0);
    tally = {{saved->Int(1), saved->Int(2)}, {saved->Int(3), saved->Int(4)}};
    head = ReadDigest(saved->Text(5)).value_or(Digest{});
    tombstones = saved->Int(6);
  }
  // What was committed since, by a process that did not come to save its tally.
  Outcome<Statement> later = connection_.Prepare("SELECT id, size, kept IS NOT NULL, chain FROM decision WHERE id > ?1 ORDER BY id");
  if (!later) {
    return tl::unexpected(later.error());
  }
  std::int64_t last_id = saved_id;
  later->Bind(1, last_id);
  for (Outcome<bool> next = later->Step();; next = later->Step()) {
    if (!next) {
      return tl::unexpected(next.error());
    }
    if (!*next) {
      break;
    }
    last_id = later->Int(0);
    Count(tally, later->Int(2) != 0, 1, later->Int(1));
    head = ReadDigest(later->Text(3)).value_or(Digest{});
  }
  const Outcome<std::int64_t> latest = connection_.QueryInt("SELECT latest FROM decision ORDER BY id DESC LIMIT 1");
  if (!latest) {
    return tl::unexpected(latest.error());
  }
  // All or nothing: where this fails, ids go on behind the last that was given.
  tally_ = tally;
  saved_id_ = saved_id;
  last_id_ = std::max(last_id_, last_id);
  head_ = head;
  tombstones_count_ = tombstones;
  latest_ = *latest;
  return {};
}

Outcome<void> Writer::LoadChain() {
  Outcome<Statement> chain = connection_.Prepare("SELECT log, first FROM chain");
  if (!chain) {
    return tl::unexpected(chain.error());
  }
  const Outcome<bool> row = chain->Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  if (!*row) {
    return BeginChain();
  }
  log_ = chain->Text(0);
  first_ = chain->Int(1);
  return {};
}

// Behind whatever rows there are: those of an older schema have no value, and none can be made up for them that proves anything.
Outcome<void> Writer::BeginChain() {
  std::array<unsigned char, kLogNameBytes> name{};
  if (RAND_bytes(name.data(), kLogNameBytes) != 1) {
    return tl::unexpected(sqlite::Failure{SQLITE_ERROR, "the audit log gets no name: there are no random bytes"});
  }
  log_.assign(name.begin(), name.end());
  first_ = last_id_ + 1;
  head_ = chain_.Begin(log_, first_);
  Outcome<Statement> insert = connection_.Prepare("INSERT INTO chain (only, log, first) VALUES (1, ?1, ?2)");
  if (!insert) {
    return tl::unexpected(insert.error());
  }
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    auto inserted = insert->BindBlob(1, log_).Bind(2, first_).Run();
    return inserted ? WriteTally(tally_, tombstones_count_) : inserted;
  });
  saved_id_ = result ? last_id_ : saved_id_;
  return result;
}

// Before anything is built on what the last transaction came to.
Outcome<void> Writer::Settle() {
  if (!uncertain_) {
    return {};
  }
  Outcome<void> loaded = LoadTally();
  if (loaded && maybe_deleted_ > 0) {
    const auto deleted = CountDeleted();
    if (!deleted) {
      return tl::unexpected(deleted.error());
    }
    deleted_ = std::clamp(*deleted, deleted_, deleted_ + std::exchange(maybe_deleted_, 0));
  }
  uncertain_ = !loaded;
  return loaded;
}

Outcome<std::int64_t> Writer::CountDeleted() {
  auto in_gaps = connection_.QueryInt("SELECT coalesce(sum(last - first + 1), 0) FROM gap");
  return in_gaps ? Outcome<std::int64_t>(*in_gaps + tombstones_count_) : in_gaps;
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
  uncertain_ = uncertain_ || !result;  // until Settle has looked, whatever else succeeds
  // A full disk or a failing one may have ended the transaction already.
  if (!result && sqlite3_get_autocommit(connection_.handle()) == 0) {
    static_cast<void>(connection_.Execute("ROLLBACK"));
  }
  return result;
}

Outcome<void> Writer::Append(std::span<const Record> records) {
  if (auto settled = Settle(); !settled) {
    return settled;
  }
  Tally tally = tally_;
  std::int64_t id = last_id_;
  std::int64_t latest = latest_;
  Digest head = head_;
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    for (const Record& record : records) {
      const std::int64_t time = record.time.time_since_epoch().count();
      const std::int64_t size = SizeOf(record);
      const bool kept = IsKept(record);
      const std::string sharer = kept ? SharerOf(record) : std::string();
      latest = std::max(latest, time);
      const std::string_view decision = DecisionOf(record);
      const Digest digest = chain_.DigestOf({.time = time,
                                             .latest = latest,
                                             .size = size,
                                             .dry_run = record.dry_run,
                                             .kept = kept ? std::optional<std::string_view>(sharer) : std::nullopt,
                                             .decision = decision,
                                             .uid = record.uid,
                                             .namespace_name = record.namespace_name,
                                             .user = record.user,
                                             .registries = record.registries,
                                             .record = record.json});
      head = chain_.Next(head, ++id, digest);
      insert_.Bind(1, id).Bind(2, time).Bind(3, latest).Bind(4, size).Bind(5, std::int64_t{record.dry_run});
      insert_.Bind(6, decision).Bind(7, record.uid).Bind(8, record.namespace_name);
      kept ? insert_.Bind(9, sharer) : insert_.BindNull(9);
      insert_.Bind(10, record.user).Bind(11, record.registries).Bind(12, record.json).BindBlob(13, View(head));
      if (auto inserted = insert_.Run(); !inserted) {
        return inserted;
      }
      if (record.decision != policy::DecisionKind::kAllowed) {
        if (auto inserted = InsertRegistries(record, id); !inserted) {
          return inserted;
        }
      }
      Count(tally, kept, 1, size);
    }
    return {};
  });
  if (result) {
    tally_ = tally;
    last_id_ = id;
    latest_ = latest;
    head_ = head;
  }
  return result;
}

Outcome<void> Writer::InsertRegistries(const Record& record, std::int64_t id) {
  const std::string_view decision = DecisionOf(record);
  for (const std::string_view registry : RegistriesIn(record.registries)) {
    if (auto inserted = insert_registry_.Bind(1, decision).Bind(2, registry).Bind(3, id).Run(); !inserted) {
      return inserted;
    }
  }
  return {};
}

Outcome<void> Writer::Delete(std::span<const RowSize> rows) {
  if (auto settled = Settle(); !settled) {
    return settled;
  }
  Tally tally = tally_;
  std::int64_t tombstones = tombstones_count_;
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    for (const RowSize& row : rows) {
      const auto buried = Remove(row.id);
      if (!buried) {
        return tl::unexpected(buried.error());
      }
      tombstones += *buried ? 1 : 0;
      Count(tally, row.kept.has_value(), -1, -row.size);
    }
    return WriteTally(tally, tombstones);
  });
  const std::int64_t buried = tombstones - tombstones_count_;
  if (result) {
    tally_ = tally;
    tombstones_count_ = tombstones;
    deleted_ += buried;
    saved_id_ = last_id_;
  } else {
    maybe_deleted_ = buried;
  }
  return result;
}

// The tombstone is of the row as it is: one that was altered does not fit into the chain after it is gone either.
Outcome<bool> Writer::Remove(std::int64_t id) {
  Outcome<bool> found = read_row_.Bind(1, id).Step();
  if (!found || !*found) {
    return found;
  }
  const ChainedRow row = ReadChainedRow(read_row_);
  const auto remove = [&]() -> Outcome<void> {
    if (row.decision != policy::ToString(policy::DecisionKind::kAllowed)) {
      for (const std::string_view registry : RegistriesIn(row.registries)) {
        if (auto deleted = delete_registry_.Bind(1, row.decision).Bind(2, registry).Bind(3, id).Run(); !deleted) {
          return deleted;
        }
      }
    }
    if (id < first_) {
      return {};
    }
    const Digest digest = chain_.DigestOf(row);
    return bury_.Bind(1, id).BindBlob(2, View(digest)).Run();
  };
  Outcome<void> removed = remove();
  read_row_.Reset();
  if (removed) {
    removed = delete_.Bind(1, id).Run();
  }
  return removed ? Outcome<bool>(id >= first_) : tl::unexpected(removed.error());
}

Outcome<void> Writer::AddHourly(const HourlyCounts& counts, std::int64_t upto) {
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    auto added = hourly_.Add(counts);
    return added ? SaveCursor(kHourlyConsumer, upto) : added;
  });
  if (!result) {
    hourly_.Forget();
  }
  return result;
}

Outcome<bool> Writer::PruneHourly(std::int64_t hour, std::int64_t max_bytes) {
  bool removed = false;
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    const auto some = hourly_.Prune(hour, max_bytes);
    if (!some) {
      return tl::unexpected(some.error());
    }
    removed = *some;
    return {};
  });
  if (!result) {
    hourly_.Forget();
    return tl::unexpected(result.error());
  }
  return removed;
}

Outcome<std::optional<Digest>> Writer::ValueOf(Statement& statement, std::int64_t id) {
  const Outcome<bool> row = statement.Bind(1, id).Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  return *row ? ReadDigest(statement.Text(0)) : std::nullopt;  // the caller resets it
}

Outcome<bool> Writer::FoldTombstones(std::int64_t max_tombstones) {
  if (const auto settled = Settle(); !settled) {
    return tl::unexpected(settled.error());
  }
  if (tombstones_count_ == 0) {
    return false;
  }
  bool folded = false;
  const std::int64_t before = tombstones_count_;
  Outcome<void> result = Transaction([&]() -> Outcome<void> {
    const auto some = Fold(max_tombstones);
    if (!some) {
      return tl::unexpected(some.error());
    }
    folded = *some;
    return folded ? WriteTally(tally_, tombstones_count_) : Outcome<void>();
  });
  if (!result) {
    tombstones_count_ = before;
    return tl::unexpected(result.error());
  }
  saved_id_ = folded ? last_id_ : saved_id_;
  return folded;
}

// Inside a transaction.
Outcome<bool> Writer::Fold(std::int64_t max_tombstones) {
  struct Tombstone {
    std::int64_t id;
    Digest digest;
  };
  std::vector<Tombstone> run;
  tombstones_.Bind(1, kFoldTombstones);
  while (true) {
    const Outcome<bool> row = tombstones_.Step();
    if (!row) {
      return row;
    }
    if (!*row || (!run.empty() && tombstones_.Int(0) != run.back().id + 1)) {
      break;
    }
    run.push_back({tombstones_.Int(0), ReadDigest(tombstones_.Text(1)).value_or(Digest{})});
  }
  tombstones_.Reset();
  if (run.empty()) {
    return false;
  }
  // What stands before the run: the chain's beginning, a gap that is to become longer, or a row.
  std::int64_t first = run.front().id;
  auto value = ValueOf(gap_before_, first - 1);
  if (!value) {
    return tl::unexpected(value.error());
  }
  const bool at_gap = value->has_value();
  if (at_gap) {
    first = gap_before_.Int(1);
  }
  gap_before_.Reset();
  if (!at_gap && run.front().id == first_) {
    *value = chain_.Begin(log_, first_);
  } else if (!at_gap) {
    if (tombstones_count_ <= max_tombstones) {
      return false;
    }
    value = ValueOf(row_value_, run.front().id - 1);
    row_value_.Reset();
    if (!value || !*value) {  // a row is missing: the evidence of that stays as it is
      return value ? Outcome<bool>(false) : tl::unexpected(value.error());
    }
  }
  Digest behind = **value;
  for (const Tombstone& tombstone : run) {
    behind = chain_.Next(behind, tombstone.id, tombstone.digest);
    if (auto removed = remove_tombstone_.Bind(1, tombstone.id).Run(); !removed) {
      return tl::unexpected(removed.error());
    }
  }
  tombstones_count_ -= static_cast<std::int64_t>(run.size());
  std::int64_t last = run.back().id;
  const std::int64_t next_first = last + 1;
  const auto next = ValueOf(gap_behind_, next_first);
  if (!next) {
    return tl::unexpected(next.error());
  }
  if (*next) {
    behind = **next;
    last = gap_behind_.Int(1);
  }
  gap_behind_.Reset();
  if (*next) {
    if (auto removed = remove_gap_.Bind(1, next_first).Run(); !removed) {
      return tl::unexpected(removed.error());
    }
  }
  if (auto written = write_gap_.Bind(1, first).Bind(2, last).BindBlob(3, View(behind)).Run(); !written) {
    return tl::unexpected(written.error());
  }
  return true;
}

Outcome<void> Writer::WriteTally(const Tally& tally, std::int64_t tombstones) {
  return save_tally_.Bind(1, last_id_)
      .Bind(2, tally.spare.rows)
      .Bind(3, tally.spare.bytes)
      .Bind(4, tally.kept.rows)
      .Bind(5, tally.kept.bytes)
      .BindBlob(6, View(head_))
      .Bind(7, tombstones)
      .Run();
}

Outcome<void> Writer::SaveTally() {
  if (auto settled = Settle(); !settled) {
    return settled;
  }
  if (saved_id_ == last_id_) {
    return {};
  }
  Outcome<void> result = WriteTally(tally_, tombstones_count_);
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
