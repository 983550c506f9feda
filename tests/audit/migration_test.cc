#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/open_for_reading.h"
#include "audit/store.h"
#include "audit/verify.h"
#include "tests/audit/old_versions.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using support::ExecuteOn;
using support::OpenStore;
using support::SampleRecord;
using support::ScratchDatabase;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string Version2Database() {
  const std::string database = ScratchDatabase();
  support::WriteVersion2(database);
  return database;
}

std::vector<std::string> Uids(const std::string& database, const Filter& filter) {
  std::vector<std::string> uids;
  for (const std::string& record : support::Find(database, {.filter = filter})) {
    uids.push_back(nlohmann::json::parse(record)["uid"]);
  }
  return uids;
}

std::string Version1Database() {
  const std::string database = ScratchDatabase();
  support::WriteVersion1(database);
  return database;
}

TEST(Migration, KeepsRecordsCursorsAndCountsOfVersion1AndBeginsTheChainBehindThem) {
  const support::FakeClock clock;
  const std::string database = Version1Database();
  const auto store = OpenStore({.database = database}, clock);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->Measure().rows, 2);
  EXPECT_EQ(store->LoadCursor("stdout"), 1);
  const Record record = SampleRecord{.uid = "new"}.Make();
  ASSERT_TRUE(store->Commit({&record, 1}));
  std::int64_t cursor = 1;
  EXPECT_THAT(store->ReadCommitted(&cursor, 10).value(), ElementsAre(R"({"uid":"old-2"})", record.json));

  const auto found = Verify(database, {});
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_FALSE(found->broken);
  EXPECT_EQ(found->first, 3);
  EXPECT_EQ(found->records, 1);
  EXPECT_EQ(found->older, 2);
}

TEST(Migration, HappensOnce) {
  const support::FakeClock clock;
  const std::string database = Version1Database();
  OpenStore({.database = database}, clock).reset();
  const auto log = LogName(database);
  OpenStore({.database = database}, clock).reset();
  EXPECT_EQ(LogName(database).value(), log.value());
  EXPECT_THAT(log.value(), SizeIs(16));
}

TEST(Migration, OldRecordsAgeWithoutATrace) {
  support::FakeClock clock;
  const std::string database = Version1Database();
  const auto store = OpenStore({.database = database}, clock);
  clock.Advance(std::chrono::hours(24 * 365));
  ASSERT_TRUE(store->Maintain());
  EXPECT_EQ(store->Measure().rows, 0);
  const auto found = Verify(database, {});
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_FALSE(found->broken);
  EXPECT_EQ(found->deleted, 0);
}

TEST(Migration, ADatabaseOfVersion1CanBeQueriedAsItIsButNotVerified) {
  const std::string database = Version1Database();
  EXPECT_THAT(support::Find(database, {}), SizeIs(2));
  const auto found = Verify(database, {});
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().ToString(), HasSubstr("schema version 1"));
}

TEST(Migration, RecordsOfVersion2AreFoundBeforeAndAfterwards) {
  const support::FakeClock clock;
  const std::string database = Version2Database();
  std::unique_ptr<Store> store;
  for (const bool migrated : {false, true}) {
    SCOPED_TRACE(migrated);
    if (migrated) {
      store = OpenStore({.database = database}, clock);
    }
    EXPECT_THAT(Uids(database, {.decision = "Warned", .registry = "a.azurecr.io"}), ElementsAre("two"));
    EXPECT_THAT(Uids(database, {.decision = "Warned", .registry = "b.azurecr.io"}), ElementsAre("two"));
    EXPECT_THAT(Uids(database, {.decision = "Denied", .registry = "a*"}), ElementsAre("old-2", "old-1"));
    EXPECT_THAT(Uids(database, {.namespace_name = "ba*", .decision = "Denied"}), ElementsAre("none"));
    EXPECT_THAT(Uids(database, {.decision = "Denied", .user = "anna"}), ElementsAre("old-2", "old-1"));
    EXPECT_THAT(Uids(database, {.until = support::At("2026-11-23T12:30:00Z"), .decision = "Denied"}), ElementsAre("old-2", "old-1"));
    const auto summary = (*OpenDatabaseReader(database))->Summarise({});
    ASSERT_TRUE(summary) << summary.error().ToString();
    ASSERT_THAT(summary->hours, SizeIs(2));
    EXPECT_EQ(summary->hours[0].counts.denied, 2);
    EXPECT_EQ(summary->hours[1].counts.allowed, 1);
  }
  ASSERT_TRUE(store->Maintain());
  EXPECT_EQ((*OpenDatabaseReader(database))->Summarise({}).value().hours.size(), 2U) << "from the roll-ups now";
}

TEST(Migration, WhatFindsRecordsByRegistryGoesWithThem) {
  support::FakeClock clock;
  const std::string database = Version2Database();
  const auto store = OpenStore({.database = database}, clock);
  clock.Advance(std::chrono::hours(24 * 365));
  ASSERT_TRUE(store->Maintain());
  EXPECT_EQ(store->Measure().rows, 0);
  auto connection = OpenForReading(database, Versions::kNewestOnly);
  EXPECT_EQ(connection->QueryInt("SELECT count(*) FROM decision_registry").value(), 0);
}

TEST(Migration, ThatFailsLeavesTheDatabaseAsItWas) {
  const support::FakeClock clock;
  const std::string database = Version1Database();
  ExecuteOn(database, "CREATE TABLE gap (id INTEGER)");  // in the way of the last statement
  std::string notice;
  EXPECT_FALSE(Store::Open({.database = database}, clock, &notice));
  EXPECT_EQ(notice, "");
  EXPECT_THAT(support::Find(database, {}), SizeIs(2));
  ExecuteOn(database, "DROP TABLE gap");
  EXPECT_NE(OpenStore({.database = database}, clock), nullptr);
}

}  // namespace
}  // namespace audit
