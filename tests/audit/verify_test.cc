#include "audit/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "audit/chained_row.h"
#include "audit/sqlite.h"
#include "audit/store.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using policy::DecisionKind;
using support::ExecuteOn;
using support::SampleRecord;
using testing::HasSubstr;
using namespace std::chrono_literals;

// What somebody does who can write to the database and knows the chain: all values anew, over whatever rows there are.
void ForgeChain(const std::string& database) {
  auto connection = sqlite::Connection::Open(database, sqlite::Connection::Mode::kReadWrite, 0ms).value();
  auto begin = connection.Prepare("SELECT log, first FROM chain").value();
  ASSERT_TRUE(begin.Step().value());
  Chain chain;
  Digest value = chain.Begin(begin.Text(0), begin.Int(1));
  begin.Reset();
  std::vector<std::pair<std::int64_t, Digest>> values;
  auto rows = connection.Prepare(kReadChainedRows).value();
  rows.Bind(1, std::int64_t{0});
  while (rows.Step().value()) {
    value = chain.Next(value, rows.Int(0), chain.DigestOf(ReadChainedRow(rows)));
    values.emplace_back(rows.Int(0), value);
  }
  auto update = connection.Prepare("UPDATE decision SET chain = ?1 WHERE id = ?2").value();
  for (const auto& [id, link] : values) {
    ASSERT_TRUE(update.BindBlob(1, View(link)).Bind(2, id).Run());
  }
  auto head = connection.Prepare("UPDATE tally SET upto = ?1, head = ?2").value();
  ASSERT_TRUE(head.Bind(1, values.back().first).BindBlob(2, View(value)).Run());
  ASSERT_TRUE(connection.Execute(
      "DELETE FROM decision_registry WHERE NOT EXISTS (SELECT 1 FROM decision AS d WHERE d.id = decision_registry.id AND d.decision = "
      "decision_registry.decision)"));
}

// Deletes as retention does, with tombstones that fit.
void ForgeRetention(const std::string& database, std::int64_t from, std::int64_t to) {
  auto connection = sqlite::Connection::Open(database, sqlite::Connection::Mode::kReadWrite, 0ms).value();
  Chain chain;
  std::vector<std::pair<std::int64_t, Digest>> digests;
  auto rows = connection.Prepare(kReadChainedRows).value();
  rows.Bind(1, from);
  while (rows.Step().value()) {
    if (rows.Int(0) <= to) {
      digests.emplace_back(rows.Int(0), chain.DigestOf(ReadChainedRow(rows)));
    }
  }
  auto bury = connection.Prepare("INSERT INTO tombstone VALUES (?1, ?2)").value();
  for (const auto& [id, digest] : digests) {
    ASSERT_TRUE(bury.Bind(1, id).BindBlob(2, View(digest)).Run());
  }
  ASSERT_TRUE(connection.Execute(
      "DELETE FROM decision WHERE id IN (SELECT id FROM tombstone); DELETE FROM decision_registry WHERE id IN (SELECT id FROM tombstone); "
      "UPDATE tally SET tombstones = (SELECT count(*) FROM tombstone)"));
}

class VerifyTest : public testing::Test {
 protected:
  void Commit(int count, SampleRecord sample = {}) {
    std::vector<Record> records;
    for (int i = 0; i < count; ++i) {
      sample.uid = "u" + std::to_string(++committed_);
      sample.time = clock_.Now();
      records.push_back(sample.Make());
    }
    ASSERT_TRUE(store_->Commit(records));
  }

  void Maintain() {
    const auto maintained = store_->Maintain();
    ASSERT_TRUE(maintained) << maintained.error().ToString();
  }

  void Reopen() {
    store_.reset();
    store_ = support::OpenStore(options_, clock_);
  }

  Anchor AnchorAt(std::int64_t sequence) {
    const auto link = store_->ReadLink(sequence);
    EXPECT_TRUE(link.has_value() && link->has_value()) << sequence;
    return {sequence, (*link)->value, "2026-11-23T12:34:56.000000Z", "replica-1"};
  }

  Anchor AnchorAt(std::int64_t sequence, Deletions deletions) {
    Anchor anchor = AnchorAt(sequence);
    anchor.deletions = deletions;
    return anchor;
  }

  Verification Run(const std::vector<Anchor>& anchors = {}) {
    auto found = Verify(options_.database, anchors);
    EXPECT_TRUE(found) << found.error().ToString();
    return found.value_or(Verification());
  }

  // "17" or "15-17", and what: of the first break; "" when there is none.
  std::string Broken(const std::vector<Anchor>& anchors = {}) {
    const auto broken = Run(anchors).broken;
    if (!broken) {
      return "";
    }
    const std::string to = std::to_string(broken->to);
    return (broken->from == broken->to ? to : std::to_string(broken->from) + "-" + to) + ": " + broken->what;
  }

  support::FakeClock clock_;
  StoreOptions options_{.database = support::ScratchDatabase(), .retention_age = 24h};
  std::unique_ptr<Store> store_ = support::OpenStore(options_, clock_);
  int committed_ = 0;
};

TEST_F(VerifyTest, AnEmptyLogHolds) {
  const Verification found = Run({AnchorAt(0)});
  EXPECT_FALSE(found.broken);
  EXPECT_EQ(found.anchors, 1);
  EXPECT_EQ(found.last, 0);
}

TEST_F(VerifyTest, WhatWasCommittedHoldsAndAnchorsProveWhatIsBeforeThem) {
  Commit(3);
  Maintain();
  Reopen();
  Commit(4);
  Reopen();  // behind the tally that was saved
  Commit(1);
  const Verification found = Run({AnchorAt(0), AnchorAt(2), AnchorAt(5)});
  EXPECT_FALSE(found.broken);
  EXPECT_EQ(found.first, 1);
  EXPECT_EQ(found.last, 8);
  EXPECT_EQ(found.records, 8);
  EXPECT_EQ(found.anchors, 3);
  EXPECT_EQ(found.proven, 5);
  EXPECT_EQ(found.proven_to, 5);
  EXPECT_EQ(found.proven_time, "2026-11-23T12:34:56.000000Z");
  EXPECT_EQ(found.unproven_at_end, 3);
  EXPECT_EQ(found.unproven_in_front, 0);
}

TEST_F(VerifyTest, AFailedCommitLeavesTheChainAsItWas) {
  Commit(1);
  ExecuteOn(options_.database, "CREATE TRIGGER refuse BEFORE INSERT ON decision WHEN NEW.uid = 'u3' BEGIN SELECT RAISE(ABORT, 'no'); END");
  const std::vector<Record> records = {SampleRecord{.uid = "u2"}.Make(), SampleRecord{.uid = "u3"}.Make()};
  ASSERT_FALSE(store_->Commit(records));
  ASSERT_TRUE(store_->Commit({records.data(), 1}));
  EXPECT_EQ(Broken(), "");
  EXPECT_EQ(Run().records, 2);
}

TEST_F(VerifyTest, CommitsOfManyThreadsAreOneChain) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::vector<Record> records = {SampleRecord{.uid = std::to_string(t) + "-" + std::to_string(i)}.Make(),
                                             SampleRecord{}.Make()};
        EXPECT_TRUE(store_->Commit(records));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(Broken({AnchorAt(400)}), "");
  EXPECT_EQ(Run().records, 400);
}

TEST_F(VerifyTest, EveryColumnIsCovered) {
  Commit(3);
  store_.reset();
  for (const char* change : {"time = time + 1", "latest = latest + 1", "size = size + 1", "dry_run = 1", "decision = 'Allowed'",
                             "uid = 'x'", "namespace = 'x'", "kept = 'x'", "kept = NULL", "user = 'x'", "registries = ' x '",
                             "record = replace(record, 'Denied', 'Allowed')", "chain = NULL", "chain = x'00'"}) {
    ExecuteOn(options_.database, "CREATE TABLE saved AS SELECT * FROM decision WHERE id = 2");
    ExecuteOn(options_.database, std::string("UPDATE decision SET ") + change + " WHERE id = 2");
    EXPECT_THAT(Broken(), testing::StartsWith("2: altered")) << change;
    ExecuteOn(options_.database, "REPLACE INTO decision SELECT * FROM saved; DROP TABLE saved");
    EXPECT_EQ(Broken(), "") << change;
  }
}

TEST_F(VerifyTest, ABrokenRecordIsNamedByTimeAndUid) {
  Commit(3);
  ExecuteOn(options_.database, "UPDATE decision SET user = 'x' WHERE id = 2");
  const auto broken = Run().broken;
  ASSERT_TRUE(broken);
  EXPECT_EQ(broken->uid, "u2");
  EXPECT_EQ(broken->time, "2026-11-23T12:00:00.000000Z");
}

TEST_F(VerifyTest, TextsThatMoveFromOneColumnToTheNextAreFound) {
  Commit(1, {.namespace_name = "ab", .user = "c"});
  ExecuteOn(options_.database, "UPDATE decision SET kept = 'a', user = 'bc'");
  EXPECT_THAT(Broken(), HasSubstr("altered"));
}

TEST_F(VerifyTest, AMissingRecordIsFound) {
  Commit(5);
  ExecuteOn(options_.database, "DELETE FROM decision WHERE id IN (2, 3)");
  EXPECT_EQ(Broken(), "2-3: missing, with no trace of a deletion by retention");
}

TEST_F(VerifyTest, RecordsThatAreMissingAtTheBeginningAreFound) {
  Commit(5);
  ExecuteOn(options_.database, "DELETE FROM decision WHERE id = 1");
  EXPECT_THAT(Broken(), testing::StartsWith("1: missing"));
}

TEST_F(VerifyTest, RecordsInAnotherOrderAreFound) {
  Commit(5);
  ExecuteOn(options_.database, "UPDATE decision SET id = -id WHERE id IN (2, 4); UPDATE decision SET id = 6 + id WHERE id < 0");
  EXPECT_THAT(Broken(), testing::StartsWith("2: altered"));
}

TEST_F(VerifyTest, AnInsertedRecordIsFound) {
  Commit(3);
  ExecuteOn(options_.database,
            "INSERT INTO decision SELECT 4, time, latest, size, dry_run, decision, uid, namespace, kept, user, registries, record, chain "
            "FROM decision WHERE id = 3");
  EXPECT_THAT(Broken(), testing::StartsWith("4: altered"));
}

TEST_F(VerifyTest, RecordsThatWereCountedAndAreMissingAtTheEndAreFound) {
  Commit(5);
  Maintain();
  ExecuteOn(options_.database, "DELETE FROM decision WHERE id > 3");
  EXPECT_EQ(Broken(), "4-5: missing: they were counted");
}

TEST_F(VerifyTest, AnotherHeadThanTheRecordsComeToIsFound) {
  Commit(5);
  Maintain();
  ExecuteOn(options_.database, "UPDATE tally SET head = zeroblob(32)");
  EXPECT_THAT(Broken(), testing::StartsWith("5: not what was noted"));
}

TEST_F(VerifyTest, ALogWithoutABeginningIsFound) {
  Commit(2);
  ExecuteOn(options_.database, "DELETE FROM chain");
  EXPECT_THAT(Broken(), HasSubstr("the chain's beginning is missing"));
}

TEST_F(VerifyTest, AnotherNameOfTheLogIsFound) {
  Commit(2);
  ExecuteOn(options_.database, "UPDATE chain SET log = zeroblob(16)");
  EXPECT_THAT(Broken(), testing::StartsWith("1: altered"));
}

// Else all would be taken for records of an older version at the next start.
TEST_F(VerifyTest, AChainThatWasCutOffSoThatAnotherBeginsIsFound) {
  Commit(4);
  ExecuteOn(options_.database, "DELETE FROM chain");
  Reopen();
  Commit(1);
  EXPECT_THAT(Broken(), testing::StartsWith("1-4: of a chain that was cut off"));
}

TEST_F(VerifyTest, ATailThatWasCutOffWithAllItsTracesIsFoundByAnAnchor) {
  Commit(5);
  const Anchor anchor = AnchorAt(5);
  ExecuteOn(options_.database, "DELETE FROM decision WHERE id > 3");
  ForgeChain(options_.database);
  EXPECT_EQ(Broken(), "");
  EXPECT_EQ(Broken({anchor}), "4-5: missing: the anchor of 2026-11-23T12:34:56.000000Z names them");
}

TEST_F(VerifyTest, AForgedChainIsFoundByTheAnchorBehindTheForgery) {
  Commit(9);
  const std::vector<Anchor> anchors = {AnchorAt(2), AnchorAt(6), AnchorAt(9)};
  ExecuteOn(options_.database, "UPDATE decision SET decision = 'Allowed' WHERE id = 5");
  ForgeChain(options_.database);
  EXPECT_EQ(Broken(), "");
  EXPECT_EQ(Broken(anchors), "3-6: not what the anchor of 2026-11-23T12:34:56.000000Z says");
  EXPECT_EQ(Run(anchors).broken->uid, "u6");
  EXPECT_EQ(Broken({anchors[0]}), "");
}

// A question about a registry goes by a table of its own, which the chain does not cover.
// Deleted by hand, and dressed up as retention: the chain holds, but retention had told of none.
TEST_F(VerifyTest, RecordsThatWereDeletedAsRetentionDoesAreFoundByTheAnchorsCount) {
  Commit(70);
  const std::vector<Anchor> anchors = {AnchorAt(0, {0, true}), AnchorAt(70, {0, false})};
  Commit(5);
  EXPECT_EQ(Broken(anchors), "");
  EXPECT_TRUE(Run(anchors).deletions_known);
  store_.reset();
  ForgeRetention(options_.database, 17, 17);
  EXPECT_EQ(Broken(), "");
  EXPECT_THAT(Broken(anchors),
              testing::StartsWith("1-70: 1 deleted, by the anchor of 2026-11-23T12:34:56.000000Z at most 0: by another hand"));
  ForgeRetention(options_.database, 1, 70);
  EXPECT_THAT(Broken(anchors), testing::StartsWith("1-70: 70 deleted, by the anchor"));
  const std::vector<Anchor> told = {{70, anchors[1].value, "t", "r", Deletions{70, false}}};
  EXPECT_EQ(Broken(told), "");
  EXPECT_FALSE(Run({{70, anchors[1].value, "t", "r"}}).deletions_known);  // of an older version
}

TEST_F(VerifyTest, RecordsBehindTheLastAnchorMayHaveBeenDeletedSince) {
  Commit(70);
  const std::vector<Anchor> anchors = {AnchorAt(60, {0, true})};
  store_.reset();
  ForgeRetention(options_.database, 61, 65);
  EXPECT_EQ(Broken(anchors), "");
  ForgeRetention(options_.database, 60, 60);
  EXPECT_THAT(Broken(anchors), HasSubstr("1 deleted"));
}

TEST_F(VerifyTest, OneGapInTheirPlaceIsFoundByTheAnchorsCount) {
  Commit(70);
  const std::vector<Anchor> anchors = {AnchorAt(70, {3, true})};
  store_.reset();
  ExecuteOn(options_.database,
            "INSERT INTO gap SELECT 1, max(id), chain FROM decision; DELETE FROM decision; DELETE FROM decision_registry; "
            "UPDATE tally SET upto = 70, head = (SELECT chain FROM gap)");
  EXPECT_EQ(Broken(), "");
  EXPECT_THAT(Broken(anchors), HasSubstr("70 deleted, by the anchor of 2026-11-23T12:34:56.000000Z at most 3"));
}

// A start takes the database's word for what was deleted before, but its first anchor tells of that.
TEST_F(VerifyTest, RecordsThatWereDeletedBetweenTwoRunsAreFoundByTheNextRunsFirstAnchor) {
  Commit(70);
  std::vector<Anchor> anchors = {AnchorAt(70, {0, false})};
  store_.reset();
  ForgeRetention(options_.database, 1, 30);
  store_ = support::OpenStore(options_, clock_);
  EXPECT_EQ(store_->Measure().deleted, 30);
  Commit(1);
  anchors.push_back(AnchorAt(70, {30, true}));
  anchors.push_back(AnchorAt(71, {30, false}));
  EXPECT_THAT(Broken(anchors), HasSubstr("30 deleted when the run of 2026-11-23T12:34:56.000000Z began, by the anchor of"));
  anchors[0].deletions->at_most = 30;
  EXPECT_EQ(Broken(anchors), "");
}

// What a run deletes it counts itself, whatever somebody writes into the database meanwhile.
TEST_F(VerifyTest, RetentionsOwnDeletionsAreCountedByItselfAcrossRuns) {
  Commit(40);
  EXPECT_EQ(store_->Measure().deleted, 0);
  clock_.Advance(25h);
  Commit(10);
  Maintain();
  EXPECT_EQ(store_->Measure().deleted, 40);
  ForgeRetention(options_.database, 41, 43);
  Maintain();
  EXPECT_EQ(store_->Measure().deleted, 40);
  EXPECT_THAT(Broken({AnchorAt(50, {store_->Measure().deleted, false})}), HasSubstr("43 deleted"));
}

TEST_F(VerifyTest, ADenialThatIsHiddenFromQuestionsAboutItsRegistryIsFound) {
  Commit(2);
  Commit(1, {.decision = policy::DecisionKind::kAllowed});
  EXPECT_EQ(Broken(), "");
  ExecuteOn(options_.database, "DELETE FROM decision_registry WHERE id = 2");
  EXPECT_THAT(Broken(), testing::StartsWith("2: not found by its registry"));
}

TEST_F(VerifyTest, ARegistryThatWasPutDownForADenialIsFound) {
  Commit(3);
  ExecuteOn(options_.database, "INSERT INTO decision_registry VALUES ('Denied', 'other.azurecr.io', 2)");
  EXPECT_THAT(Broken(), testing::StartsWith("2: found by a registry that it does not have"));
  const auto reader = OpenDatabaseReader(options_.database);
  const auto page = (*reader)->Read({.filter = {.decision = "Denied", .registry = "other.azurecr.io"}});
  EXPECT_THAT(page.value().rows, testing::IsEmpty()) << "the record says what is true";
}

TEST_F(VerifyTest, TwoAnchorsThatContradictEachOtherCannotBothHold) {
  Commit(3);
  Anchor other = AnchorAt(2);
  other.value.fill('x');
  EXPECT_THAT(Broken({AnchorAt(2), other}), HasSubstr("not what the anchor"));
  EXPECT_THAT(Broken({other, AnchorAt(2)}), HasSubstr("not what the anchor"));
}

TEST_F(VerifyTest, AnAnchorFromBeforeTheChainDoesNotHold) {
  Commit(1);
  Anchor early = AnchorAt(0);
  early.sequence = -1;
  EXPECT_THAT(Broken({early}), HasSubstr("not what the anchor"));
}

// Two that stay, around 40 that retention takes from the middle: the first is from a future that a wrong clock told.
class RetainedVerifyTest : public VerifyTest {
 protected:
  RetainedVerifyTest() {
    clock_.Step(100h);
    Commit(1);
    clock_.Step(-100h);
    Commit(40);
    clock_.Advance(30h);
    Commit(1);
    for (const std::int64_t sequence : {1, 20, 42}) {
      anchors_.push_back(AnchorAt(sequence));
    }
  }

  void Retain() {
    Maintain();
    ASSERT_EQ(store_->Measure().rows, 2);
  }

  std::vector<Anchor> anchors_;
};

TEST_F(RetainedVerifyTest, RetentionKeepsTheChainVerifiable) {
  Retain();
  EXPECT_EQ(Run().deleted, 40);
  const Verification found = Run(anchors_);
  EXPECT_FALSE(found.broken) << Broken(anchors_);
  EXPECT_EQ(found.anchors, 3);  // also the one of a deleted record
  EXPECT_EQ(found.proven, 2);
  EXPECT_EQ(found.records, 2);
  Reopen();
  Commit(1);
  EXPECT_EQ(Broken(anchors_), "");
}

TEST_F(RetainedVerifyTest, WhatIsAlteredBesideTombstonesIsFound) {
  Retain();
  ExecuteOn(options_.database, "UPDATE decision SET user = 'x' WHERE id = 1");
  EXPECT_THAT(Broken(), testing::StartsWith("1: altered"));
}

TEST_F(RetainedVerifyTest, AnAlteredTombstoneIsFoundAtTheNextRecord) {
  Retain();
  ExecuteOn(options_.database, "UPDATE tombstone SET digest = zeroblob(32) WHERE id = 17");
  EXPECT_THAT(Broken(), testing::StartsWith("42: altered, or a trace of deleted records before it was"));
}

TEST_F(RetainedVerifyTest, AMissingTombstoneIsFound) {
  Retain();
  ExecuteOn(options_.database, "DELETE FROM tombstone WHERE id = 17");
  EXPECT_THAT(Broken(), testing::StartsWith("17: missing"));
}

TEST_F(RetainedVerifyTest, ARecordThatIsBothThereAndDeletedIsFound) {
  Retain();
  ExecuteOn(options_.database, "INSERT INTO tombstone VALUES (42, zeroblob(32))");
  EXPECT_THAT(Broken(), testing::StartsWith("42: both there and deleted"));
}

TEST_F(RetainedVerifyTest, ATombstoneFromBeforeTheChainIsFound) {
  Retain();
  ExecuteOn(options_.database, "INSERT INTO tombstone VALUES (0, zeroblob(32))");
  EXPECT_THAT(Broken(), testing::StartsWith("0: both there and deleted"));
}

// Otherwise one could alter a record, wait, and be safe.
TEST_F(RetainedVerifyTest, ARecordThatWasAlteredBeforeRetentionTookItIsStillFound) {
  ExecuteOn(options_.database, "UPDATE decision SET user = 'x' WHERE id = 17");
  Retain();
  EXPECT_THAT(Broken(), testing::StartsWith("42: altered, or a trace"));
}

TEST_F(RetainedVerifyTest, OnceNothingOlderIsLeftTombstonesBecomeOneRow) {
  clock_.Advance(100h);
  const Anchor last = AnchorAt(42);
  Commit(3);
  Maintain();
  ASSERT_EQ(store_->Measure().rows, 3);
  ExecuteOn(options_.database,
            "CREATE TABLE seen (ok INTEGER CHECK (ok)); "
            "INSERT INTO seen SELECT count(*) = 0 FROM tombstone; "
            "INSERT INTO seen SELECT count(*) = 1 AND min(first) = 1 AND max(last) = 42 FROM gap");
  const Verification found = Run({anchors_[0], anchors_[1], last, AnchorAt(45)});
  EXPECT_FALSE(found.broken);
  EXPECT_EQ(found.deleted, 42);
  EXPECT_EQ(found.proven, 3);
  EXPECT_EQ(found.anchors, 2);  // the others stand in the gap
  EXPECT_EQ(found.unproven_in_front, 0);

  // The one row grows.
  clock_.Advance(30h);
  Commit(1);
  Maintain();
  ExecuteOn(options_.database, "INSERT INTO seen SELECT count(*) = 1 AND max(last) = 45 FROM gap");
  EXPECT_EQ(Broken({AnchorAt(46)}), "");
}

TEST_F(RetainedVerifyTest, AnAlteredGapIsFound) {
  clock_.Advance(100h);
  Commit(3);
  Maintain();
  for (const auto& [change, broken] :
       {std::pair("chain = zeroblob(32)", "43: altered"), std::pair("chain = zeroblob(3)", "1: deleted, and"),
        std::pair("last = 41", "42: missing"), std::pair("last = 43", "43: both there"), std::pair("first = 2", "1: missing"),
        std::pair("last = 0", "1: deleted, and")}) {
    ExecuteOn(options_.database, "CREATE TABLE saved AS SELECT * FROM gap");
    ExecuteOn(options_.database, std::string("UPDATE gap SET ") + change);
    EXPECT_THAT(Broken(), testing::StartsWith(broken)) << change;
    ExecuteOn(options_.database, "DELETE FROM gap; INSERT INTO gap SELECT * FROM saved; DROP TABLE saved");
  }
  EXPECT_EQ(Broken(), "");
}

// All is in a gap, and what the gap says is only what somebody wrote there.
TEST_F(RetainedVerifyTest, AGapThatDoesNotEndAsTheAnchorThereSaysIsFound) {
  clock_.Advance(100h);
  const Anchor last = AnchorAt(42);
  Maintain();
  ASSERT_EQ(store_->Measure().rows, 0);
  EXPECT_EQ(Broken({last}), "");
  ExecuteOn(options_.database, "UPDATE gap SET chain = zeroblob(32); UPDATE tally SET head = zeroblob(32)");
  EXPECT_EQ(Broken(), "");
  EXPECT_THAT(Broken({last}), HasSubstr("not what the anchor"));
}

// A flood of what goes first must not fill the log with tombstones: they become a gap in the middle, and the records before
// it are proven only by an anchor of their own.
TEST_F(VerifyTest, TooManyTombstonesBecomeAGapInTheMiddle) {
  options_.retention_bytes = std::int64_t{1} << 20;
  Reopen();
  Commit(1);
  const Anchor first = AnchorAt(1);
  for (int i = 0; i < 200; ++i) {
    Commit(40, {.decision = DecisionKind::kAllowed, .namespace_name = "evil"});
    Maintain();
  }
  ExecuteOn(options_.database,
            "CREATE TABLE seen (ok INTEGER CHECK (ok)); "
            "INSERT INTO seen SELECT count(*) <= 1365 FROM tombstone; "
            "INSERT INTO seen SELECT t.tombstones = (SELECT count(*) FROM tombstone) FROM tally AS t; "
            "INSERT INTO seen SELECT count(*) = 1 AND min(first) = 2 FROM gap");
  const Anchor last = AnchorAt(8001);
  const Verification proven = Run({first, last});
  EXPECT_FALSE(proven.broken);
  EXPECT_EQ(proven.proven, proven.records);
  EXPECT_EQ(proven.records + proven.deleted, 8001);
  const Verification half = Run({last});
  EXPECT_FALSE(half.broken);
  EXPECT_EQ(half.unproven_in_front, 1);
  EXPECT_EQ(half.proven, half.records - 1);

  // When what stands before it goes, all is one gap.
  Reopen();
  clock_.Advance(25h);
  Commit(1);
  const Anchor newest = AnchorAt(8002);
  for (int i = 0; i < 10; ++i) {
    Maintain();
  }
  EXPECT_EQ(store_->Measure().rows, 1);
  ExecuteOn(options_.database,
            "INSERT INTO seen SELECT count(*) = 0 FROM tombstone; "
            "INSERT INTO seen SELECT count(*) = 1 AND min(first) = 1 AND max(last) = 8001 FROM gap");
  EXPECT_EQ(Broken({last, newest}), "");
}

TEST_F(VerifyTest, ADamagedDatabaseThatWasReplacedBeginsAnotherChain) {
  Commit(3);
  const auto before = LogName(options_.database);
  store_.reset();
  ExecuteOn(options_.database, "PRAGMA wal_checkpoint(TRUNCATE)");
  ASSERT_EQ(truncate(options_.database.c_str(), 5000), 0);
  Reopen();
  ASSERT_NE(store_, nullptr);
  Commit(2);
  EXPECT_NE(LogName(options_.database).value(), before.value());
  EXPECT_EQ(Broken(), "");
  EXPECT_EQ(Run().records, 2);
}

}  // namespace
}  // namespace audit
