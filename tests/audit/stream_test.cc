#include "audit/stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/anchor.h"
#include "audit/verify.h"
#include "base/hex.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using support::SampleRecord;
using namespace std::chrono_literals;

// An output that takes `room` bytes and then nothing, or fails.
struct FakeOutput {
  std::string text;
  std::size_t room = std::numeric_limits<std::size_t>::max();
  bool fails = false;

  StreamOutput Function() {
    return [this](std::string_view bytes) -> base::Result<std::size_t> {
      if (fails) {
        return base::Fail(base::ErrorCode::kUnavailable, "broken");
      }
      const std::size_t taken = std::min(bytes.size(), room);
      text += bytes.substr(0, taken);
      room -= taken;
      return taken;
    };
  }
};

// The lines of `text` that are anchors, or those that are none.
std::string Lines(const std::string& text, bool anchors) {
  std::string lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    const std::string line = text.substr(begin, end - begin);
    if (line.starts_with("{\"anchor\":") == anchors) {
      lines += line;
    }
    begin = end;
  }
  return lines;
}
std::string RecordsOf(const std::string& text) { return Lines(text, false); }

// The sequences of the anchors in it.
std::vector<std::int64_t> AnchorsOf(const std::string& text) {
  std::istringstream lines(Lines(text, true));
  std::vector<std::int64_t> sequences;
  for (std::string line; std::getline(lines, line);) {
    sequences.push_back(nlohmann::json::parse(line)["anchor"]["sequence"]);
  }
  return sequences;
}

class StreamTest : public testing::Test {
 protected:
  void Commit(int count) {
    std::vector<Record> records;
    for (int i = 0; i < count; ++i) {
      records.push_back(SampleRecord{.uid = "u" + std::to_string(committed_++)}.Make());
      lines_ += records.back().json + "\n";
    }
    ASSERT_TRUE(store_->Commit(records));
  }

  Stream OpenStream(FakeOutput& output) { return {*store_, "stdout", output.Function(), clock_, "replica-1"}; }

  support::FakeClock clock_;
  StoreOptions options_{.database = support::ScratchDatabase()};
  std::unique_ptr<Store> store_ = support::OpenStore(options_, clock_);
  int committed_ = 0;
  std::string lines_;  // what every committed record comes to
};

TEST_F(StreamTest, WritesEachCommittedRecordOnceAsALine) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(RecordsOf(output.text), "");
  Commit(3);
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(RecordsOf(output.text), lines_);
  Commit(200);
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(RecordsOf(output.text), lines_);
}

TEST_F(StreamTest, GoesOnWhereTheLastRunEnded) {
  FakeOutput output;
  Commit(100);
  ASSERT_TRUE(OpenStream(output).Pump());
  store_.reset();
  store_ = support::OpenStore(options_, clock_);
  Commit(5);
  ASSERT_TRUE(OpenStream(output).Pump());
  EXPECT_EQ(RecordsOf(output.text), lines_);
}

TEST_F(StreamTest, AnOutputThatIsFullTakesTheRestLaterEvenFromTheMiddleOfALine) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(100);
  for (int i = 0; i < 10'000 && RecordsOf(output.text).size() < lines_.size(); ++i) {
    output.room = 997;
    EXPECT_EQ(stream.Pump(), false);
  }
  EXPECT_EQ(RecordsOf(output.text), lines_);
}

TEST_F(StreamTest, ALineThatWasNotTakenWholeIsRepeatedByTheNextRun) {
  FakeOutput first;
  first.room = 300;  // the anchor, and a part of the record
  Commit(1);
  ASSERT_TRUE(OpenStream(first).Pump());
  FakeOutput second;
  ASSERT_TRUE(OpenStream(second).Pump());
  EXPECT_EQ(RecordsOf(second.text), lines_);
}

TEST_F(StreamTest, AFailingOutputIsAnErrorAndLosesNothing) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(3);
  output.fails = true;
  EXPECT_FALSE(stream.Pump());
  EXPECT_FALSE(stream.Pump());
  output.fails = false;
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(RecordsOf(output.text), lines_);
}

TEST_F(StreamTest, AProcessThatDiesAnywhereInABacklogRepeatsAtMostABatch) {
  Commit(10 * static_cast<int>(Stream::kBatchRows));
  std::size_t written = 0;
  std::size_t most_unsaved = 0;
  const auto output = [&](std::string_view bytes) -> base::Result<std::size_t> {
    const std::string records = RecordsOf(std::string(bytes));
    written += static_cast<std::size_t>(std::ranges::count(records, '\n'));
    most_unsaved = std::max(most_unsaved, written - static_cast<std::size_t>(store_->LoadCursor("stdout").value()));
    return bytes.size();
  };
  EXPECT_EQ(Stream(*store_, "stdout", output, clock_, "replica-1").Pump(), false);
  EXPECT_EQ(written, 10 * Stream::kBatchRows);
  EXPECT_EQ(most_unsaved, Stream::kBatchRows);
}

TEST_F(StreamTest, ALongBacklogIsWrittenInParts) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(static_cast<int>(Stream::kMaxPumpRows) + 10);
  EXPECT_EQ(stream.Pump(), true);
  EXPECT_LT(RecordsOf(output.text).size(), lines_.size());
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(RecordsOf(output.text), lines_);
}

TEST_F(StreamTest, ARunBeginsWithAnAnchorOfWhereTheLastOneEnded) {
  FakeOutput output;
  Commit(3);
  ASSERT_TRUE(OpenStream(output).Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0));
  EXPECT_TRUE(output.text.starts_with("{\"anchor\":"));
  FakeOutput next;
  ASSERT_TRUE(OpenStream(next).Pump());
  EXPECT_THAT(AnchorsOf(next.text), testing::ElementsAre(3));
}

TEST_F(StreamTest, AnAnchorTellsWhatTheChainHasComeTo) {
  FakeOutput output;
  Commit(3);
  ASSERT_TRUE(store_->SaveCursor("stdout", 2));
  ASSERT_TRUE(OpenStream(output).Pump());
  const Link link = store_->ReadLink(2).value().value();
  const nlohmann::ordered_json expected = {{"anchor",
                                            {{"time", "2026-11-23T12:00:00.000000Z"},
                                             {"replica", "replica-1"},
                                             {"log", base::ToHex(link.log)},
                                             {"sequence", 2},
                                             {"chain", base::ToHex(View(link.value))},
                                             {"deleted", 0},
                                             {"begins", true}}}};
  EXPECT_EQ(Lines(output.text, true), expected.dump() + "\n");
}

TEST_F(StreamTest, NewRowsAreAnchoredAfterAMinuteAndNothingElse) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  ASSERT_TRUE(stream.Pump());
  Commit(2);
  clock_.Advance(Stream::kAnchorInterval - 1us);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0));
  clock_.Advance(1us);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0, 2));
  clock_.Advance(10 * Stream::kAnchorInterval);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0, 2));
  Commit(1);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0, 2, 3));
  Commit(1);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0, 2, 3));
}

TEST_F(StreamTest, ManyRowsAreAnchoredOnTheWay) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(static_cast<int>(2 * Stream::kAnchorRows) + 10);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0, Stream::kAnchorRows, 2 * Stream::kAnchorRows));
}

TEST_F(StreamTest, AStopEndsWithAnAnchorBehindTheLastRow) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  ASSERT_TRUE(stream.Pump());
  Commit(2);
  stream.Finish();
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0, 2));
  EXPECT_TRUE(output.text.ends_with(Lines(output.text, true).substr(Lines(output.text, true).find('\n') + 1)));
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0, 2));
}

TEST_F(StreamTest, AnAnchorThatIsTakenInPiecesIsOneLine) {
  FakeOutput output;
  output.room = 0;
  Stream stream = OpenStream(output);
  Commit(1);
  for (int i = 0; i < 1000; ++i) {
    output.room = 7;
    ASSERT_TRUE(stream.Pump());
  }
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(0));
  EXPECT_EQ(RecordsOf(output.text), lines_);
}

// Whenever the process dies, what was collected until then allows for all that retention deleted.
TEST_F(StreamTest, RetentionDeletesNothingOfWhichNoAnchorTells) {
  options_.retention_age = 24h;
  options_.retention_bytes = 4 << 20;
  store_.reset();
  store_ = support::OpenStore(options_, clock_);
  FakeOutput output;
  Stream stream = OpenStream(output);
  const std::string log = LogName(options_.database).value();
  const auto check = [&] {
    std::istringstream collected(output.text);
    const auto anchors = ReadAnchors(collected, log).value().anchors;
    const auto found = Verify(options_.database, anchors).value();
    ASSERT_FALSE(found.broken) << found.broken->what;
    ASSERT_TRUE(found.deletions_known);
  };
  const auto look = [&](int looks) {
    for (int i = 0; i < looks; ++i) {
      ASSERT_EQ(stream.Pump(), false);
      check();
      ASSERT_TRUE(store_->Maintain());
      check();
    }
  };
  for (int hour = 0; hour < 40; ++hour) {
    Commit(hour == 3 ? 1500 : hour < 15 ? 50 : 0);
    clock_.Advance(1h);
    look(3);
  }
  EXPECT_EQ(store_->Measure().rows, 0);  // although nothing has come for a day
  EXPECT_EQ(store_->Measure().deleted, 50 * 14 + 1500);
  EXPECT_LT(AnchorsOf(output.text).size(), 100u);

  // When all is quiet, an anchor says exactly how many, and no more of them come.
  clock_.Advance(Stream::kAnchorInterval);
  look(1);
  const nlohmann::json last = nlohmann::json::parse(Lines(output.text, true).substr(Lines(output.text, true).rfind("{\"anchor\"")));
  EXPECT_EQ(last["anchor"]["deleted"], 50 * 14 + 1500);
  const std::size_t before = output.text.size();
  clock_.Advance(10 * Stream::kAnchorInterval);
  look(2);
  EXPECT_EQ(output.text.size(), before);
}

TEST_F(StreamTest, AStopSaysExactlyHowManyAreDeleted) {
  options_.retention_age = 24h;
  store_.reset();
  store_ = support::OpenStore(options_, clock_);
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(300);
  ASSERT_TRUE(stream.Pump());
  clock_.Advance(25h);
  ASSERT_TRUE(store_->Maintain());
  EXPECT_EQ(store_->Measure().rows, 300);
  EXPECT_TRUE(store_->Measure().held_back);
  ASSERT_TRUE(stream.Pump());
  ASSERT_TRUE(store_->Maintain());
  EXPECT_EQ(store_->Measure().rows, 300 - Stream::kDeletionStep);
  stream.Finish();
  ASSERT_TRUE(stream.Pump());
  EXPECT_TRUE(output.text.ends_with("\"deleted\":" + std::to_string(Stream::kDeletionStep) + "}}\n"));
  const std::size_t size = output.text.size();
  ASSERT_TRUE(stream.Pump());
  EXPECT_EQ(output.text.size(), size);
}

// What the last anchor allowed was of a log that has been set aside since.
TEST_F(StreamTest, ALogThatIsBegunAnewDeletesNothingBeforeAnAnchorOfItsOwn) {
  options_.retention_age = 24h;
  store_.reset();
  store_ = support::OpenStore(options_, clock_);
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(300);
  ASSERT_TRUE(stream.Pump());
  clock_.Advance(25h);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(store_->Maintain());
    ASSERT_TRUE(stream.Pump());
  }
  ASSERT_EQ(store_->Measure().deleted, 300);
  Commit(300);
  support::ExecuteOn(options_.database, "PRAGMA wal_checkpoint(TRUNCATE)");
  const auto pages = std::filesystem::file_size(options_.database) / 4096;
  {
    std::fstream file(options_.database, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5 * 4096);
    file << std::string((pages - 5) * 4096, '\xee');
  }
  std::int64_t cursor = 300;
  ASSERT_FALSE(store_->ReadCommitted(&cursor, 1000));
  ASSERT_TRUE(store_->Maintain());
  ASSERT_EQ(store_->Measure().set_aside, 1);

  Commit(300);
  ASSERT_TRUE(stream.Pump());
  clock_.Advance(25h);
  ASSERT_TRUE(store_->Maintain());
  EXPECT_EQ(store_->Measure().deleted, 0);
  ASSERT_TRUE(stream.Pump());
  ASSERT_TRUE(store_->Maintain());
  EXPECT_EQ(store_->Measure().deleted, Stream::kDeletionStep);
}

// Nobody takes the lines: the volume must not fill up for that.
TEST_F(StreamTest, WhatIsFarOverSizeGoesAlthoughNoAnchorTells) {
  options_.retention_bytes = 1 << 20;
  store_.reset();
  store_ = support::OpenStore(options_, clock_);
  FakeOutput output;
  Stream stream = OpenStream(output);
  ASSERT_TRUE(stream.Pump());
  output.room = 0;
  for (int i = 0; i < 50; ++i) {
    Commit(100);
    ASSERT_TRUE(stream.Pump());
    ASSERT_TRUE(store_->Maintain());
  }
  EXPECT_LE(store_->Measure().bytes, options_.retention_bytes + options_.retention_bytes / 32);
  EXPECT_GT(store_->Measure().deleted, 1000);
}

// A row that retention deleted before it was anchored has no value that could be told.
TEST_F(StreamTest, ADeletedRowIsNotAnchoredButTheNextOneIs) {
  options_.retention_age = 1h;
  store_.reset();
  store_ = support::OpenStore(options_, clock_);
  Commit(3);
  ASSERT_TRUE(store_->SaveCursor("stdout", 2));
  clock_.Advance(2h);
  ASSERT_TRUE(store_->Maintain());
  FakeOutput output;
  Stream stream = OpenStream(output);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::IsEmpty());
  Commit(1);
  ASSERT_TRUE(stream.Pump());
  EXPECT_THAT(AnchorsOf(output.text), testing::ElementsAre(4));
}

TEST_F(StreamTest, ADescriptorThatIsFullTakesNothingMoreAndDoesNotBlock) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  Stream stream(*store_, "stdout", DescriptorOutput(ends[1], 0ms), clock_, "replica-1");
  Commit(1000);  // several times what a pipe holds
  EXPECT_EQ(stream.Pump(), false);
  std::string text;
  std::array<char, 8192> buffer{};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  for (int i = 0; i < 10'000 && RecordsOf(text).size() < lines_.size(); ++i) {
    const ssize_t got = read(ends[0], buffer.data(), buffer.size());
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    EXPECT_TRUE(stream.Pump());
  }
  EXPECT_EQ(RecordsOf(text), lines_);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(StreamTest, ADescriptorThatIsGoneIsAnErrorThatNamesIt) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  close(ends[0]);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const auto taken = DescriptorOutput(ends[1], 0ms)("line\n");
  std::signal(SIGPIPE, before);
  close(ends[1]);
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, testing::HasSubstr("descriptor " + std::to_string(ends[1])));
}

}  // namespace
}  // namespace audit
