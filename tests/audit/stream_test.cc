#include "audit/stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <limits>
#include <string>
#include <vector>

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

  Stream OpenStream(FakeOutput& output) { return std::move(Stream::Open(*store_, "stdout", output.Function()).value()); }

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
  EXPECT_EQ(output.text, "");
  Commit(3);
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(output.text, lines_);
  Commit(200);
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(output.text, lines_);
}

TEST_F(StreamTest, GoesOnWhereTheLastRunEnded) {
  FakeOutput output;
  Commit(100);
  ASSERT_TRUE(OpenStream(output).Pump());
  store_.reset();
  store_ = support::OpenStore(options_, clock_);
  Commit(5);
  ASSERT_TRUE(OpenStream(output).Pump());
  EXPECT_EQ(output.text, lines_);
}

TEST_F(StreamTest, AnOutputThatIsFullTakesTheRestLaterEvenFromTheMiddleOfALine) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(100);
  for (int i = 0; i < 10'000 && output.text.size() < lines_.size(); ++i) {
    output.room = 997;
    EXPECT_EQ(stream.Pump(), false);
  }
  EXPECT_EQ(output.text, lines_);
}

TEST_F(StreamTest, ALineThatWasNotTakenWholeIsRepeatedByTheNextRun) {
  FakeOutput first;
  first.room = 10;
  Commit(1);
  ASSERT_TRUE(OpenStream(first).Pump());
  FakeOutput second;
  ASSERT_TRUE(OpenStream(second).Pump());
  EXPECT_EQ(second.text, lines_);
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
  EXPECT_EQ(output.text, lines_);
}

TEST_F(StreamTest, ALongBacklogIsWrittenInParts) {
  FakeOutput output;
  Stream stream = OpenStream(output);
  Commit(static_cast<int>(Stream::kMaxPumpRows) + 10);
  EXPECT_EQ(stream.Pump(), true);
  EXPECT_LT(output.text.size(), lines_.size());
  EXPECT_EQ(stream.Pump(), false);
  EXPECT_EQ(output.text, lines_);
}

TEST_F(StreamTest, ADescriptorThatIsFullTakesNothingMoreAndDoesNotBlock) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  Stream stream = std::move(Stream::Open(*store_, "stdout", DescriptorOutput(ends[1], 0ms)).value());
  Commit(1000);  // several times what a pipe holds
  EXPECT_EQ(stream.Pump(), false);
  std::string text;
  std::array<char, 8192> buffer{};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  for (int i = 0; i < 10'000 && text.size() < lines_.size(); ++i) {
    const ssize_t got = read(ends[0], buffer.data(), buffer.size());
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    EXPECT_TRUE(stream.Pump());
  }
  EXPECT_EQ(text, lines_);
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
