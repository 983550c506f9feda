#include "audit/anchor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/hex.h"
#include "tests/audit/sample_records.h"

namespace audit {
namespace {

const std::string kLog(16, '\x1f');

std::string LineOf(std::int64_t sequence, char value = 'v', const std::string& log = kLog, const char* time = "2026-11-23T12:00:00Z") {
  Link link{log, sequence, {}};
  link.value.fill(value);
  return AnchorLine(link, support::At(time), "replica-1") + "\n";
}

Anchors Read(const std::string& text) {
  std::istringstream in(text);
  auto read = ReadAnchors(in, kLog);
  EXPECT_TRUE(read) << read.error().ToString();
  return read.value_or(Anchors());
}

TEST(Anchors, AreReadAsTheyWereWritten) {
  const Anchors read = Read(LineOf(7));
  ASSERT_EQ(read.anchors.size(), 1u);
  EXPECT_EQ(read.anchors[0].sequence, 7);
  EXPECT_EQ(View(read.anchors[0].value), std::string(32, 'v'));
  EXPECT_EQ(read.anchors[0].time, "2026-11-23T12:00:00.000000Z");
  EXPECT_EQ(read.anchors[0].replica, "replica-1");
  EXPECT_EQ(read.unreadable, 0);
}

TEST(Anchors, SayHowMuchRetentionDeletesOrAreOfAnOlderVersion) {
  const Link link{kLog, 7, {}};
  const base::Time time = support::At("2026-11-23T12:00:00Z");
  const std::string first = AnchorLine(link, time, "r", Deletions{12, true});
  const std::string second = AnchorLine(link, time + std::chrono::seconds(1), "r", Deletions{13, false});
  EXPECT_TRUE(first.ends_with(R"(","deleted":12,"begins":true}})")) << first;
  EXPECT_TRUE(second.ends_with(R"(","deleted":13}})")) << second;
  const Anchors read = Read(second + "\n" + first + "\n" + LineOf(8) + second + "\n");
  ASSERT_EQ(read.anchors.size(), 3u);  // of one record in the order of times
  EXPECT_EQ(read.anchors[0].deletions->at_most, 12);
  EXPECT_TRUE(read.anchors[0].deletions->first_of_run);
  EXPECT_EQ(read.anchors[1].deletions->at_most, 13);
  EXPECT_FALSE(read.anchors[1].deletions->first_of_run);
  EXPECT_FALSE(read.anchors[2].deletions);
  std::string spoilt = first;
  spoilt.replace(spoilt.find("12,"), 2, "\"1\"");
  EXPECT_EQ(Read(spoilt + "\n").unreadable, 1);
}

TEST(Anchors, ComeInTheOrderOfRecordsAndOnce) {
  const Anchors read = Read(LineOf(7) + LineOf(3) + LineOf(7) + LineOf(7, 'w'));
  ASSERT_EQ(read.anchors.size(), 3u);  // two that contradict each other are both there
  EXPECT_EQ(read.anchors[0].sequence, 3);
  EXPECT_EQ(read.anchors[1].sequence, 7);
  EXPECT_EQ(read.anchors[2].sequence, 7);
}

TEST(Anchors, StandBetweenRecordsOfAnyLength) {
  const std::string record = R"({"time":"…","padding":")" + std::string(100'000, 'x') + "\"}\n";
  const Anchors read = Read(record + LineOf(1) + record + record + LineOf(2) + "\n" + record);
  EXPECT_EQ(read.anchors.size(), 2u);
  EXPECT_EQ(read.unreadable, 0);
}

// What a user has put into a record must never count as an anchor.
TEST(Anchors, AreNoneInsideALine) {
  std::string inside = LineOf(1);
  EXPECT_TRUE(Read("x" + inside).anchors.empty());
  EXPECT_TRUE(Read(std::string(2047, ' ') + inside).anchors.empty());  // where the line is read in pieces
  EXPECT_TRUE(Read(std::string(2048, ' ') + inside).anchors.empty());
  EXPECT_TRUE(Read(std::string(4096, ' ') + inside).anchors.empty());
}

TEST(Anchors, OfOtherLogsAreToldApartByTheirLast) {
  const std::string other(16, '\x2f');
  const Anchors read = Read(LineOf(5, 'v', other) + LineOf(7) + LineOf(9, 'v', other));
  EXPECT_EQ(read.anchors.size(), 1u);
  ASSERT_EQ(read.other_logs.size(), 1u);
  EXPECT_EQ(read.other_logs.at(base::ToHex(other)).sequence, 9);
}

TEST(Anchors, ThatCannotBeReadAreCounted) {
  const std::string line = LineOf(1);
  const std::string begun = line.substr(0, 40);
  for (const std::string& text : {begun + "\n", begun, begun + line, std::string("{\"anchor\":7}\n"), std::string("{\"anchor\":{}}\n"),
                                  std::string(R"({"anchor":{"log":"1f","sequence":"1","chain":"00"}})"),
                                  "{\"anchor\":{\"replica\":\"" + std::string(4000, 'x') + "\n"}) {
    const Anchors read = Read(text);
    EXPECT_TRUE(read.anchors.empty()) << text;
    EXPECT_EQ(read.unreadable, 1) << text;
  }
}

TEST(Anchors, WithoutAValueOfTheRightLengthCannotBeRead) {
  std::string line = LineOf(1);
  line.erase(line.find("7676"), 2);
  EXPECT_EQ(Read(line).unreadable, 1);
}

}  // namespace
}  // namespace audit
