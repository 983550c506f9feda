#include "audit/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "audit/verify.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/faulty_vfs.h"

namespace audit {
namespace {

using support::ExecuteOn;
using support::Find;
using support::OpenStore;
using support::SampleRecord;
using support::ScratchDatabase;
using testing::HasSubstr;
using testing::SizeIs;

base::Result<void> CommitOne(Store& store, const SampleRecord& sample) {
  const Record record = sample.Make();
  return store.Commit({&record, 1});
}

std::vector<std::string> ReadAll(Store& store, std::int64_t cursor = 0) {
  auto records = store.ReadCommitted(&cursor, 1'000'000);
  EXPECT_TRUE(records) << records.error().ToString();
  return records.value_or(std::vector<std::string>());
}

TEST(Store, ReadsWhatWasCommittedInOrderFromACursorOn) {
  const support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase()}, clock);
  const std::vector<Record> records = {SampleRecord{.uid = "a"}.Make(), SampleRecord{.uid = "b"}.Make(), SampleRecord{.uid = "c"}.Make()};
  ASSERT_TRUE(store->Commit(records));
  ASSERT_TRUE(store->Commit({}));

  std::int64_t cursor = 0;
  EXPECT_THAT(store->ReadCommitted(&cursor, 2).value(), testing::ElementsAre(records[0].json, records[1].json));
  EXPECT_THAT(store->ReadCommitted(&cursor, 2).value(), testing::ElementsAre(records[2].json));
  EXPECT_THAT(store->ReadCommitted(&cursor, 2).value(), testing::IsEmpty());
  EXPECT_EQ(store->Measure().rows, 3);
  EXPECT_GT(store->Measure().wal_bytes, 0);
}

TEST(Store, ReadsWholeRowsAndTheNameOfTheirLog) {
  const support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase()}, clock);
  const std::vector<Record> records = {SampleRecord{.uid = "a", .dry_run = true}.Make(),
                                       SampleRecord{.uid = "b", .namespace_name = "pay"}.Make(),
                                       SampleRecord{.uid = "c", .padding = std::string(3000, 'p')}.Make()};
  ASSERT_TRUE(store->Commit(records));

  const Store::Rows rows = store->ReadRows(0, 100, 1 << 20).value();
  EXPECT_EQ(rows.log, store->ReadLink(3).value()->log);
  ASSERT_THAT(rows.rows, SizeIs(3));
  const StoredRow& row = rows.rows[1];
  EXPECT_EQ(row.sequence, 2);
  EXPECT_EQ(row.time, records[1].time);
  EXPECT_FALSE(row.dry_run);
  EXPECT_TRUE(rows.rows[0].dry_run);
  EXPECT_EQ(row.decision, "Denied");
  EXPECT_EQ(row.uid, "b");
  EXPECT_EQ(row.namespace_name, "pay");
  EXPECT_EQ(row.user, "anna");
  EXPECT_EQ(row.registries, " contoso.azurecr.io ");
  EXPECT_EQ(row.record, records[1].json);

  EXPECT_THAT(store->ReadRows(1, 1, 1 << 20).value().rows, SizeIs(1));
  EXPECT_THAT(store->ReadRows(1, 100, 1).value().rows, SizeIs(1));  // one at least, or nothing would ever go on
  EXPECT_THAT(store->ReadRows(3, 100, 1 << 20).value().rows, SizeIs(0));
}

TEST(Store, RemembersRecordsCursorsAndCountsAcrossRuns) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .durability = Durability::kDisk};
  {
    const auto store = OpenStore(options, clock);
    ASSERT_TRUE(CommitOne(*store, {.uid = "a"}));
    ASSERT_TRUE(store->Maintain());
    ASSERT_TRUE(CommitOne(*store, {.uid = "b"}));  // behind the tally that Maintain saved
    EXPECT_EQ(store->LoadCursor("stdout"), 0);
    ASSERT_TRUE(store->SaveCursor("stdout", 1));
    ASSERT_TRUE(store->SaveCursor("events", 7));
    ASSERT_TRUE(store->SaveCursor("stdout", 2));
  }
  const auto store = OpenStore(options, clock);
  EXPECT_THAT(ReadAll(*store), SizeIs(2));
  EXPECT_EQ(store->LoadCursor("stdout"), 2);
  EXPECT_EQ(store->LoadCursor("events"), 7);
  EXPECT_EQ(store->Measure().rows, 2);
}

TEST(Store, FilesAreTheOwnersAlone) {
  const support::FakeClock clock;
  const std::string database = ScratchDatabase();
  const auto store = OpenStore({.database = database}, clock);
  ASSERT_TRUE(CommitOne(*store, {}));
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat status{};
    ASSERT_EQ(stat((database + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600) << suffix;
  }
}

TEST(Store, ASecondWriterIsRefusedUntilTheFirstIsGone) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  auto store = OpenStore(options, clock);
  ASSERT_TRUE(CommitOne(*store, {}));
  std::string notice;
  const auto second = Store::Open(options, clock, &notice);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another process writes to it"));
  EXPECT_THAT(Find(options.database, {}), SizeIs(1));  // readers are welcome
  store.reset();
  EXPECT_NE(OpenStore(options, clock), nullptr);
}

TEST(Store, AFolderThatIsMissingIsNamed) {
  const support::FakeClock clock;
  std::string notice;
  const auto store = Store::Open({.database = ScratchDatabase() + "/none/audit.db"}, clock, &notice);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("/none/audit.db"));
}

// A disk that is full, broken or read-only when the process starts, until somebody mends it.
class StoreOpensLater : public testing::TestWithParam<support::FaultyVfs::Fault> {};

TEST_P(StoreOpensLater, ItIsNotOpenUntilTheDiskIsWell) {
  support::FaultyVfs vfs;
  support::FakeClock clock;
  StoreOptions options{.database = ScratchDatabase()};
  vfs.Begin(support::FaultyVfs::Plan{0, GetParam(), true});
  std::string notice;
  EXPECT_FALSE(Store::Open(options, clock, &notice));
  options.opens_later = true;
  const auto store = OpenStore(options, clock);
  ASSERT_NE(store, nullptr);
  const auto nothing = store->Commit({});
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().message, HasSubstr(options.database));
  EXPECT_FALSE(CommitOne(*store, {}));
  EXPECT_FALSE(store->LoadCursor("stdout"));
  EXPECT_FALSE(store->Maintain());
  EXPECT_EQ(store->AgeDoubt(), std::nullopt);
  EXPECT_EQ(store->Measure().rows, 0);
  clock.Advance(std::chrono::seconds(1));
  EXPECT_FALSE(store->Maintain());

  vfs.Mend();
  EXPECT_FALSE(store->Maintain());  // not at every look
  clock.Advance(std::chrono::seconds(1));
  const auto opened = store->Maintain();
  ASSERT_TRUE(opened) << opened.error().ToString();
  EXPECT_TRUE(store->Commit({}));
  EXPECT_TRUE(CommitOne(*store, {.uid = "after"}));
  EXPECT_TRUE(store->Maintain());
  EXPECT_THAT(ReadAll(*store), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(Faults, StoreOpensLater,
                         testing::Values(support::FaultyVfs::Fault::kIoError, support::FaultyVfs::Fault::kNoSpace,
                                         support::FaultyVfs::Fault::kReadOnly));

// What is given wrongly stays an error.
TEST(Store, AMissingFolderAnotherWriterAndAnotherSchemaAreErrorsAlsoWhereItMayOpenLater) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .opens_later = true};
  std::string notice;
  const auto missing = Store::Open({.database = options.database + "/none/audit.db", .opens_later = true}, clock, &notice);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::ErrorCode::kInvalidArgument);
  auto store = OpenStore(options, clock);
  EXPECT_FALSE(Store::Open(options, clock, &notice));
  store.reset();
  ExecuteOn(options.database, "PRAGMA user_version = 99");
  EXPECT_FALSE(Store::Open(options, clock, &notice));
}

// In a mount namespace of its own: 0, or which step was not as it should be; kNoNamespace where none can be made.
constexpr int kNoNamespace = 77;

int OpenOnReadOnlyFileSystem(StoreOptions options) {
  const std::string folder = std::filesystem::path(options.database).parent_path();
  const auto mount_folder = [&](unsigned long flags) { return mount(folder.c_str(), folder.c_str(), nullptr, flags, nullptr) == 0; };
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || !mount_folder(MS_BIND) ||
      !mount_folder(MS_REMOUNT | MS_BIND | MS_RDONLY)) {
    return kNoNamespace;
  }
  support::FakeClock clock;
  std::string notice;
  if (Store::Open(options, clock, &notice)) {
    return 1;
  }
  options.opens_later = true;
  const auto store = Store::Open(options, clock, &notice);
  if (!store) {
    return 2;
  }
  const auto refused = CommitOne(**store, {});
  if (refused || refused.error().message.find("Read-only file system") == std::string::npos) {
    return 3;
  }
  if (!mount_folder(MS_REMOUNT | MS_BIND)) {
    return 4;
  }
  clock.Advance(std::chrono::seconds(1));
  return (*store)->Maintain() && CommitOne(**store, {}) ? 0 : 5;
}

TEST(Store, AFileSystemThatWasRemountedReadOnlyIsWaitedFor) {
  const StoreOptions options{.database = ScratchDatabase()};
  for (const bool there : {false, true}) {
    if (there) {
      const support::FakeClock clock;
      OpenStore(options, clock).reset();
    }
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      _exit(OpenOnReadOnlyFileSystem(options));
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == kNoNamespace) {
      GTEST_SKIP() << "no mount namespace can be made here";
    }
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
}

TEST(Store, AnotherSchemaVersionIsAnErrorAndStaysAsItWas) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  OpenStore(options, clock).reset();
  ExecuteOn(options.database, "PRAGMA user_version = 99");
  std::string notice;
  const auto store = Store::Open(options, clock, &notice);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_THAT(store.error().ToString(), HasSubstr("schema version 99"));
  EXPECT_EQ(notice, "");
}

TEST(Store, AnotherProgramsDatabaseIsAnErrorAndStaysAsItWas) {
  const support::FakeClock clock;
  const std::string database = ScratchDatabase();
  ExecuteOn(database, "CREATE TABLE customer (id INTEGER); INSERT INTO customer VALUES (1)");
  std::string notice;
  const auto store = Store::Open({.database = database}, clock, &notice);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("holds no audit log"));
  ExecuteOn(database, "INSERT INTO customer VALUES (2)");
}

TEST(Store, ADamagedDatabaseIsSetAsideAtTheStart) {
  const support::FakeClock clock;
  const std::string database = ScratchDatabase();
  const std::string garbage(20'000, 'x');
  std::ofstream(database) << garbage;
  std::ofstream(database + "-wal") << "old log";
  std::string notice;
  const auto store = OpenStore({.database = database}, clock, &notice);
  ASSERT_NE(store, nullptr);
  const std::string aside = database + ".corrupt-20261123T120000Z";
  EXPECT_THAT(notice, HasSubstr(aside));
  EXPECT_EQ(std::filesystem::file_size(aside), garbage.size());
  EXPECT_TRUE(CommitOne(*store, {}));
  EXPECT_THAT(ReadAll(*store), SizeIs(1));
}

TEST(Store, TwoDamagedDatabasesOfOneSecondAreBothKept) {
  const support::FakeClock clock;
  const std::string database = ScratchDatabase();
  for (int i = 0; i < 2; ++i) {
    std::ofstream(database, std::ios::trunc) << std::string(20'000, 'x');
    std::string notice;
    OpenStore({.database = database}, clock, &notice).reset();
  }
  EXPECT_TRUE(std::filesystem::exists(database + ".corrupt-20261123T120000Z"));
  EXPECT_TRUE(std::filesystem::exists(database + ".corrupt-20261123T120000Z-2"));
}

void Spoil(const std::string& database) {
  std::fstream file(database, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(20 * 4096);
  file << std::string(10 * 4096, '\xee');
}

// 300 rows, of which the oldest cannot be read: nothing looks at them when the database is opened.
void WriteDamagedInside(const StoreOptions& options, const base::Clock& clock) {
  {
    const auto store = OpenStore(options, clock);
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(CommitOne(*store, {.uid = "u" + std::to_string(i), .padding = std::string(2000, 'p')}));
    }
    if (!options.waits_for.empty()) {
      ASSERT_TRUE(store->SaveCursor(options.waits_for, 40));
    }
    ASSERT_TRUE(store->Maintain());  // a start counts only what came after
  }
  Spoil(options.database);
}

TEST(Store, DamageThatShowsWhileRunningIsSetAsideByMaintain) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .waits_for = "elsewhere"};
  WriteDamagedInside(options, clock);
  const auto store = OpenStore(options, clock);
  std::int64_t cursor = 0;
  const auto records = store->ReadCommitted(&cursor, 1000);
  ASSERT_FALSE(records);
  EXPECT_EQ(cursor, 0);
  EXPECT_EQ(store->TakeNotice(), std::nullopt);
  EXPECT_TRUE(store->Maintain());
  const std::string aside = options.database + ".corrupt-20261123T120000Z";
  EXPECT_THAT(store->TakeNotice().value_or(""), HasSubstr(aside));
  EXPECT_EQ(store->TakeNotice(), std::nullopt);
  EXPECT_EQ(store->Measure().set_aside, 1);
  EXPECT_EQ(store->Measure().lost, 260);  // what "elsewhere" had not taken
  EXPECT_EQ(store->Measure().waiting, 0);

  ASSERT_TRUE(CommitOne(*store, {.uid = "after"}));
  EXPECT_TRUE(store->Maintain());
  EXPECT_THAT(ReadAll(*store, 300), testing::ElementsAre(HasSubstr("\"after\"")));  // a cursor from before stays good
  const auto found = Verify(options.database, {});
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_FALSE(found->broken);
  EXPECT_EQ(found->first, 301);

  std::filesystem::remove(aside);
  ASSERT_TRUE(store->Maintain());
  EXPECT_EQ(store->Measure().set_aside, 0);
}

// A file system that spoils what is written: one database is set aside a minute, so that they do not fill the volume.
TEST(Store, WhatIsDamagedAgainAtOnceIsSetAsideAMinuteLater) {
  support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  WriteDamagedInside(options, clock);
  const auto store = OpenStore(options, clock);
  const auto look = [&] {
    for (int i = 0; i < 5; ++i) {
      std::int64_t cursor = 0;
      static_cast<void>(store->ReadCommitted(&cursor, 1000));
      static_cast<void>(store->Maintain());
    }
    return store->Measure().set_aside;
  };
  EXPECT_EQ(look(), 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(CommitOne(*store, {.padding = std::string(2000, 'p')}));
  }
  ExecuteOn(options.database, "PRAGMA wal_checkpoint(TRUNCATE)");
  Spoil(options.database);
  EXPECT_EQ(look(), 1);
  const auto committed = CommitOne(*store, {});
  ASSERT_FALSE(committed);
  clock.Advance(std::chrono::minutes(1));
  EXPECT_EQ(look(), 2);
  EXPECT_TRUE(CommitOne(*store, {}));
}

// Where a damaged database cannot be set aside, it is not used on as if nothing were.
TEST(Store, ADamagedDatabaseThatCannotBeRenamedIsNotUsedOn) {
  const support::FakeClock clock;
  const std::filesystem::path folder = std::filesystem::path(ScratchDatabase()).parent_path();
  const StoreOptions options{.database = folder / std::string(245, 'd')};  // no room for .corrupt-… in the name
  WriteDamagedInside(options, clock);
  const auto store = OpenStore(options, clock);
  std::int64_t cursor = 0;
  ASSERT_FALSE(store->ReadCommitted(&cursor, 1000));
  for (int i = 0; i < 3; ++i) {
    const auto maintained = store->Maintain();
    ASSERT_FALSE(maintained);
    EXPECT_THAT(maintained.error().message, HasSubstr("cannot be renamed"));
    EXPECT_FALSE(CommitOne(*store, {}));
  }
  EXPECT_EQ(store->TakeNotice(), std::nullopt);
}

// The process died while it set a database aside, or somebody removed the database alone.
TEST(Store, AWriteAheadLogWithoutItsDatabaseIsKept) {
  const support::FakeClock clock;
  const std::string database = ScratchDatabase();
  std::ofstream(database + "-wal") << "the newest records";
  std::string notice;
  const auto store = OpenStore({.database = database}, clock, &notice);
  const std::string aside = database + ".corrupt-20261123T120000Z";
  EXPECT_THAT(notice, HasSubstr(aside));
  EXPECT_EQ(std::filesystem::file_size(aside + "-wal"), 18u);
  EXPECT_TRUE(CommitOne(*store, {}));
}

// The file may not grow: what a full disk or a quota does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(Store, AFailedCommitLeavesNothingAndTheNextMaySucceed) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  const auto store = OpenStore(options, clock);
  ASSERT_TRUE(CommitOne(*store, {.uid = "before"}));
  std::vector<Record> records;
  for (int i = 0; i < 100; ++i) {
    records.push_back(SampleRecord{.uid = "lost" + std::to_string(i), .padding = std::string(10'000, 'p')}.Make());
  }
  {
    const FileSizeLimit limit(200'000);
    const auto committed = store->Commit(records);
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code, base::ErrorCode::kUnavailable);
    EXPECT_THAT(committed.error().message, HasSubstr(options.database));
    EXPECT_NE(committed.error().remedy, "");
    EXPECT_FALSE(store->Commit(records));
    EXPECT_EQ(store->Measure().rows, 1);
  }
  ASSERT_TRUE(CommitOne(*store, {.uid = "after"}));
  EXPECT_TRUE(store->Maintain());
  EXPECT_THAT(ReadAll(*store), testing::ElementsAre(HasSubstr("\"before\""), HasSubstr("\"after\"")));
  EXPECT_EQ(store->Measure().rows, 2);
}

// One refused row refuses its whole commit: a caller that hears "committed" may answer all of them.
TEST(Store, ACommitIsAllOrNothing) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  const auto store = OpenStore(options, clock);
  ExecuteOn(options.database,
            "CREATE TRIGGER refuse BEFORE INSERT ON decision WHEN NEW.uid = 'bad' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
  const std::vector<Record> records = {SampleRecord{.uid = "good"}.Make(), SampleRecord{.uid = "bad"}.Make()};
  const auto committed = store->Commit(records);
  ASSERT_FALSE(committed);
  EXPECT_THAT(committed.error().message, HasSubstr("refused by the test"));
  EXPECT_THAT(ReadAll(*store), testing::IsEmpty());
  EXPECT_TRUE(store->Commit({records.data(), 1}));
  EXPECT_THAT(ReadAll(*store), SizeIs(1));
}

// kill -9 in the middle of commits: whatever was acknowledged is there.
TEST(Store, KillLosesNothingThatWasAcknowledged) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::string notice;
    const auto store = Store::Open(options, clock, &notice);
    for (std::int32_t i = 0; store; ++i) {
      const std::vector<Record> records = {SampleRecord{.uid = "a" + std::to_string(i)}.Make(),
                                           SampleRecord{.uid = "b" + std::to_string(i)}.Make()};
      if (!(*store)->Commit(records) || write(pipe_ends[1], &i, sizeof i) != sizeof i) {
        break;
      }
      if (i % 50 == 49 && !(*store)->Maintain()) {
        break;
      }
    }
    _exit(1);
  }
  close(pipe_ends[1]);
  std::int32_t acknowledged = -1;
  constexpr std::int32_t kKillAfter = 700;
  while (read(pipe_ends[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {
    if (acknowledged == kKillAfter) {
      kill(child, SIGKILL);  // what it acknowledged meanwhile is still in the pipe
    }
  }
  close(pipe_ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GE(acknowledged, kKillAfter);

  const auto store = OpenStore(options, clock);
  const std::vector<std::string> records = ReadAll(*store);
  ASSERT_GE(records.size(), 2u * (acknowledged + 1));
  EXPECT_EQ(records.size() % 2, 0u);  // no half commit either
  for (std::int32_t i = 0; i <= acknowledged; ++i) {
    EXPECT_THAT(records[2 * i], HasSubstr("\"a" + std::to_string(i) + "\""));
    EXPECT_THAT(records[2 * i + 1], HasSubstr("\"b" + std::to_string(i) + "\""));
  }
  EXPECT_EQ(store->Measure().rows, static_cast<std::int64_t>(records.size()));

  // And the chain goes on where it was.
  ASSERT_TRUE(CommitOne(*store, {.uid = "after"}));
  const auto found = Verify(options.database, {});
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_FALSE(found->broken);
  EXPECT_EQ(found->records, static_cast<std::int64_t>(records.size()) + 1);
}

TEST(Store, TheWriteAheadLogIsBegunAnewBeforeItGrowsLarge) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  const auto store = OpenStore(options, clock);
  const std::vector<Record> records(20, SampleRecord{.padding = std::string(50'000, 'p')}.Make());  // a megabyte
  std::uintmax_t largest = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(store->Commit(records));
    ASSERT_TRUE(store->Maintain());
    largest = std::max(largest, std::filesystem::file_size(options.database + "-wal"));
  }
  EXPECT_LT(largest, std::uintmax_t{48} << 20);
  EXPECT_THAT(ReadAll(*store), SizeIs(2000));
}

// A reader's snapshot keeps the log from being begun anew; commits must go on meanwhile, and the log be emptied afterwards.
TEST(Store, AReaderThatHoldsOnDoesNotStopCommits) {
  const support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase()};
  const auto store = OpenStore(options, clock);
  ASSERT_TRUE(CommitOne(*store, {}));
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(options.database.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "BEGIN; SELECT count(*) FROM decision", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::vector<Record> records(20, SampleRecord{.padding = std::string(50'000, 'p')}.Make());
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(store->Commit(records));
    ASSERT_TRUE(store->Maintain());
  }
  EXPECT_GT(store->Measure().wal_bytes, 32 << 20);
  sqlite3_close(handle);
  ASSERT_TRUE(store->Maintain());
  ASSERT_TRUE(CommitOne(*store, {}));
  EXPECT_LT(store->Measure().wal_bytes, 1 << 20);
}

TEST(Store, ManyThreadsCommitWhileTheAuditThreadReadsAndMaintains) {
  const support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase()}, clock);
  constexpr int kThreads = 4;
  constexpr int kCommits = 100;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCommits; ++i) {
        EXPECT_TRUE(CommitOne(*store, {.uid = std::to_string(t) + "-" + std::to_string(i)}));
      }
      --running;
    });
  }
  std::int64_t cursor = 0;
  std::size_t read = 0;
  while (running > 0) {
    read += store->ReadCommitted(&cursor, 10).value().size();
    EXPECT_TRUE(store->SaveCursor("stdout", cursor));
    EXPECT_TRUE(store->Maintain());
    EXPECT_LE(store->Measure().rows, kThreads * kCommits);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  read += store->ReadCommitted(&cursor, 1000).value().size();
  EXPECT_EQ(read, std::size_t{kThreads * kCommits});
}

}  // namespace
}  // namespace audit
