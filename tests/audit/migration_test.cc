#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "audit/store.h"
#include "audit/verify.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using support::ExecuteOn;
using support::OpenStore;
using support::SampleRecord;
using support::ScratchDatabase;
using testing::HasSubstr;
using testing::SizeIs;

// As version 1 was released.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE decision (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, latest INTEGER NOT NULL, size INTEGER NOT NULL, dry_run INTEGER NOT NULL,
  decision TEXT NOT NULL, uid TEXT NOT NULL, namespace TEXT NOT NULL, kept TEXT, user TEXT NOT NULL, registries TEXT NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX decision_by_uid ON decision(uid);
CREATE INDEX decision_not_allowed ON decision(decision) WHERE decision <> 'Allowed';
CREATE INDEX decision_kept ON decision(kept) WHERE kept IS NOT NULL;
CREATE TABLE cursor (consumer TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tally (only INTEGER PRIMARY KEY CHECK (only = 1), upto INTEGER NOT NULL, spare_rows INTEGER NOT NULL,
  spare_bytes INTEGER NOT NULL, kept_rows INTEGER NOT NULL, kept_bytes INTEGER NOT NULL) STRICT;
INSERT INTO tally VALUES (1, 1, 0, 0, 1, 500);
INSERT INTO cursor VALUES ('stdout', 1);
INSERT INTO decision VALUES
  (1, 1795435200000000, 1795435200000000, 500, 0, 'Denied', 'old-1', 'shop', 'shop', 'anna', ' a.azurecr.io ', '{"uid":"old-1"}'),
  (2, 1795435200000000, 1795435200000000, 500, 0, 'Denied', 'old-2', 'shop', 'shop', 'anna', ' a.azurecr.io ', '{"uid":"old-2"}');
PRAGMA application_id = 0x41435241;
PRAGMA user_version = 1;
)sql";

std::string Version1Database() {
  const std::string database = ScratchDatabase();
  ExecuteOn(database, kVersion1);
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
  EXPECT_THAT(store->ReadCommitted(&cursor, 10).value(), testing::ElementsAre(R"({"uid":"old-2"})", record.json));

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
