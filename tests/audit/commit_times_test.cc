#include "audit/commit_times.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace audit {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::steady_clock::time_point kBegin{};

TEST(CommitTimes, SayNothingOfRowsFromBefore) {
  CommitTimes times(70, 24h);
  EXPECT_EQ(times.Aged(kBegin), 70);
  times.Committed(71, kBegin);
  EXPECT_EQ(times.Aged(kBegin + 24h - 1us), 70);
  EXPECT_EQ(times.Aged(kBegin + 24h), 71);
}

TEST(CommitTimes, AreOfTheLastOfAPart) {
  CommitTimes times(0, 64h);
  times.Committed(1, kBegin);
  times.Committed(2, kBegin + 1h - 1us);
  times.Committed(3, kBegin + 1h);
  EXPECT_EQ(times.Aged(kBegin + 65h - 2us), 0);
  EXPECT_EQ(times.Aged(kBegin + 65h - 1us), 2);
  EXPECT_EQ(times.Aged(kBegin + 65h), 3);
}

// Row i is of the hour i: never too early, and late by a part at most.
TEST(CommitTimes, HoldForAsLongAsARunLasts) {
  CommitTimes times(0, 720h);
  for (int hour = 1; hour <= 10'000; ++hour) {
    times.Committed(hour, kBegin + 1h * hour);
    ASSERT_LE(times.Aged(kBegin + 1h * hour), std::max(0, hour - 720));
    ASSERT_GE(times.Aged(kBegin + 1h * hour), hour - 720 - 12);
  }
}

}  // namespace
}  // namespace audit
