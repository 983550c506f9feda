#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/store.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/faulty_vfs.h"

namespace audit {
namespace {

using policy::DecisionKind;
using support::OpenStore;
using support::SampleRecord;
using support::ScratchDatabase;
using testing::ElementsAre;
using namespace std::chrono_literals;

constexpr std::int64_t kSize = std::int64_t{1} << 20;

void CommitMany(Store& store, int count, SampleRecord sample) {
  const std::string uid = sample.uid;
  std::vector<Record> records;
  for (int i = 0; i < count; ++i) {
    sample.uid = uid + std::to_string(i);
    records.push_back(sample.Make());
    if (records.size() == 50 || i + 1 == count) {
      ASSERT_TRUE(store.Commit(records));
      const auto maintained = store.Maintain();
      ASSERT_TRUE(maintained) << maintained.error().ToString();
      records.clear();
    }
  }
}

std::vector<nlohmann::json> ReadAll(Store& store) {
  std::int64_t cursor = 0;
  std::vector<nlohmann::json> records;
  const auto texts = store.ReadCommitted(&cursor, 1'000'000);
  for (const std::string& text : texts.value()) {
    records.push_back(nlohmann::json::parse(text));
  }
  return records;
}

std::vector<std::string> Uids(Store& store) {
  std::vector<std::string> uids;
  for (const nlohmann::json& record : ReadAll(store)) {
    uids.push_back(record["uid"]);
  }
  return uids;
}

// Rows by namespace and decision: "shop Denied".
std::map<std::string, int> Counts(Store& store) {
  std::map<std::string, int> counts;
  for (const nlohmann::json& record : ReadAll(store)) {
    ++counts[record["namespace"].get<std::string>() + " " + record["decision"].get<std::string>() + (record["dryRun"] ? " dry" : "")];
  }
  return counts;
}

TEST(Retention, WhatIsTooOldGoesWhateverItIs) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_age = 24h}, clock);
  CommitMany(*store, 300, {.uid = "old", .time = clock.Now()});
  CommitMany(*store, 300, {.uid = "allowed", .decision = DecisionKind::kAllowed, .time = clock.Now()});
  clock.Advance(24h);
  CommitMany(*store, 1, {.uid = "new", .time = clock.Now()});
  EXPECT_EQ(store->Measure().rows, 601);  // exactly as old as the limit
  clock.Advance(1us);
  ASSERT_TRUE(store->Maintain());
  EXPECT_THAT(Uids(*store), ElementsAre("new0"));
  EXPECT_EQ(store->Measure().rows, 1);
}

TEST(Retention, RecordsFromAFutureClockDoNotSaveTheOldOnesBehindThem) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_age = 24h}, clock);
  CommitMany(*store, 300, {.uid = "future", .time = clock.Now() + 24h * 365});
  CommitMany(*store, 1, {.uid = "old", .time = clock.Now()});
  clock.Advance(25h);
  CommitMany(*store, 1, {.uid = "new", .time = clock.Now()});
  const std::vector<std::string> uids = Uids(*store);
  EXPECT_EQ(uids.size(), 301u);
  EXPECT_THAT(uids, testing::Not(testing::Contains("old0")));
}

// 300 records, and whatever the clock says meanwhile, they are there.
class RetentionClock : public testing::Test {
 protected:
  void Open() { store_ = OpenStore(options_, clock_); }
  void Restart() {
    store_.reset();
    Open();
  }
  void Look() {
    const auto maintained = store_->Maintain();
    ASSERT_TRUE(maintained) << maintained.error().ToString();
  }
  void LookFor(std::chrono::hours hours) {
    for (int i = 0; i < hours.count(); ++i) {
      clock_.Advance(1h);
      Look();
    }
  }
  std::int64_t Hours() {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open(options_.database.c_str(), &handle), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle, "SELECT count(DISTINCT hour) FROM hourly", -1, &statement, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const std::int64_t hours = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return hours;
  }

  support::FakeClock clock_;
  StoreOptions options_{.database = ScratchDatabase()};
  std::unique_ptr<Store> store_ = OpenStore(options_, clock_);
};

TEST_F(RetentionClock, AMonthAheadForAMomentDeletesNothing) {
  CommitMany(*store_, 300, {.time = clock_.Now()});
  Restart();  // they are of an earlier run: only the wall clock tells how old they are
  clock_.Step(40 * 24h);
  Look();
  EXPECT_THAT(store_->AgeDoubt().value_or(""), testing::HasSubstr("960 h 0 min ahead"));
  EXPECT_EQ(store_->Measure().rows, 300);
  clock_.Step(-40 * 24h);
  Look();
  LookFor(2h);
  EXPECT_EQ(store_->AgeDoubt(), std::nullopt);
  EXPECT_EQ(store_->Measure().rows, 300);
  EXPECT_EQ(Hours(), 1);
}

TEST_F(RetentionClock, AStepIsBelievedAfterAnHour) {
  CommitMany(*store_, 300, {.time = clock_.Now()});
  Restart();
  clock_.Step(40 * 24h);
  Look();
  clock_.Advance(1h - 1us);
  Look();
  EXPECT_EQ(store_->Measure().rows, 300);
  EXPECT_EQ(Hours(), 1);
  clock_.Advance(1us);
  Look();
  EXPECT_EQ(store_->Measure().rows, 0);
  EXPECT_EQ(Hours(), 0);
}

TEST_F(RetentionClock, WhatWasWrittenWhileItWasBehindLivesOn) {
  CommitMany(*store_, 1, {.uid = "right", .time = clock_.Now()});
  clock_.Step(-40 * 24h);
  CommitMany(*store_, 300, {.time = clock_.Now()});
  clock_.Step(40 * 24h);
  Look();
  LookFor(2h);
  EXPECT_EQ(store_->Measure().rows, 301);
  Restart();
  LookFor(2h);
  EXPECT_EQ(store_->Measure().rows, 301);
}

// A node whose clock is set right only after it has started.
TEST_F(RetentionClock, WhatANewLogBeganWithALateClockIsAsOldAsTheRun) {
  CommitMany(*store_, 300, {.time = clock_.Now()});
  clock_.Step(40 * 24h);
  Look();
  LookFor(24h * 29);
  EXPECT_EQ(store_->Measure().rows, 300);
  LookFor(24h);
  EXPECT_EQ(store_->Measure().rows, 0);
}

TEST_F(RetentionClock, AStartLongAfterTheNewestRecordWaitsAnHour) {
  CommitMany(*store_, 300, {.time = clock_.Now()});
  store_.reset();
  clock_.Step(40 * 24h);
  Open();
  Look();
  EXPECT_THAT(store_->AgeDoubt().value_or(""), testing::HasSubstr("960 h 0 min after the newest record"));
  EXPECT_EQ(store_->Measure().rows, 300);
  LookFor(1h);
  EXPECT_EQ(store_->Measure().rows, 0);
}

TEST_F(RetentionClock, WhatIsOverSizeGoesAllTheSame) {
  options_.retention_bytes = kSize;
  Restart();
  clock_.Step(40 * 24h);
  CommitMany(*store_, 3000, {.time = clock_.Now()});
  EXPECT_NE(store_->AgeDoubt(), std::nullopt);
  EXPECT_LE(store_->Measure().bytes, kSize);
}

// A cursor must never point behind a record that is yet to come.
TEST(Retention, IdsGoOnWhenAllRowsAreGone) {
  support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .retention_age = 1h};
  std::int64_t cursor = 0;
  {
    const auto store = OpenStore(options, clock);
    CommitMany(*store, 10, {.time = clock.Now()});
    ASSERT_TRUE(store->ReadCommitted(&cursor, 100));
    clock.Advance(2h);
    ASSERT_TRUE(store->Maintain());
    ASSERT_EQ(store->Measure().rows, 0);
  }
  const auto store = OpenStore(options, clock);
  CommitMany(*store, 1, {.uid = "next", .time = clock.Now()});
  EXPECT_THAT(store->ReadCommitted(&cursor, 100).value(), testing::SizeIs(1));
}

TEST(Retention, AFloodOfAllowedNeverPushesDenialsOut) {
  support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .retention_bytes = kSize};
  const auto store = OpenStore(options, clock);
  CommitMany(*store, 200, {.uid = "denied"});
  CommitMany(*store, 100, {.uid = "warned", .decision = DecisionKind::kWarned});
  CommitMany(*store, 3000, {.uid = "flood", .decision = DecisionKind::kAllowed, .namespace_name = "evil"});
  const auto counts = Counts(*store);
  EXPECT_EQ(counts.at("shop Denied"), 200);
  EXPECT_EQ(counts.at("shop Warned"), 100);
  EXPECT_LT(counts.at("evil Allowed"), 3000);
  EXPECT_GT(counts.at("evil Allowed"), 300);
  EXPECT_EQ(Uids(*store).back(), "flood2999");  // the oldest went
  EXPECT_LE(store->Measure().bytes, kSize);
  EXPECT_LE(std::filesystem::file_size(options.database), static_cast<std::uintmax_t>(kSize + kSize / 4));
}

TEST(Retention, AFloodOfDryRunsNeverPushesDenialsOut) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize}, clock);
  CommitMany(*store, 200, {.uid = "denied"});
  CommitMany(*store, 3000, {.uid = "flood", .dry_run = true, .namespace_name = "evil"});
  const auto counts = Counts(*store);
  EXPECT_EQ(counts.at("shop Denied"), 200);
  EXPECT_LT(counts.at("evil Denied dry"), 3000);
}

TEST(Retention, AFloodOfOneNamespacesDenialsNeverPushesOutOthers) {
  support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .retention_bytes = kSize};
  const auto store = OpenStore(options, clock);
  CommitMany(*store, 200, {.uid = "denied"});
  CommitMany(*store, 50, {.uid = "cluster", .namespace_name = ""});
  CommitMany(*store, 3000, {.uid = "flood", .namespace_name = "evil"});
  const auto counts = Counts(*store);
  EXPECT_EQ(counts.at("shop Denied"), 200);
  EXPECT_EQ(counts.at(" Denied"), 50);
  EXPECT_LT(counts.at("evil Denied"), 3000);
  EXPECT_GT(counts.at("evil Denied"), 300);
  EXPECT_EQ(Uids(*store).back(), "flood2999");
  EXPECT_LE(store->Measure().bytes, kSize);
  EXPECT_LE(std::filesystem::file_size(options.database), static_cast<std::uintmax_t>(kSize + kSize / 4));
}

TEST(Retention, AFloodOfDenialsLeavesAllowedTheirHalf) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize}, clock);
  CommitMany(*store, 300, {.uid = "allowed", .decision = DecisionKind::kAllowed});
  CommitMany(*store, 3000, {.uid = "flood", .namespace_name = "evil"});
  EXPECT_EQ(Counts(*store).at("shop Allowed"), 300);
}

TEST(Retention, BothClassesOverTheirHalfMeetInTheMiddle) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize}, clock);
  CommitMany(*store, 2000, {.uid = "flood", .namespace_name = "evil"});
  CommitMany(*store, 2000, {.uid = "allowed", .decision = DecisionKind::kAllowed});
  const auto counts = Counts(*store);
  EXPECT_NEAR(counts.at("evil Denied"), counts.at("shop Allowed"), 200);
}

TEST(Retention, ASmallerLimitIsReachedAtTheNextStart) {
  support::FakeClock clock;
  StoreOptions options{.database = ScratchDatabase(), .retention_bytes = 4 * kSize};
  CommitMany(*OpenStore(options, clock), 3000, {.decision = DecisionKind::kAllowed});
  options.retention_bytes = kSize;
  const auto store = OpenStore(options, clock);
  ASSERT_TRUE(store->Maintain());
  EXPECT_LE(store->Measure().bytes, kSize);
  EXPECT_EQ(store->Measure().rows, static_cast<std::int64_t>(ReadAll(*store).size()));
}

// Rows that a consumer is yet to take.
TEST(Retention, WhatAConsumerHasNotTakenIsNotTooOld) {
  support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .retention_age = 24h, .waits_for = "elsewhere"};
  {
    const auto store = OpenStore(options, clock);
    CommitMany(*store, 300, {.uid = "taken", .time = clock.Now()});
    CommitMany(*store, 300, {.uid = "waiting", .decision = DecisionKind::kAllowed, .time = clock.Now()});
    EXPECT_EQ(store->Measure().waiting, 600);
    ASSERT_TRUE(store->SaveCursor("elsewhere", 300));
    EXPECT_EQ(store->Measure().waiting, 300);
    clock.Advance(48h);
  }
  const auto store = OpenStore(options, clock);  // the cursor is the one that was saved
  clock.Advance(1h);                             // two days after the newest record, so the clock is not believed before
  ASSERT_TRUE(store->Maintain());
  EXPECT_EQ(store->Measure().rows, 300);
  EXPECT_EQ(Uids(*store).front(), "waiting0");

  ASSERT_TRUE(store->SaveCursor("stdout", 600));  // another's cursor
  ASSERT_TRUE(store->Maintain());
  EXPECT_EQ(store->Measure().rows, 300);

  ASSERT_TRUE(store->SaveCursor("elsewhere", 600));
  ASSERT_TRUE(store->Maintain());
  EXPECT_EQ(store->Measure().rows, 0);
  EXPECT_EQ(store->Measure().waiting, 0);
  EXPECT_EQ(store->Measure().lost, 0);
}

TEST(Retention, OverSizeWhatWasTakenGoesFirstWhateverItIs) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize, .waits_for = "elsewhere"}, clock);
  CommitMany(*store, 200, {.uid = "denied", .padding = std::string(2000, 'x'), .time = clock.Now()});
  ASSERT_TRUE(store->SaveCursor("elsewhere", 200));
  CommitMany(*store, 200, {.uid = "allowed", .decision = DecisionKind::kAllowed, .padding = std::string(2000, 'x'), .time = clock.Now()});

  const std::vector<std::string> uids = Uids(*store);
  EXPECT_EQ(std::count_if(uids.begin(), uids.end(), [](const std::string& uid) { return uid.starts_with("allowed"); }), 200);
  EXPECT_LT(uids.size(), 400u);
  EXPECT_EQ(store->Measure().lost, 0);
}

TEST(Retention, OverSizeWhatWasNotTakenGoesLastAndIsCounted) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize, .waits_for = "elsewhere"}, clock);
  CommitMany(*store, 1000, {.uid = "allowed", .decision = DecisionKind::kAllowed, .padding = std::string(2000, 'x'), .time = clock.Now()});

  const Store::Size size = store->Measure();
  EXPECT_LT(size.rows, 1000);
  EXPECT_EQ(size.lost, 1000 - size.rows);
  EXPECT_EQ(size.waiting, 1000);
}

// Whatever one namespace floods the log with (denials, warnings, admissions, dry runs, of any size and in any order): the denials of
// the others stay, as long as these hold no more than their fair share of the half that is kept for denials.
TEST(Retention, NoFloodPushesOutWhatFitsIntoAFairShare) {
  const support::FaultyVfs vfs;  // which does not sync
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::minstd_rand random(seed);
    const support::FakeClock clock;
    const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize}, clock);
    const int quiet = 1 + static_cast<int>(random() % 4);
    const std::int64_t share = kSize * 5 / 16 / (quiet + 1);  // half, less tombstones, what is freed at once, and room within pages
    std::vector<std::int64_t> held(static_cast<std::size_t>(quiet), 0);
    std::vector<int> denials(held.size(), 0);
    const std::size_t largest = seed % 3 == 0 ? 30'000 : seed % 3 == 1 ? 3'000 : 300;
    for (std::int64_t flooded = 0; flooded < 4 * kSize;) {
      std::vector<Record> records;
      const std::size_t who = random() % held.size();
      if (held[who] < share - 2'000) {
        records.push_back(SampleRecord{.namespace_name = "quiet" + std::to_string(who)}.Make());
        held[who] += static_cast<std::int64_t>(records.back().json.size()) + 300;  // what a row costs besides
        ++denials[who];
      }
      for (auto count = random() % 20; count > 0; --count) {
        const auto decision =
            std::array{DecisionKind::kDenied, DecisionKind::kDenied, DecisionKind::kWarned, DecisionKind::kAllowed}.at(random() % 4);
        records.push_back(SampleRecord{
            .decision = decision, .dry_run = random() % 5 == 0, .namespace_name = "evil", .padding = std::string(random() % largest, 'p')}
                              .Make());
        flooded += static_cast<std::int64_t>(records.back().json.size());
      }
      ASSERT_TRUE(store->Commit(records));
      ASSERT_TRUE(store->Maintain());
    }
    std::map<std::string, int> counts = Counts(*store);
    for (std::size_t who = 0; who < held.size(); ++who) {
      EXPECT_EQ(counts["quiet" + std::to_string(who) + " Denied"], denials[who]) << who << " of " << quiet << " held " << held[who];
    }
    EXPECT_GT(denials[0], 5);
  }
}

// By bytes, not by rows: few large denials push out no more than many small ones.
// Who reaches the port can post what they like, but not from where.
TEST(Retention, AFloodOfInventedNamespacesPushesOutWhatItsOwnCallerBrought) {
  support::FakeClock clock;
  const StoreOptions options{.database = ScratchDatabase(), .retention_bytes = kSize};
  auto store = OpenStore(options, clock);
  CommitMany(*store, 150, {.uid = "denied", .peer = "10.0.0.1"});
  CommitMany(*store, 20, {.uid = "turned", .namespace_name = ""});  // nobody asked
  for (int i = 0; i < 4000; ++i) {
    if (i == 2000) {
      store.reset();
      store = OpenStore(options, clock);
    }
    CommitMany(*store, 1, {.uid = "flood", .namespace_name = "invented " + std::to_string(i), .peer = "10.9.9.9"});
  }
  const auto counts = Counts(*store);
  EXPECT_EQ(counts.at("shop Denied"), 150);
  EXPECT_EQ(counts.at(" Denied"), 20);
  EXPECT_GT(counts.at("invented 3999 Denied"), 0);
  EXPECT_LE(store->Measure().bytes, kSize);
}

// One look keeps up with them.
TEST(Retention, ManyNamespacesOfARecordEachGoInAsManyStepsAsOthers) {
  support::FakeClock clock;
  StoreOptions options{.database = ScratchDatabase(), .retention_bytes = 8 * kSize};
  auto store = OpenStore(options, clock);
  std::vector<Record> records;
  for (int i = 0; i < 4000; ++i) {
    records.push_back(SampleRecord{.namespace_name = "invented" + std::to_string(i)}.Make());
  }
  ASSERT_TRUE(store->Commit(records));
  store.reset();
  options.retention_bytes = kSize;
  store = OpenStore(options, clock);
  ASSERT_TRUE(store->Maintain());
  EXPECT_LE(store->Measure().bytes, kSize);
}

TEST(Retention, OfOneCallerTheNamespaceThatHoldsMostLoses) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize}, clock);
  CommitMany(*store, 150, {.uid = "denied", .peer = "10.0.0.1"});
  CommitMany(*store, 3000, {.uid = "flood", .namespace_name = "evil", .peer = "10.0.0.1"});
  EXPECT_EQ(Counts(*store).at("shop Denied"), 150);
}

TEST(Retention, LargeDenialsPushOutNoSmallOnes) {
  support::FakeClock clock;
  const auto store = OpenStore({.database = ScratchDatabase(), .retention_bytes = kSize}, clock);
  CommitMany(*store, 200, {.uid = "denied"});
  CommitMany(*store, 150, {.uid = "flood", .namespace_name = "evil", .padding = std::string(50'000, 'p')});
  const auto counts = Counts(*store);
  EXPECT_EQ(counts.at("shop Denied"), 200);
  EXPECT_GT(counts.at("evil Denied"), 5);
}

}  // namespace
}  // namespace audit
