#include "base/time.h"

#include <gtest/gtest.h>

namespace base {
namespace {

using std::chrono::microseconds;

TEST(Time, FormatsAndParsesTheSameInstant) {
  const std::string text = "2026-11-23T12:00:00.123456Z";
  const auto time = ParseTime(text);
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(FormatTime(*time), text);
  EXPECT_EQ(FormatTimeSeconds(*time), "2026-11-23T12:00:00Z");
}

TEST(Time, ReadsOffsetsFractionsAndDates) {
  EXPECT_EQ(ParseTime("2026-11-23T13:30:00+01:30"), ParseTime("2026-11-23T12:00:00Z"));
  EXPECT_EQ(FormatTime(ParseTime("2026-11-23T12:00:00.5Z").value()), "2026-11-23T12:00:00.500000Z");
  EXPECT_EQ(FormatTime(ParseTime("2026-11-23T12:00:00.1234567891Z").value()), "2026-11-23T12:00:00.123456Z");
  EXPECT_EQ(FormatTime(ParseTime("2028-02-29").value()), "2028-02-29T00:00:00.000000Z");
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2026", "2026-13-01", "2026-02-30", "2026-1-1", "2026-11-23T12:00:00", "2026-11-23T24:00:00Z",
                           "2026-11-23T12:00:00.Z", "2026-11-23T12:00:00Zx", "2026-11-23 ", "now", "2026-11-23T12:00:00+1:00"}) {
    EXPECT_FALSE(ParseTime(text).has_value()) << text;
  }
}

TEST(Time, HasAYearOfFourDigitsInUtcToo) {
  for (const char* text : {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00-00:01", "9999-12-31T23:59:59.999999Z"}) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(ParseTime(FormatTime(*time)), time) << text;
  }
  for (const char* text : {"0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z"}) {
    EXPECT_FALSE(ParseTime(text).has_value()) << text;
  }
}

TEST(Duration, SumsUnitsFromLargeToSmall) {
  EXPECT_EQ(ParseDuration("0s"), microseconds(0));
  EXPECT_EQ(ParseDuration("250ms"), std::chrono::milliseconds(250));
  EXPECT_EQ(ParseDuration("1h30m"), std::chrono::minutes(90));
  EXPECT_EQ(ParseDuration("30d"), std::chrono::hours(720));
  EXPECT_EQ(ParseDuration("1m5ms"), microseconds(60'005'000));
}

TEST(Duration, RefusesWhatIsAmbiguousOrEndless) {
  for (const char* text : {"", "0", "5", "h", "-1s", "+1s", "1.5h", "30m1h", "1h1h", "1 h", "99999999999999999999s", "40000d", "1w"}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
}

TEST(Age, ReadsAsAPersonSaysIt) {
  EXPECT_EQ(FormatAge(std::chrono::seconds(-5)), "0 s");
  EXPECT_EQ(FormatAge(std::chrono::seconds(29)), "29 s");
  EXPECT_EQ(FormatAge(std::chrono::seconds(250)), "4 min");
  EXPECT_EQ(FormatAge(std::chrono::minutes(192)), "3 h 12 min");
  EXPECT_EQ(FormatAge(std::chrono::hours(48)), "2 d");
}

}  // namespace
}  // namespace base
