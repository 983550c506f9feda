#include "cli/record_lines.h"

#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/record.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> LinesOf(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  EXPECT_TRUE(ForEachRecordLine(in, [&](std::string_view line) { lines.emplace_back(line); }));
  return lines;
}

// The line of a record with this uid, as far as it matters here.
std::string LineOf(const std::string& uid) { return R"({"time":"2026-11-23T12:00:00.123456Z","uid":")" + uid + "\"}"; }

TEST(RecordLines, AreThoseThatBeginAsARecordDoes) {
  const std::string diagnostic = R"({"time":"2026-11-23T12:00:00.123456Z","level":"info","message":"\"uid\":"})";
  EXPECT_THAT(LinesOf(LineOf("a") + "\n{\"anchor\":{}}\n\n" + diagnostic + "\nI " + LineOf("x") + "\n{\"time\":\"\"}\n" + LineOf("b")),
              ElementsAre(LineOf("a"), LineOf("b")));
  EXPECT_THAT(LinesOf(""), SizeIs(0));
  EXPECT_THAT(LinesOf("\n"), SizeIs(0));
}

TEST(RecordLines, ThatStandThereTwiceCountOnce) {
  EXPECT_THAT(LinesOf(LineOf("a") + "\n" + LineOf("b") + "\n" + LineOf("a") + "\n" + LineOf("c") + "\n"),
              ElementsAre(LineOf("a"), LineOf("b"), LineOf("c")));
}

TEST(RecordLines, AreAsLongAsARecordMayBe) {
  const std::string longest = LineOf(std::string(audit::kMaxRecordBytes - LineOf("").size(), 'x'));
  ASSERT_EQ(longest.size(), audit::kMaxRecordBytes);
  EXPECT_THAT(LinesOf(longest + "\n" + LineOf("b") + "\n"), ElementsAre(longest, LineOf("b")));
  const std::vector<std::string> lines = LinesOf(LineOf(std::string(1 << 20, 'x')) + "\n" + LineOf("b") + "\n");
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_LE(lines[0].size(), audit::kMaxRecordBytes + 1);
  EXPECT_EQ(lines[1], LineOf("b"));
}

TEST(RecordLines, HoldWhateverBytes) {
  const std::string line = LineOf(std::string("a\0b", 3));
  EXPECT_THAT(LinesOf(line + "\n"), ElementsAre(line));
}

}  // namespace
}  // namespace cli
