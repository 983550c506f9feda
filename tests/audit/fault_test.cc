// The embedded store on a file system that fails, at every call in turn: nothing that was committed is lost, nothing is written by
// half, and it goes on by itself when the file system is well again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "audit/store.h"
#include "audit/verify.h"
#include "tests/audit/old_versions.h"
#include "tests/audit/scratch.h"
#include "tests/support/faulty_vfs.h"

namespace audit {
namespace {

using support::FaultyVfs;
using namespace std::chrono_literals;

using Call = FaultyVfs::Call;
using Fault = FaultyVfs::Fault;

std::string Describe(const FaultyVfs::Plan& plan, const FaultyVfs::Made& made) {
  static constexpr std::array kCalls = {"open", "read",    "write",   "truncate", "sync",   "file size",
                                        "lock", "control", "shm map", "shm lock", "delete", "access"};
  static constexpr std::array kFiles = {"database", "log", "other"};
  static constexpr std::array kFaults = {"EIO", "ENOSPC", "short write", "EROFS", "short read"};
  return std::string(kFaults.at(static_cast<std::size_t>(plan.fault))) + (plan.lasting ? " from call " : " at call ") +
         std::to_string(plan.at) + ": " + kCalls.at(static_cast<std::size_t>(made.call)) + " of " +
         kFiles.at(static_cast<std::size_t>(made.file));
}

// One life of a log, as whoever uses the store sees it: what it was told was committed, and what not.
class Life {
 public:
  // `misread`: pages will be read wrong, which SQLite cannot tell from damage, and may write back so. All that can be asked then is
  // that it goes on, and that nothing is set aside without a word.
  Life(std::string database, bool misread) : misread_(misread) { options_.database = std::move(database); }

  int refused() const { return refused_; }
  int refused_but_there() const { return refused_but_there_; }

  // Begins it where it is not open, as a program that is started again after it failed to.
  bool Open() {
    if (!store_) {
      std::string notice;
      auto opened = Store::Open(options_, clock_, &notice);
      notices_ += notice;
      if (opened) {
        store_ = std::move(*opened);
      }
    }
    return store_ != nullptr;
  }
  void Close() { store_.reset(); }

  bool Commit(int count, std::size_t padding = 0) {
    Batch batch;
    std::vector<Record> records;
    for (int i = 0; i < count; ++i) {
      batch.uids.push_back("u" + std::to_string(next_uid_++));
      Record& record = records.emplace_back();
      record.time = clock_.Now();
      record.uid = batch.uids.back();
      record.decision = i % 2 == 0 ? policy::DecisionKind::kDenied : policy::DecisionKind::kAllowed;
      record.namespace_name = "shop";
      record.json = R"({"uid":")" + record.uid + R"(","padding":")" + std::string(padding, 'p') + R"("})";
    }
    if (Open()) {
      const auto committed = store_->Commit(records);
      batch.committed = committed.has_value();
      problem_ = committed ? std::string() : committed.error().ToString();
    }
    batch.old = may_go_;
    refused_ += batch.committed ? 0 : 1;
    batches_.push_back(std::move(batch));
    return batches_.back().committed;
  }

  void Maintain() {
    if (Open()) {
      static_cast<void>(store_->Maintain());
      notices_ += store_->TakeNotice().value_or("");
    }
  }

  // The database was damaged before.
  void ExpectDamage() { damaged_ = true; }

  // From now on retention by size may take whatever is committed.
  void Limit(std::int64_t bytes) {
    options_.retention_bytes = bytes;
    may_go_ = true;
  }

  // Time goes by, so that retention may take what is there.
  void Age() {
    clock_.Advance(options_.retention_age + 1us);
    for (Batch& batch : batches_) {
      batch.old = true;
    }
  }

  // As the stream does: reads on behind its cursor, learns ids, anchors, and saves the cursor.
  void Consume() {
    if (!Open()) {
      return;
    }
    auto cursor = store_->LoadCursor("stdout");
    if (!cursor) {
      return;
    }
    while (true) {
      const auto record = store_->ReadCommitted(&*cursor, 1);
      if (!record || record->empty()) {
        break;
      }
      if (const auto link = store_->ReadLink(*cursor); link && *link) {
        anchors_[(*link)->log].push_back({(*link)->sequence, (*link)->value, "", "", Deletions{store_->Measure().deleted, false}});
      }
      if (!misread_ && record->front().starts_with(R"({"uid":)")) {
        const std::string uid = record->front().substr(8, record->front().find('"', 8) - 8);  // {"uid":"
        const auto [known, first] = ids_.emplace(*cursor, uid);
        EXPECT_EQ(known->second, uid) << "id " << *cursor << " is used twice";
      }
    }
    static_cast<void>(store_->SaveCursor("stdout", *cursor));
  }

  // With the file system well again.
  void Check() {
    ASSERT_TRUE(Open());
    if (damaged_) {  // maybe nobody has looked yet
      Consume();
      Maintain();
    }
    bool committed = Commit(2);
    for (int i = 0; (misread_ || damaged_) && !committed && i < 3; ++i) {
      clock_.Advance(1min);
      Maintain();
      committed = Commit(2);
    }
    EXPECT_TRUE(committed) << problem_;
    const std::int64_t set_aside = store_->Measure().set_aside;
    EXPECT_EQ(set_aside, NoticesOfSetAside()) << notices_;
    if (misread_) {
      return;
    }
    EXPECT_EQ(set_aside, damaged_ ? 1 : 0) << notices_;
    Maintain();
    Consume();
    EXPECT_TRUE(Commit(1));
    const auto rows = store_->Measure().rows;
    Close();
    ASSERT_TRUE(Open());
    EXPECT_EQ(store_->Measure().rows, rows);
    Close();

    std::map<std::string, int> found = Rows(rows);
    if (damaged_) {
      AddUidsOfSetAside(found);
    }
    for (const Batch& batch : batches_) {
      std::size_t there = 0;
      for (const std::string& uid : batch.uids) {
        const auto row = found.find(uid);
        there += row != found.end() ? 1 : 0;
        EXPECT_TRUE(row == found.end() || row->second == 1) << uid << " is there " << row->second << " times";
      }
      EXPECT_TRUE(batch.old || there == batch.uids.size() || (!batch.committed && there == 0))
          << there << " of " << batch.uids.size() << " from " << batch.uids.front() << " on"
          << (batch.committed ? ", committed" : ", refused");
      refused_but_there_ += !batch.committed && there > 0 ? 1 : 0;
    }
    const auto log = LogName(options_.database);
    ASSERT_TRUE(log) << log.error().ToString();
    std::vector<Anchor>& anchors = anchors_[*log];
    std::sort(anchors.begin(), anchors.end(),
              [](const Anchor& a, const Anchor& b) { return std::pair(a.sequence, a.deletions) < std::pair(b.sequence, b.deletions); });
    const auto verified = Verify(options_.database, anchors);
    ASSERT_TRUE(verified) << verified.error().ToString();
    EXPECT_FALSE(verified->broken) << verified->broken->what;
  }

 private:
  const bool misread_;
  struct Batch {
    std::vector<std::string> uids;
    bool committed = false;
    bool old = false;
  };

  std::int64_t NoticesOfSetAside() const {
    std::int64_t count = 0;
    for (std::size_t at = notices_.find("set aside as"); at != std::string::npos; at = notices_.find("set aside as", at + 1)) {
      ++count;
    }
    return count;
  }

  // How often each uid is in the database.
  std::map<std::string, int> Rows(std::int64_t expected) {
    std::map<std::string, int> found;
    std::int64_t rows = 0;
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(options_.database.c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle, "SELECT id, uid FROM decision ORDER BY id", -1, &statement, nullptr), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      ++rows;
      const std::string uid = reinterpret_cast<const char*>(sqlite3_column_text(statement, 1));
      ++found[uid];
      const auto known = ids_.emplace(sqlite3_column_int64(statement, 0), uid).first;
      EXPECT_EQ(known->second, uid) << "id " << known->first << " is used twice";
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    EXPECT_EQ(rows, expected);
    return found;
  }

  // Committed before the damage was seen: they are in the file that was set aside.
  void AddUidsOfSetAside(std::map<std::string, int>& found) {
    const std::string aside = notices_.substr(notices_.find("set aside as ") + 13);
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(aside.substr(0, aside.find(',')).c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    // The index is not damaged.
    EXPECT_EQ(
        sqlite3_prepare_v2(handle, "SELECT uid FROM decision INDEXED BY decision_by_uid WHERE uid GLOB 'u*'", -1, &statement, nullptr),
        SQLITE_OK)
        << sqlite3_errmsg(handle);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      ++found[reinterpret_cast<const char*>(sqlite3_column_text(statement, 0))];
    }
    sqlite3_finalize(statement);
    sqlite3_close(handle);
  }

  StoreOptions options_{.database = {}, .durability = Durability::kDisk, .retention_age = 1h};
  support::FakeClock clock_;
  std::unique_ptr<Store> store_;
  std::vector<Batch> batches_;
  std::string notices_;
  std::map<std::int64_t, std::string> ids_;
  std::map<std::string, std::vector<Anchor>> anchors_;  // by log
  std::string problem_;                                 // of the last commit
  bool may_go_ = false;
  bool damaged_ = false;
  int next_uid_ = 0;
  int refused_ = 0;
  int refused_but_there_ = 0;
};

class FaultTest : public testing::Test {
 protected:
  // A disk that hiccups, and one that stays full, broken or read-only until somebody mends it.
  static constexpr std::array<std::pair<Fault, bool>, 7> kPlans = {{{Fault::kIoError, false},
                                                                    {Fault::kShortWrite, false},
                                                                    {Fault::kShortRead, false},
                                                                    {Fault::kIoError, true},
                                                                    {Fault::kNoSpace, true},
                                                                    {Fault::kReadOnly, true},
                                                                    {Fault::kShortRead, true}}};

  static constexpr std::int64_t kLastingStride = 3;  // they overlap
  // To leave nothing out: minutes.
  static bool EveryFault() { return std::getenv("ACR_TEST_EVERY_FAULT") != nullptr; }

  // Runs `scenario` with each plan that the calls of a run without faults allow for; of calls of one kind to one kind of file every
  // `stride`th.
  template <class Prepare, class Scenario>
  void Sweep(Prepare prepare, Scenario scenario, std::int64_t stride = 1) {
    {
      Life life = Fresh(prepare, false);
      vfs_.Begin({});
      scenario(life);
      EXPECT_EQ(vfs_.failed(), 0);
      life.Close();
    }
    const auto calls = vfs_.trace();
    int runs = 0;
    int refused_but_there = 0;
    std::map<std::pair<Call, FaultyVfs::File>, std::int64_t> seen;
    for (std::size_t at = 0; at < calls.size(); ++at) {
      const std::int64_t nth = seen[{calls[at].call, calls[at].file}]++;
      for (const auto& [fault, lasting] : kPlans) {
        const std::int64_t every = EveryFault() ? 1 : lasting ? kLastingStride * stride : stride;
        if (nth % every == 0 && FaultyVfs::Applies(fault, calls[at].call)) {
          const FaultyVfs::Plan plan{static_cast<std::int64_t>(at), fault, lasting};
          SCOPED_TRACE(Describe(plan, calls[at]));
          Life life = Fresh(prepare, fault == Fault::kShortRead);
          vfs_.Begin(plan);
          scenario(life);
          EXPECT_GT(vfs_.failed(), 0);
          vfs_.Mend();
          life.Check();
          if (HasFailure()) {
            return;  // one is enough to read
          }
          ++runs;
          refused_but_there += life.refused_but_there();
        }
      }
    }
    RecordProperty("calls", static_cast<int>(calls.size()));
    RecordProperty("runs", runs);
    std::printf("%zu calls, %d runs, %d refused commits that are there\n", calls.size(), runs, refused_but_there);
  }

  template <class Prepare>
  Life Fresh(Prepare prepare, bool misread) {
    vfs_.Mend();
    const std::string database = support::ScratchDatabase();
    prepare(database);
    return Life(database, misread);
  }

  FaultyVfs vfs_;
};

void NoFile(const std::string&) {}

TEST_F(FaultTest, EveryCallOfALife) {
  Sweep(NoFile, [](Life& life) {
    life.Commit(1);
    life.Commit(3);
    life.Consume();
    life.Maintain();
    life.Age();
    life.Commit(2);
    life.Maintain();  // the first four go
    life.Commit(2);
    life.Consume();
    life.Close();
    life.Commit(1);
    life.Consume();
    life.Maintain();
    life.Close();
  });
}

// A megabyte of log is written into the database beside commits, and rows are deleted over size, with gaps in the chain.
TEST_F(FaultTest, CallsOfCheckpointsAndRetentionBySize) {
  Sweep(
      NoFile,
      [](Life& life) {
        life.Limit(1 << 20);
        for (int i = 0; i < 3; ++i) {
          life.Commit(40, 40'000);
          life.Maintain();
        }
        life.Close();
      },
      311);
}

TEST_F(FaultTest, EveryCallOfAMigration) {
  Sweep([](const std::string& database) { support::WriteVersion1(database); },
        [](Life& life) {
          life.Open();
          life.Commit(2);
          life.Close();
        });
}

// Its oldest rows cannot be read, which nothing looks at when it is opened.
void WriteDamaged(const std::string& database) {
  {
    const support::FakeClock clock;
    const auto store = support::OpenStore({.database = database}, clock);
    std::vector<Record> records;
    for (int i = 0; i < 60; ++i) {
      Record& record = records.emplace_back();
      record.time = clock.Now();
      record.uid = "damaged" + std::to_string(i);
      record.json = std::string(8'000, 'x');
    }
    ASSERT_TRUE(store->Commit(records));
    ASSERT_TRUE(store->Maintain());
  }
  std::fstream file(database, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(20 * 4096);
  file << std::string(10 * 4096, '\xee');
}

TEST_F(FaultTest, EveryCallWhileADamagedDatabaseIsSetAside) {
  Sweep(WriteDamaged, [](Life& life) {
    life.ExpectDamage();
    life.Open();
    life.Consume();   // finds it
    life.Maintain();  // sets it aside
    life.Commit(3);
    life.Consume();
    life.Close();
    life.Commit(1);
    life.Close();
  });
}

}  // namespace
}  // namespace audit
