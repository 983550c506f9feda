#include "cli/audit_trail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/support/fake_clock.h"
#include "tests/support/faulty_vfs.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

audit::Record RecordOf(const support::FakeClock& clock, const std::string& uid, std::size_t size = 0) {
  audit::Record record;
  record.time = clock.Now();
  record.uid = uid;
  record.json = "{\"uid\":\"" + uid + "\",\"filling\":\"" + std::string(size, 'x') + "\"}";
  return record;
}

// A trail whose standard output takes as much as a test lets it.
class AuditTrailTest : public ::testing::Test {
 protected:
  std::unique_ptr<AuditTrail> Open(bool copy_committed) {
    auto trail = AuditTrail::Open(
        {.database = folder_ / "audit.db", .opens_later = may_open_later_}, copy_committed,
        [this](std::string_view bytes) { return Take(bytes); }, clock_, "replica-1",
        [this](base::LogLevel, std::string_view message) { log_.emplace_back(message); });
    EXPECT_TRUE(trail) << trail.error().ToString();
    return trail ? *std::move(trail) : nullptr;
  }

  base::Result<std::size_t> Take(std::string_view bytes) {
    if (broken_) {
      return base::Fail(base::ErrorCode::kUnavailable, "broken pipe");
    }
    const std::size_t taken = std::min(bytes.size(), room_);
    room_ -= taken;
    out_ += bytes.substr(0, taken);
    return taken;
  }

  // Standard output without the anchors between the records, and how many these are.
  std::string Records() const { return Split().first; }
  int Anchors() const { return Split().second; }
  std::pair<std::string, int> Split() const {
    std::pair<std::string, int> split;
    std::istringstream lines(out_);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("{\"anchor\":")) {
        ++split.second;
      } else {
        split.first += line + "\n";
      }
    }
    return split;
  }

  audit::Record Make(const std::string& uid, std::size_t size = 0) const { return RecordOf(clock_, uid, size); }

  support::TempFolder folder_;
  support::FakeClock clock_;
  std::size_t room_ = std::size_t{1} << 30U;
  bool broken_ = false;
  bool may_open_later_ = false;
  std::string out_;
  std::vector<std::string> log_;
};

TEST_F(AuditTrailTest, CopiesCommittedRecordsToStandardOutput) {
  const auto trail = Open(true);
  const std::vector<audit::Record> records = {Make("1"), Make("2")};
  ASSERT_TRUE(trail->Commit(records));
  trail->Run();
  EXPECT_EQ(Records(), records[0].json + "\n" + records[1].json + "\n");
  trail->Run();
  EXPECT_EQ(Records(), records[0].json + "\n" + records[1].json + "\n");
}

TEST_F(AuditTrailTest, KeepsCommittedRecordsToItselfWhenNotAskedToCopy) {
  const auto trail = Open(false);
  ASSERT_TRUE(trail->Commit(std::vector{Make("1")}));
  trail->Run();
  trail->Close();
  EXPECT_EQ(Records(), "");
}

TEST_F(AuditTrailTest, PrintsLostRecordsWhetherCommittedOnesAreCopiedOrNot) {
  const auto trail = Open(false);
  trail->Lost(std::vector{Make("1")});
  EXPECT_EQ(Records(), "");
  trail->Run();
  EXPECT_EQ(Records(), Make("1").json + "\n");
}

TEST_F(AuditTrailTest, NeverMixesHalfALineWithAnother) {
  const auto trail = Open(true);
  room_ = 5;
  ASSERT_TRUE(trail->Commit(std::vector{Make("committed")}));
  trail->Run();
  trail->Lost(std::vector{Make("lost")});
  trail->Run();
  room_ = 1000;
  trail->Run();
  trail->Run();
  EXPECT_EQ(Records(), Make("committed").json + "\n" + Make("lost").json + "\n");
}

TEST_F(AuditTrailTest, FinishesALostLineBeforeItCopiesOn) {
  const auto trail = Open(true);
  room_ = 5;
  trail->Lost(std::vector{Make("lost")});
  trail->Run();
  ASSERT_TRUE(trail->Commit(std::vector{Make("committed")}));
  trail->Run();
  room_ = 1000;
  trail->Run();
  EXPECT_EQ(Records(), Make("lost").json + "\n" + Make("committed").json + "\n");
}

TEST_F(AuditTrailTest, WritesWhatIsLeftAtTheEnd) {
  const auto trail = Open(true);
  ASSERT_TRUE(trail->Commit(std::vector{Make("committed")}));
  trail->Lost(std::vector{Make("lost")});
  trail->Close();
  EXPECT_THAT(out_, HasSubstr(Make("committed").json + "\n"));
  EXPECT_THAT(out_, HasSubstr(Make("lost").json + "\n"));
}

// What a collector has of a run proves the run's records.
TEST_F(AuditTrailTest, AnchorsTheBeginningAndTheEndOfARun) {
  const auto trail = Open(true);
  trail->Run();
  EXPECT_EQ(Anchors(), 1);
  ASSERT_TRUE(trail->Commit(std::vector{Make("1")}));
  trail->Close();
  EXPECT_EQ(Anchors(), 2);
  EXPECT_THAT(out_.substr(out_.find(Make("1").json)), testing::AllOf(HasSubstr("\"replica\":\"replica-1\""), HasSubstr("\"sequence\":1")));
}

TEST_F(AuditTrailTest, AnchorsNothingWhenNotAskedToCopy) {
  const auto trail = Open(false);
  ASSERT_TRUE(trail->Commit(std::vector{Make("1")}));
  trail->Run();
  trail->Close();
  EXPECT_EQ(out_, "");
}

TEST_F(AuditTrailTest, BoundsWhatWaitsForAReaderThatHasStoppedAndCountsTheRest) {
  const auto trail = Open(false);
  const std::vector<audit::Record> records(kMaxLostBytes / 1000 + 10, Make("1", 1000));
  trail->Lost(records);
  room_ = 0;
  trail->Run();
  EXPECT_THAT(log_, ElementsAre(HasSubstr("audit records are lost")));
}

TEST_F(AuditTrailTest, LogsABrokenOutputOnceAndItsRecoveryOnce) {
  const auto trail = Open(true);
  ASSERT_TRUE(trail->Commit(std::vector{Make("1")}));
  broken_ = true;
  trail->Run();
  trail->Run();
  EXPECT_THAT(log_, ElementsAre(HasSubstr("standard output takes no audit records: broken pipe")));
  broken_ = false;
  trail->Run();
  trail->Run();
  EXPECT_THAT(log_, ElementsAre(HasSubstr("broken pipe"), HasSubstr("over: standard output")));
  EXPECT_EQ(Records(), Make("1").json + "\n");
}

TEST_F(AuditTrailTest, GoesOnWhereTheLastRunEnded) {
  ASSERT_TRUE(Open(true)->Commit(std::vector{Make("1")}));
  {
    const auto trail = Open(true);
    trail->Run();
    trail->Close();
  }
  const auto trail = Open(true);
  ASSERT_TRUE(trail->Commit(std::vector{Make("2")}));
  trail->Run();
  EXPECT_EQ(Records(), Make("1").json + "\n" + Make("2").json + "\n");
}

TEST_F(AuditTrailTest, HasNoProblemWhileRecordsAreCommitted) {
  const auto trail = Open(true);
  ASSERT_TRUE(trail->Commit(std::vector{Make("1")}));
  trail->Run();
  EXPECT_EQ(trail->problem(), std::nullopt);
  EXPECT_EQ(trail->Measure().rows, 1);
  EXPECT_THAT(log_, IsEmpty());
}

// A full disk at the start: records go to standard output until there is room.
TEST_F(AuditTrailTest, GoesOnWithoutADatabaseUntilItCanBeOpened) {
  support::FaultyVfs vfs;
  vfs.Begin(support::FaultyVfs::Plan{0, support::FaultyVfs::Fault::kNoSpace, true});
  may_open_later_ = true;
  const auto trail = Open(true);
  EXPECT_THAT(trail->problem().value_or(""), HasSubstr("audit.db"));
  EXPECT_FALSE(trail->Commit(std::vector{Make("1")}));
  trail->Lost(std::vector{Make("1")});
  trail->Run();
  EXPECT_EQ(out_, Make("1").json + "\n");
  EXPECT_THAT(log_, testing::Contains(HasSubstr("go to standard output: audit database")));
  EXPECT_THAT(log_, testing::Not(testing::Contains(HasSubstr("takes no audit records"))));

  vfs.Mend();
  clock_.Advance(std::chrono::seconds(1));
  trail->Run();
  EXPECT_EQ(trail->problem(), std::nullopt);
  EXPECT_THAT(log_.back(), HasSubstr("over: "));
  ASSERT_TRUE(trail->Commit(std::vector{Make("2")}));
  trail->Run();
  EXPECT_EQ(Records(), Make("1").json + "\n" + Make("2").json + "\n");
  EXPECT_EQ(Anchors(), 1);
}

TEST_F(AuditTrailTest, TellsOnceThatTheClockSteppedAndThatItIsBelievedAgain) {
  const auto trail = Open(false);
  ASSERT_TRUE(trail->Commit(std::vector{Make("1")}));
  trail->Run();
  EXPECT_EQ(trail->age_doubt(), std::nullopt);
  clock_.Step(std::chrono::hours(960));
  trail->Run();
  clock_.Step(std::chrono::hours(-960));
  trail->Run();
  EXPECT_THAT(log_,
              ElementsAre(HasSubstr("no audit record is deleted for its age: the wall clock was set 960 h 0 min ahead, to 2027-01-02T")));
  EXPECT_THAT(trail->age_doubt().value_or(""), HasSubstr("960 h 0 min back"));
  clock_.Advance(std::chrono::hours(1));
  trail->Run();
  EXPECT_EQ(trail->age_doubt(), std::nullopt);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("was set"), HasSubstr("over: no audit record")));
  EXPECT_EQ(trail->Measure().rows, 1);
}

// Whichever look finds the damage, and whatever failed of it before.
TEST_F(AuditTrailTest, SaysOfADamagedDatabaseThatItWasSetAside) {
  {
    const auto trail = Open(false);
    ASSERT_TRUE(trail->Commit(std::vector(50, Make("1", 10'000))));
    trail->Run();
  }
  {
    std::fstream file(folder_ / "audit.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20 * 4096);
    file << std::string(10 * 4096, '\xee');
  }
  const auto trail = Open(false);
  clock_.Advance(std::chrono::hours(24 * 365));
  trail->Run();  // retention finds it
  trail->Run();
  trail->Run();
  EXPECT_THAT(log_, testing::Contains(HasSubstr("set aside as " + (folder_ / "audit.db.corrupt-"))));
  EXPECT_THAT(log_.back(), HasSubstr("over: "));
  EXPECT_EQ(trail->Measure().set_aside, 1);
}

}  // namespace
}  // namespace cli
