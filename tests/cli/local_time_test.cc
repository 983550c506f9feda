#include "cli/local_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <string>

#include "tests/audit/sample_records.h"

namespace cli {
namespace {

using support::At;

// In a zone with summer time, an hour or two before UTC.
class LocalTimeTest : public testing::Test {
 protected:
  LocalTimeTest() { SetZone("CET-1CEST,M3.5.0,M10.5.0/3"); }
  ~LocalTimeTest() override { SetZone("UTC"); }

  static void SetZone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }

  static std::string Read(const std::string& text) {
    const auto time = ParseTimeOfPerson("--since", text, At("2026-11-23T13:30:00Z"));
    return time ? base::FormatTimeSeconds(*time) : "error";
  }
};

TEST_F(LocalTimeTest, ATimeWithoutAZoneIsLocal) {
  EXPECT_EQ(Read("2026-11-23 14:00"), "2026-11-23T13:00:00Z");
  EXPECT_EQ(Read("2026-11-23T14:00:30"), "2026-11-23T13:00:30Z");
  EXPECT_EQ(Read("2026-07-01 14:00"), "2026-07-01T12:00:00Z");
}

TEST_F(LocalTimeTest, TodayAndYesterdayBeginAtLocalMidnight) {
  EXPECT_EQ(Read("today"), "2026-11-22T23:00:00Z");
  EXPECT_EQ(Read("Yesterday"), "2026-11-21T23:00:00Z");
  const auto after_the_change = ParseTimeOfPerson("--since", "yesterday", At("2026-10-26T10:00:00Z"));
  EXPECT_EQ(after_the_change, At("2026-10-24T22:00:00Z")) << "a day of 25 hours";
}

TEST_F(LocalTimeTest, WhatHasAZoneAndWhatIsADateAloneIsNot) {
  EXPECT_EQ(Read("2026-11-23T14:00:00Z"), "2026-11-23T14:00:00Z");
  EXPECT_EQ(Read("2026-11-23T14:00:00+02:00"), "2026-11-23T12:00:00Z");
  EXPECT_EQ(Read("2026-11-23"), "2026-11-23T00:00:00Z");
  EXPECT_EQ(Read("90m"), "2026-11-23T12:00:00Z");
}

TEST_F(LocalTimeTest, WhatIsNoTimeIsNamedWithWhatWouldBeOne) {
  for (const char* text : {"tomorrow", "2026-02-30 10:00", "2026-11-23 24:00", "2026-11-23 1:00", "2026-11-23 14:00:60", "2026-11-23 14.00",
                           "2026-11-23_14:00", "2026-13-01 10:00", "-026-11-23 10:00", "2026-11-23 14:00 ", "1h x"}) {
    EXPECT_EQ(Read(text), "error") << text;
  }
  const auto error = ParseTimeOfPerson("--until", "tomorrow", {});
  EXPECT_THAT(error.error().ToString(), testing::HasSubstr("--until tomorrow: is no time; give a duration"));
}

TEST_F(LocalTimeTest, IsWrittenWithItsZone) {
  EXPECT_EQ(FormatLocalTime(At("2026-11-23T13:30:00.999999Z")), "2026-11-23 14:30:00");
  EXPECT_EQ(FormatLocalTimeAndZone(At("2026-07-01T13:30:00Z")), "2026-07-01 15:30:00 +02:00");
  EXPECT_EQ(LocalMidnight(At("2026-11-23T13:30:00Z")), At("2026-11-22T23:00:00Z"));
}

}  // namespace
}  // namespace cli
