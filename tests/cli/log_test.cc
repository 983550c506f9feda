#include "cli/log.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cli {
namespace {

TEST(LogLine, IsOneJsonObject) {
  const base::Time time = base::ParseTime("2026-11-23T12:00:00.5Z").value();
  EXPECT_EQ(FormatLogLine(time, base::LogLevel::kWarning, "policy.yaml:3:1: bad"),
            R"({"time":"2026-11-23T12:00:00.500000Z","level":"warning","message":"policy.yaml:3:1: bad"})");
}

TEST(LogLine, StaysOneLineOfJsonWhateverTheMessage) {
  const std::string line = FormatLogLine({}, base::LogLevel::kError, "a\n\"b\"\xff\x1b");
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto value = base::ParseJson(line, "line");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ((*value)["message"], "a\n\"b\"\uFFFD\x1b");
}

TEST(Log, WritesLinesOfTheLeastLevelAndAbove) {
  ::testing::internal::CaptureStderr();
  const base::Log log = MakeLog(base::LogLevel::kWarning);
  log(base::LogLevel::kInfo, "not this");
  log(base::LogLevel::kWarning, "{this} %s");
  log(base::LogLevel::kError, "and this");
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("not this"), std::string::npos);
  EXPECT_NE(text.find("\"level\":\"warning\",\"message\":\"{this} %s\"}\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\"level\":\"error\",\"message\":\"and this\"}\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace cli
