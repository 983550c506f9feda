#include "cli/audit_verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "audit/anchor.h"
#include "base/hex.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using support::ExecuteOn;
using support::SampleRecord;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class AuditVerifyTest : public testing::Test {
 protected:
  void Commit(const std::string& uid) {
    const audit::Record record = SampleRecord{.uid = uid}.Make();
    ASSERT_TRUE(store_->Commit({&record, 1}));
  }

  std::string AnchorAt(std::int64_t sequence) {
    const auto link = store_->ReadLink(sequence);
    EXPECT_TRUE(link.has_value() && link->has_value());
    return audit::AnchorLine(**link, support::At("2026-11-23T12:34:56Z"), "replica-1") + "\n";
  }

  int Run(const AuditVerifyArguments& arguments, const std::string& input = {}) {
    out_.str({});
    err_.str({});
    std::istringstream in(input);
    return RunAuditVerify(arguments, {in, out_, err_, Terminal{}});
  }
  int RunWith(const std::string& collected) { return Run({.config = "", .database = database_, .anchors = "-"}, collected); }

  support::TempFolder folder_;
  support::FakeClock clock_;
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<audit::Store> store_ = support::OpenStore({.database = database_}, clock_);
  std::ostringstream out_, err_;
};

TEST_F(AuditVerifyTest, WithoutAnchorsTheLogIsConsistentAndNeverWhole) {
  Commit("1");
  EXPECT_EQ(Run({.config = "", .database = database_, .anchors = ""}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("1 record stored, 0 deleted by retention\nconsistent: "));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\nwhole")));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(AuditVerifyTest, WithAnchorsItIsWholeUpToTheLast) {
  Commit("1");
  Commit("2");
  Commit("3");
  EXPECT_EQ(RunWith(AnchorAt(0) + SampleRecord{}.Make().json + "\n" + AnchorAt(2)), 0);
  EXPECT_THAT(out_.str(), HasSubstr("\nwhole: 2 records up to record 2, by 2 anchors, the last of 2026-11-23T12:34:56.000000Z\n"
                                    "consistent: 1 record after that, which no anchor names yet\n"));
  EXPECT_EQ(RunWith(AnchorAt(3)), 0);
  EXPECT_THAT(out_.str(), Not(HasSubstr("consistent")));
}

TEST_F(AuditVerifyTest, AnchorsAreReadFromAFileToo) {
  Commit("1");
  folder_.Write("stdout.log", AnchorAt(1));
  EXPECT_EQ(Run({.config = "", .database = database_, .anchors = folder_ / "stdout.log"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("\nwhole: 1 record up to record 1"));
}

TEST_F(AuditVerifyTest, SaysFirstThatPostgresqlIsNotCovered) {
  Commit("1");
  folder_.Write("config.yaml", "tls: {certificate: c, key: k}\ninventory: {file: f}\naudit: {database: " + database_ +
                                   ", postgresql: {host: db.example, database: all, user: w}}\n");
  EXPECT_EQ(Run({.config = folder_ / "config.yaml", .database = "", .anchors = ""}), 0) << err_.str();
  EXPECT_THAT(out_.str(),
              StartsWith("this replica's own log alone: the records in PostgreSQL at db.example:5432, database all are not covered "
                         "(docs/postgresql.md, \"Tampering\")\nlog "));
  EXPECT_EQ(Run({.config = "", .database = database_, .anchors = ""}), 0);
  EXPECT_THAT(out_.str(), StartsWith("log "));
}

TEST_F(AuditVerifyTest, TheDatabaseIsThatOfTheConfiguration) {
  folder_.Write("config.yaml", "tls: {certificate: c, key: k}\ninventory: {file: f}\naudit: {database: " + database_ + "}\n");
  EXPECT_EQ(Run({.config = folder_ / "config.yaml", .database = "", .anchors = ""}), 0) << err_.str();
  EXPECT_EQ(Run({.config = folder_ / "config.yaml", .database = database_, .anchors = ""}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("leave one of them out"));
}

TEST_F(AuditVerifyTest, ABrokenLogEndsWithOneAndTheFirstRecord) {
  Commit("1");
  Commit("2\x1b[31m");
  ExecuteOn(database_, "UPDATE decision SET decision = 'Allowed' WHERE id = 2");
  EXPECT_EQ(Run({.config = "", .database = database_, .anchors = ""}), 1);
  EXPECT_THAT(out_.str(), HasSubstr("\nbroken: record 2 (2026-11-23T12:00:00.000000Z, uid 2?[31m): altered"));  // fit for a terminal
  EXPECT_THAT(out_.str(), Not(HasSubstr("consistent: ")));
}

TEST_F(AuditVerifyTest, ATruncatedLogIsBroken) {
  Commit("1");
  Commit("2");
  const std::string anchor = AnchorAt(2);
  ExecuteOn(database_, "DELETE FROM decision WHERE id = 2");
  EXPECT_EQ(RunWith(anchor), 1);
  EXPECT_THAT(out_.str(), HasSubstr("\nbroken: record 2: missing: the anchor of 2026-11-23T12:34:56.000000Z names"));
}

TEST_F(AuditVerifyTest, ALogThatWasEmptiedAsRetentionDoesIsNotWhole) {
  Commit("1");
  Commit("2");
  const auto link = store_->ReadLink(2).value().value();
  const base::Time time = support::At("2026-11-23T12:34:56Z");
  const std::string of_older_version = AnchorAt(2);
  ExecuteOn(database_,
            "INSERT INTO gap SELECT 1, max(id), chain FROM decision; DELETE FROM decision; DELETE FROM decision_registry; "
            "UPDATE tally SET upto = 2, head = (SELECT chain FROM gap)");
  EXPECT_EQ(RunWith(audit::AnchorLine(link, time, "replica-1", audit::Deletions{0, false}) + "\n"), 1);
  EXPECT_THAT(out_.str(),
              HasSubstr("\nbroken: records 1 to 2: 2 deleted, by the anchor of 2026-11-23T12:34:56.000000Z at most 0: by another hand "
                        "than retention's, or newer anchors were not given\n"));
  EXPECT_EQ(RunWith(audit::AnchorLine(link, time, "replica-1", audit::Deletions{2, false}) + "\n"), 0);
  EXPECT_THAT(out_.str(), HasSubstr("\nwhole: 0 records up to record 2"));
  EXPECT_EQ(RunWith(of_older_version), 0);
  EXPECT_THAT(out_.str(), HasSubstr("\nconsistent: that retention deleted the others"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("whole")));
}

TEST_F(AuditVerifyTest, RecordsFromBeforeTheChainAreSaidNotToBeCovered) {
  Commit("1");
  ExecuteOn(database_, "UPDATE decision SET chain = NULL; DELETE FROM chain");
  store_.reset();
  store_ = support::OpenStore({.database = database_}, clock_);
  EXPECT_EQ(Run({.config = "", .database = database_, .anchors = ""}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("not covered: 1 record from before record 2"));
}

// A database that was replaced by another one has another name, and no anchor: that must not look like success.
TEST_F(AuditVerifyTest, WithoutAnAnchorOfThisLogItCannotBeTold) {
  Commit("1");
  const audit::Link other{std::string(16, 'o'), 7, {}};
  const std::string anchor = audit::AnchorLine(other, support::At("2026-11-23T12:34:56Z"), "replica-1") + "\n";
  EXPECT_EQ(RunWith(anchor), 2);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("none can be compared"));
  EXPECT_THAT(err_.str(), HasSubstr(base::ToHex(other.log) + " (replica replica-1, up to record 7 at 2026-11-23T12:34:56.000000Z)"));
  EXPECT_EQ(RunWith(""), 2);
  EXPECT_EQ(RunWith(anchor + AnchorAt(1)), 0);
}

// What a replaced database looks like after serve has begun to write to it.
TEST_F(AuditVerifyTest, OtherLogsOfTheSameReplicaAreNamed) {
  Commit("1");
  const audit::Link before{std::string(16, 'o'), 7, {}};
  const audit::Link elsewhere{std::string(16, 'p'), 8, {}};
  const base::Time time = support::At("2026-11-23T11:00:00Z");
  EXPECT_EQ(
      RunWith(audit::AnchorLine(before, time, "replica-1") + "\n" + audit::AnchorLine(elsewhere, time, "replica-2") + "\n" + AnchorAt(1)),
      0);
  EXPECT_THAT(out_.str(), HasSubstr("\nnot this log: the same replica has anchors of " + base::ToHex(before.log) +
                                    " (replica replica-1, up to record 7"));
  EXPECT_THAT(out_.str(), Not(HasSubstr(base::ToHex(elsewhere.log))));
  EXPECT_EQ(RunWith(audit::AnchorLine(elsewhere, time, "replica-2") + "\n" + AnchorAt(1)), 0);
  EXPECT_THAT(out_.str(), Not(HasSubstr("not this log")));
}

TEST_F(AuditVerifyTest, NamesAFewOfManyOtherLogs) {
  std::string anchors;
  for (int i = 0; i < 8; ++i) {
    anchors += audit::AnchorLine({std::string(16, static_cast<char>('a' + i)), 1, {}}, support::At("2026-11-23T12:00:00Z"), "r") + "\n";
  }
  EXPECT_EQ(RunWith(anchors), 2);
  EXPECT_THAT(err_.str(), HasSubstr(", and 3 others"));
}

TEST_F(AuditVerifyTest, AnchorsThatCannotBeReadAreCounted) {
  Commit("1");
  EXPECT_EQ(RunWith(AnchorAt(1) + AnchorAt(1).substr(0, 30)), 0);
  EXPECT_THAT(err_.str(), HasSubstr("1 anchor cannot be read"));
}

TEST_F(AuditVerifyTest, WhatIsMissingIsNamedAndEndsWithTwo) {
  EXPECT_EQ(Run({.config = "", .database = "/nowhere/audit.db", .anchors = ""}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("/nowhere/audit.db"));
  EXPECT_EQ(Run({.config = "", .database = database_, .anchors = "/nowhere/stdout.log"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("/nowhere/stdout.log"));
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace cli
