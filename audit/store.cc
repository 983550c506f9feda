#include "audit/store.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

#include "audit/clock_trust.h"
#include "audit/commit_times.h"
#include "audit/database_file.h"
#include "audit/hourly.h"
#include "audit/retention.h"
#include "audit/sqlite.h"
#include "audit/writer.h"
#include "base/mutex.h"

namespace audit {
namespace {

// PASSIVE checkpoints run beside commits; alone they let the log grow while commits never pause. RESTART, under the mutex,
// makes the next commit begin it anew.
constexpr std::int64_t kPassivePages = 1000;
constexpr int kPassiveTries = 4;
constexpr std::int64_t kPageBytes = 4096;  // SQLite's default, as the schema was created
constexpr std::int64_t kRestartPages = (std::int64_t{32} << 20) / kPageBytes;

// Over size, this much below the limit is freed at once, so that not every Maintain deletes.
constexpr std::int64_t kSlackShare = 32;

// What deleted rows leave behind takes at most this share of the size: a flood of what goes first must not push out by its
// traces what goes last.
constexpr std::int64_t kTombstoneShare = 16;
constexpr std::int64_t kTombstoneBytes = 48;

// Roll-ups, too, take at most a share of it: the oldest go.
constexpr std::int64_t kHourlyShare = 16;

// Before any hour: no roll-up goes for its age.
constexpr std::int64_t kNoHour = std::numeric_limits<std::int64_t>::min();

// In one Maintain, so that a stop need not wait: 8,192 rows.
constexpr int kMaxSteps = 64;
constexpr std::chrono::milliseconds kMaxRetain{100};
constexpr std::chrono::milliseconds kMaxRollUp{100};

// Where what is begun anew is damaged at once, again and again, it must not fill the volume.
constexpr std::chrono::minutes kSetAsideInterval{1};

// A disk that cannot be opened on is tried again no more often.
constexpr std::chrono::seconds kOpenInterval{1};

// The reading connection never waits for a lock that a commit needs; outside programs hold none for long.
constexpr std::chrono::milliseconds kReaderWait{0};

// What the audit threads read with, and checkpoint with: a connection that has read nothing checkpoints nothing.
struct Reader {
  sqlite::Connection connection;  // before its statements
  sqlite::Statement committed, rows, link, pages, free_pages;
  Retention retention;
  HourlySource hourly;
  std::optional<std::int64_t> counted;  // rows up to it are in the roll-ups; none: not looked up yet
};

sqlite::Outcome<Reader> OpenReader(const std::string& path) {
  auto connection = sqlite::Connection::Open(path, sqlite::Connection::Mode::kReadWrite, kReaderWait);
  if (!connection) {
    return tl::unexpected(connection.error());
  }
  Reader reader;
  reader.connection = std::move(*connection);
  // Sorting goes to memory: the root file system may be read-only. Checkpoints are the caller's business here as well.
  if (auto set = reader.connection.Execute("PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0"); !set) {
    return tl::unexpected(set.error());
  }
  const std::initializer_list<std::pair<sqlite::Statement*, std::string_view>> statements = {
      {&reader.committed, "SELECT id, record FROM decision WHERE id > ?1 ORDER BY id LIMIT ?2"},
      {&reader.rows,
       "SELECT id, time, dry_run, decision, uid, namespace, user, registries, record FROM decision WHERE id > ?1 ORDER BY id"},
      {&reader.link, "SELECT chain FROM decision WHERE id = ?1"},
      {&reader.pages, "PRAGMA page_count"},
      {&reader.free_pages, "PRAGMA freelist_count"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = reader.connection.Prepare(sql);
    if (!prepared) {
      return tl::unexpected(prepared.error());
    }
    *statement = std::move(*prepared);
  }
  auto retention = Retention::Prepare(reader.connection);
  if (!retention) {
    return tl::unexpected(retention.error());
  }
  reader.retention = std::move(*retention);
  auto hourly = HourlySource::Prepare(reader.connection);
  if (!hourly) {
    return tl::unexpected(hourly.error());
  }
  reader.hourly = std::move(*hourly);
  return reader;
}

class SqliteStore final : public Store {
 public:
  SqliteStore(StoreOptions options, const base::Clock& clock) : options_(std::move(options)), clock_(clock) {}

  // Opens both connections; a damaged database is set aside first, and `notice` says so.
  base::Result<void> OpenDatabase(std::string* notice) EXCLUDES(read_mutex_, write_mutex_) {
    base::MutexLock read_lock(read_mutex_);
    base::MutexLock write_lock(write_mutex_);
    base::Result<void> opened = OpenLocked();
    *notice = std::exchange(notice_, {});
    if (!opened && options_.opens_later && opened.error().code == base::ErrorCode::kUnavailable) {
      not_open_ = opened.error();
      tried_at_ = clock_.Monotonic();
      return {};
    }
    return opened;
  }

  base::Result<void> Commit(std::span<const Record> records) override EXCLUDES(write_mutex_) {
    base::MutexLock lock(write_mutex_);
    if (records.empty()) {
      return writer_ ? base::Result<void>() : tl::unexpected(WhyNotOpen());
    }
    auto committed = Write([&](Writer& writer) { return writer.Append(records); });
    if (committed) {
      commit_times_->Committed(writer_->last_id(), clock_.Monotonic());
    }
    return committed;
  }

  base::Result<std::vector<std::string>> ReadCommitted(std::int64_t* cursor, std::size_t limit) override EXCLUDES(read_mutex_) {
    base::MutexLock lock(read_mutex_);
    if (!reader_) {
      return tl::unexpected(NotOpen());
    }
    std::vector<std::string> records;
    std::int64_t last = *cursor;
    reader_->committed.Bind(1, last).Bind(2, static_cast<std::int64_t>(limit));
    while (true) {
      const auto row = reader_->committed.Step();
      if (!row) {
        return Failed<std::vector<std::string>>(row.error());
      }
      if (!*row) {
        break;
      }
      last = reader_->committed.Int(0);
      records.emplace_back(reader_->committed.Text(1));
    }
    *cursor = last;
    return records;
  }

  base::Result<Rows> ReadRows(std::int64_t cursor, std::size_t max_rows, std::size_t max_bytes) override
      EXCLUDES(read_mutex_, write_mutex_) {
    base::MutexLock read_lock(read_mutex_);  // to the end: the rows and the name are of one database
    if (!reader_) {
      return tl::unexpected(NotOpen());
    }
    Rows read;
    sqlite::Statement& row = reader_->rows.Bind(1, cursor);
    for (std::size_t bytes = 0; read.rows.size() < max_rows && bytes < max_bytes;) {
      const auto next = row.Step();
      if (!next) {
        return Failed<Rows>(next.error());
      }
      if (!*next) {
        break;
      }
      read.rows.push_back({row.Int(0), base::Time(std::chrono::microseconds(row.Int(1))), row.Int(2) != 0, std::string(row.Text(3)),
                           std::string(row.Text(4)), std::string(row.Text(5)), std::string(row.Text(6)), std::string(row.Text(7)),
                           std::string(row.Text(8))});
      bytes += read.rows.back().record.size();
    }
    row.Reset();
    base::MutexLock write_lock(write_mutex_);
    if (!writer_) {
      return tl::unexpected(NotOpen());
    }
    read.log = writer_->head().log;
    return read;
  }

  base::Result<std::optional<Link>> ReadLink(std::int64_t sequence) override EXCLUDES(read_mutex_, write_mutex_) {
    base::MutexLock read_lock(read_mutex_);
    if (!reader_) {
      return tl::unexpected(NotOpen());
    }
    const auto row = reader_->link.Bind(1, sequence).Step();
    if (!row) {
      return Failed<std::optional<Link>>(row.error());
    }
    const std::optional<Digest> value = *row ? ReadDigest(reader_->link.Text(0)) : std::nullopt;
    reader_->link.Reset();
    base::MutexLock write_lock(write_mutex_);
    if (!writer_) {
      return tl::unexpected(NotOpen());
    }
    Link head = writer_->head();
    if (value) {
      return Link{head.log, sequence, *value};
    }
    if (head.sequence == sequence) {
      return head;
    }
    Link beginning = writer_->beginning();
    return beginning.sequence == sequence ? std::optional(std::move(beginning)) : std::nullopt;
  }

  base::Result<std::int64_t> LoadCursor(const std::string& consumer) override EXCLUDES(write_mutex_) {
    base::MutexLock lock(write_mutex_);
    std::int64_t cursor = 0;
    const auto loaded = Write([&](Writer& writer) -> sqlite::Outcome<void> {
      const auto value = writer.LoadCursor(consumer);
      if (!value) {
        return tl::unexpected(value.error());
      }
      cursor = *value;
      return {};
    });
    if (!loaded) {
      return tl::unexpected(loaded.error());
    }
    return cursor;
  }

  base::Result<void> SaveCursor(const std::string& consumer, std::int64_t cursor) override EXCLUDES(write_mutex_) {
    base::MutexLock lock(write_mutex_);
    auto saved = Write([&](Writer& writer) { return writer.SaveCursor(consumer, cursor); });
    if (saved && consumer == options_.waits_for) {
      taken_ = cursor;
    }
    return saved;
  }

  base::Result<void> Maintain() override EXCLUDES(read_mutex_, write_mutex_) {
    base::MutexLock read_lock(read_mutex_);
    if (damaged_.load()) {
      return Replace();
    }
    if (set_aside_ > 0) {
      set_aside_ = CountSetAside(options_.database);  // somebody may have taken it away
    }
    if (!reader_) {
      return OpenAgain();
    }
    trust_->Look(clock_.Now(), clock_.Monotonic());
    // Rows are counted before they go. Each also when another failed: on a full disk retention and a checkpoint are what makes room.
    const base::Result<void> counted = RollUp();
    const base::Result<void> retained = Retain();
    const base::Result<void> checkpointed = Checkpoint();
    return !counted ? counted : !retained ? retained : checkpointed;
  }

  std::optional<std::string> TakeNotice() override EXCLUDES(read_mutex_) {
    base::MutexLock lock(read_mutex_);
    return notice_.empty() ? std::nullopt : std::optional(std::exchange(notice_, {}));
  }

  std::optional<std::string> AgeDoubt() override EXCLUDES(read_mutex_) {
    base::MutexLock lock(read_mutex_);
    return trust_ ? trust_->doubt() : std::nullopt;
  }

  void AllowDeletions(std::int64_t total) override { allowed_ = total; }

  Size Measure() const override {
    const std::int64_t taken = taken_.load();
    const std::int64_t waiting = options_.waits_for.empty() ? 0 : std::max<std::int64_t>(last_committed_.load() - taken, 0);
    return {rows_.load(),    bytes_.load(),    wal_pages_.load() * kPageBytes, set_aside_.load(), waiting, lost_.load(),
            deleted_.load(), held_back_.load()};
  }

 private:
  // What is damaged, or left alone, is set aside, once.
  base::Result<void> OpenLocked() REQUIRES(read_mutex_, write_mutex_) {
    if (!lock_) {
      auto lock = WriterLock::Take(options_.database);
      if (!lock) {
        return tl::unexpected(lock.error());
      }
      lock_.emplace(*std::move(lock));
    }
    if (LogIsLeftAlone(options_.database)) {
      if (const auto aside = SetAsideLocked("is gone, its write-ahead log is not: that was"); !aside) {
        return aside;
      }
    }
    set_aside_ = CountSetAside(options_.database);
    for (const bool again : {false, true}) {
      if (const auto created = CreateDatabaseFile(options_.database); !created) {
        return created;
      }
      bool damaged = false;
      auto writer = Writer::Open(options_.database, options_.durability, last_id_, &wal_pages_, &damaged);
      if (writer) {
        auto reader = OpenReader(options_.database);
        if (reader) {
          writer_ = std::move(*writer);
          reader_ = std::move(*reader);
          CountRows();
          BeginAges();
          if (allowed_ != Retention::kAllRows) {
            allowed_ = deleted_.load();  // what was allowed is of another log
          }
          damaged_ = false;
          return LoadTaken();
        }
        damaged = reader.error().Damaged();
        writer = tl::unexpected<base::Error>(reader.error());
      }
      if (!damaged || again) {
        return tl::unexpected(writer.error());
      }
      if (const auto aside = SetAsideLocked("is damaged (" + writer.error().message + "):"); !aside) {
        return aside;
      }
    }
    return {};
  }

  // Once: what the clocks have told since holds for another database, too, and ids go on.
  void BeginAges() REQUIRES(read_mutex_, write_mutex_) {
    if (!trust_) {
      trust_.emplace(clock_.Now(), clock_.Monotonic(), writer_->latest());
      commit_times_.emplace(writer_->last_id(), options_.retention_age);
    }
  }

  base::Result<void> SetAsideLocked(const std::string& why) REQUIRES(read_mutex_, write_mutex_) {
    if (set_aside_at_ && clock_.Monotonic() - *set_aside_at_ < kSetAsideInterval) {
      return base::Fail(base::ErrorCode::kUnavailable,
                        "audit database " + options_.database + ": is damaged again, so soon after one was set aside",
                        "check its file system; a new one is begun within a minute");
    }
    const auto name = SetAside(options_.database, clock_.Now());
    if (!name) {
      return tl::unexpected(name.error());
    }
    set_aside_at_ = clock_.Monotonic();
    set_aside_ = CountSetAside(options_.database);
    notice_ += (notice_.empty() ? "audit database " : "; audit database ") + options_.database + ": " + why + " set aside as " + *name +
               ", and a new one is begun (`sqlite3 " + *name + " .dump` prints what can be read of it)";
    return {};
  }

  // Commits wait meanwhile, so not at every look.
  base::Result<void> OpenAgain() REQUIRES(read_mutex_) EXCLUDES(write_mutex_) {
    const auto now = clock_.Monotonic();
    base::MutexLock write_lock(write_mutex_);
    if (now - tried_at_ < kOpenInterval) {
      return tl::unexpected(WhyNotOpen());
    }
    tried_at_ = now;
    auto opened = OpenLocked();
    not_open_ = opened ? std::nullopt : std::optional(opened.error());
    return opened;
  }

  // Damage that showed while running: the same as at a start. Where a step fails, the next Maintain goes on with it.
  base::Result<void> Replace() REQUIRES(read_mutex_) EXCLUDES(write_mutex_) {
    base::MutexLock write_lock(write_mutex_);
    if (writer_) {
      last_id_ = std::max(last_id_, writer_->last_id());  // ids go on, so that cursors that consumers hold stay good
      reader_.reset();
      writer_.reset();
      to_set_aside_ = true;  // always, since what was damaged deep inside may open well
    }
    if (to_set_aside_) {
      if (const auto aside = SetAsideLocked("was found damaged:"); !aside) {
        return aside;
      }
      to_set_aside_ = false;
      // What was not taken out of it is not in the new one.
      if (!options_.waits_for.empty() && last_id_ > taken_.load()) {
        lost_ += last_id_ - taken_.load();
        taken_ = last_id_;
      }
    }
    return OpenLocked();
  }

  // No more rows than the bytes that are over: a row may have 64 KiB, and a step of them somebody's whole history.
  static void KeepWhatFits(std::vector<RowSize>& rows, std::int64_t over) {
    std::size_t count = 0;
    while (count < rows.size() && over > 0) {
      over -= rows[count++].size;
    }
    rows.resize(count);
  }

  void KeepWhatIsAllowed(std::vector<RowSize>& rows) {
    const auto left = static_cast<std::size_t>(std::max<std::int64_t>(allowed_ - deleted_, 0));
    if (rows.size() > left) {
      held_back_ = true;
      rows.resize(left);
    }
  }

  base::Result<void> RollUp() REQUIRES(read_mutex_) EXCLUDES(write_mutex_) {
    if (!reader_->counted) {
      const auto saved = LoadCursor(kHourlyConsumer);
      if (!saved) {
        return tl::unexpected(saved.error());
      }
      reader_->counted = *saved;
    }
    const auto began = clock_.Monotonic();
    for (bool more = true; more && clock_.Monotonic() - began < kMaxRollUp;) {
      const auto step = reader_->hourly.Next(*reader_->counted);
      if (!step) {
        return Failed<void>(step.error());
      }
      if (step->upto == *reader_->counted) {
        break;
      }
      base::MutexLock write_lock(write_mutex_);
      if (const auto added = Write([&](Writer& writer) { return writer.AddHourly(step->counts, step->upto); }); !added) {
        reader_->counted.reset();  // it may have been committed all the same: the cursor tells
        return added;
      }
      reader_->counted = step->upto;
      more = step->more;
    }
    const base::Time oldest = clock_.Now() - options_.retention_age;
    const std::int64_t hour = trust_->doubt() ? kNoHour : std::chrono::floor<std::chrono::hours>(oldest).time_since_epoch().count();
    return InSteps([&](Writer& writer) { return writer.PruneHourly(hour, options_.retention_bytes / kHourlyShare); });
  }

  base::Result<void> Retain() REQUIRES(read_mutex_) EXCLUDES(write_mutex_) {
    const base::Time now = clock_.Now();
    const base::Time cutoff = now - options_.retention_age;
    std::int64_t target = options_.retention_bytes;
    held_back_ = false;
    const auto began = clock_.Monotonic();
    for (int step = 0; step < kMaxSteps && clock_.Monotonic() - began < kMaxRetain; ++step) {
      const std::int64_t taken = options_.waits_for.empty() ? Retention::kAllRows : taken_.load();
      std::int64_t lost = 0;
      auto rows = reader_->retention.TooOld(cutoff, now, std::min(taken, Aged()));
      if (rows) {
        KeepWhatIsAllowed(*rows);
      }
      if (rows && rows->empty()) {
        const auto used = UsedBytes();
        if (!used) {
          return Failed<void>(used.error());
        }
        bytes_ = *used;
        if (*used <= target) {
          break;
        }
        target = options_.retention_bytes - options_.retention_bytes / kSlackShare;
        const auto counted = reader_->retention.Count();
        if (!counted) {
          return Failed<void>(counted.error());
        }
        if (!*counted) {
          break;  // the next Maintain goes on
        }
        rows = reader_->retention.OverSize(CurrentTally(), taken);
        const bool last_resort = rows && rows->empty() && taken != Retention::kAllRows;
        if (last_resort) {
          rows = reader_->retention.OverSize(CurrentTally(), Retention::kAllRows);
        }
        if (rows) {
          KeepWhatFits(*rows, *used - target);
          if (*used <= options_.retention_bytes + options_.retention_bytes / kSlackShare) {
            KeepWhatIsAllowed(*rows);
          }
          lost = last_resort ? static_cast<std::int64_t>(rows->size()) : 0;
        }
      }
      if (!rows) {
        return Failed<void>(rows.error());
      }
      if (rows->empty()) {
        break;
      }
      base::MutexLock write_lock(write_mutex_);
      if (const auto deleted = Write([&](Writer& writer) { return writer.Delete(*rows); }); !deleted) {
        reader_->retention.Recount();  // they may be gone all the same
        return deleted;
      }
      lost_ += lost;
      reader_->retention.Deleted(*rows);
    }
    if (const auto folded = FoldTombstones(); !folded) {
      return folded;
    }
    base::MutexLock write_lock(write_mutex_);
    return Write([](Writer& writer) { return writer.SaveTally(); });
  }

  // Rows behind it are not too old, whatever their times say.
  std::int64_t Aged() REQUIRES(read_mutex_) EXCLUDES(write_mutex_) {
    base::MutexLock write_lock(write_mutex_);
    return trust_->doubt() ? 0 : commit_times_->Aged(clock_.Monotonic());
  }

  base::Result<void> FoldTombstones() EXCLUDES(write_mutex_) {
    const std::int64_t most = options_.retention_bytes / kTombstoneShare / kTombstoneBytes;
    return InSteps([&](Writer& writer) { return writer.FoldTombstones(most); });
  }

  // Calls `step` until it has nothing to do, but not without an end; commits go on in between.
  template <class Step>
  base::Result<void> InSteps(Step step) EXCLUDES(write_mutex_) {
    bool more = true;
    for (int i = 0; more && i < kMaxSteps; ++i) {
      base::MutexLock write_lock(write_mutex_);
      const auto done = Write([&](Writer& writer) -> sqlite::Outcome<void> {
        const auto some = step(writer);
        if (!some) {
          return tl::unexpected(some.error());
        }
        more = *some;
        return {};
      });
      if (!done) {
        return done;
      }
    }
    return {};
  }

  base::Result<void> Checkpoint() REQUIRES(read_mutex_) EXCLUDES(write_mutex_) {
    if (wal_pages_ < kPassivePages) {
      return {};
    }
    // Again while much was committed during the last one: what is left for RESTART is written with the mutex held.
    for (int i = 0; i < kPassiveTries; ++i) {
      int done = 0;
      if (const int code = RunCheckpoint(SQLITE_CHECKPOINT_PASSIVE, &done); code != SQLITE_OK && code != SQLITE_BUSY) {
        return Failed<void>(sqlite::LastFailure(reader_->connection.handle()));
      }
      if (wal_pages_ - done < kPassivePages) {
        break;
      }
    }
    if (wal_pages_ < kRestartPages) {
      return {};
    }
    base::MutexLock write_lock(write_mutex_);
    int done = 0;
    const int code = RunCheckpoint(SQLITE_CHECKPOINT_RESTART, &done);
    if (code == SQLITE_OK) {
      wal_pages_ = 0;
    } else if (code != SQLITE_BUSY) {  // busy: somebody reads; the next time, then
      return Failed<void>(sqlite::LastFailure(reader_->connection.handle()));
    }
    return {};
  }

  // The primary result code; `done`: pages of the log that are in the database now.
  int RunCheckpoint(int mode, int* done) REQUIRES(read_mutex_) {
    return sqlite3_wal_checkpoint_v2(reader_->connection.handle(), nullptr, mode, nullptr, done) & 0xff;
  }

  // Pages that hold something: the file does not shrink, freed pages are used again.
  sqlite::Outcome<std::int64_t> UsedBytes() REQUIRES(read_mutex_) {
    auto pages = reader_->pages.QueryInt();
    if (!pages) {
      return pages;
    }
    auto free_pages = reader_->free_pages.QueryInt();
    if (!free_pages) {
      return free_pages;
    }
    return (*pages - *free_pages) * kPageBytes;
  }

  Tally CurrentTally() EXCLUDES(write_mutex_) {
    base::MutexLock lock(write_mutex_);
    return writer_ ? writer_->tally() : Tally();
  }

  template <class Operation>
  base::Result<void> Write(Operation operation) REQUIRES(write_mutex_) {
    if (!writer_) {
      return tl::unexpected(WhyNotOpen());
    }
    const sqlite::Outcome<void> result = operation(*writer_);
    deleted_ = writer_->deleted();
    if (!result) {
      return Failed<void>(result.error());
    }
    CountRows();
    return {};
  }

  void CountRows() REQUIRES(write_mutex_) {
    rows_ = writer_->tally().spare.rows + writer_->tally().kept.rows;
    last_committed_ = writer_->last_id();
    deleted_ = writer_->deleted();
  }

  // A new database knows no cursor: where one was set aside, all of it is taken or lost.
  base::Result<void> LoadTaken() REQUIRES(write_mutex_) {
    if (options_.waits_for.empty()) {
      return {};
    }
    const auto cursor = writer_->LoadCursor(options_.waits_for);
    if (!cursor) {
      return Failed<void>(cursor.error());
    }
    taken_ = std::max(taken_.load(), *cursor);
    return {};
  }

  template <class T>
  base::Result<T> Failed(const sqlite::Failure& failure) {
    if (failure.Damaged()) {
      damaged_ = true;  // the next Maintain sees to it
    }
    return tl::unexpected<base::Error>(failure);
  }

  base::Error WhyNotOpen() const REQUIRES(write_mutex_) { return not_open_.value_or(NotOpen()); }

  base::Error NotOpen() const {
    return {base::ErrorCode::kUnavailable, "audit database " + options_.database + ": not open: it was found damaged, or its disk fails",
            "see the log"};
  }

  const StoreOptions options_;
  const base::Clock& clock_;
  std::atomic<std::int64_t> wal_pages_{0}, rows_{0}, bytes_{0}, set_aside_{0};
  std::atomic<bool> damaged_{false};
  std::atomic<std::int64_t> taken_{0}, last_committed_{0}, lost_{0};  // taken_: the saved cursor of waits_for

  std::atomic<std::int64_t> deleted_{0}, allowed_{Retention::kAllRows};
  std::atomic<bool> held_back_{false};

  // Where both are held, read_mutex_ was locked first. A commit needs write_mutex_ alone.
  base::Mutex read_mutex_;
  std::optional<WriterLock> lock_ GUARDED_BY(read_mutex_);  // taken by the first opening
  std::optional<Reader> reader_ GUARDED_BY(read_mutex_);
  std::chrono::steady_clock::time_point tried_at_ GUARDED_BY(read_mutex_);
  std::string notice_ GUARDED_BY(read_mutex_);
  bool to_set_aside_ GUARDED_BY(read_mutex_) = false;
  std::optional<std::chrono::steady_clock::time_point> set_aside_at_ GUARDED_BY(read_mutex_);
  std::optional<ClockTrust> trust_ GUARDED_BY(read_mutex_);  // since the first opening, as commit_times_
  base::Mutex write_mutex_;
  std::optional<Writer> writer_ GUARDED_BY(write_mutex_);
  std::optional<base::Error> not_open_ GUARDED_BY(write_mutex_);  // why it could not be opened
  std::optional<CommitTimes> commit_times_ GUARDED_BY(write_mutex_);
  std::int64_t last_id_ GUARDED_BY(write_mutex_) = 0;  // of the database that was replaced
};

}  // namespace

base::Result<std::unique_ptr<Store>> Store::Open(const StoreOptions& options, const base::Clock& clock, std::string* notice) {
  auto store = std::make_unique<SqliteStore>(options, clock);
  if (const auto opened = store->OpenDatabase(notice); !opened) {
    return tl::unexpected(opened.error());
  }
  return store;
}

}  // namespace audit
