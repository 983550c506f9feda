#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace base {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRefill{100};

int TakeAll(TokenBucket& bucket, TokenBucket::Instant now) {
  int taken = 0;
  while (bucket.Take(now)) {
    ++taken;
  }
  return taken;
}

TEST(TokenBucket, GivesABurstAndThenOneAPeriod) {
  TokenBucket bucket(3, kRefill);
  const TokenBucket::Instant begin(std::chrono::hours(1));
  EXPECT_EQ(TakeAll(bucket, begin), 3);
  EXPECT_EQ(TakeAll(bucket, begin + milliseconds(99)), 0);
  EXPECT_EQ(TakeAll(bucket, begin + milliseconds(100)), 1);
  EXPECT_EQ(TakeAll(bucket, begin + milliseconds(250)), 1);
  EXPECT_EQ(TakeAll(bucket, begin + milliseconds(300)), 1) << "the half period before is not lost";
}

TEST(TokenBucket, IsNeverFullerThanFull) {
  TokenBucket bucket(3, kRefill);
  const TokenBucket::Instant begin{};
  EXPECT_EQ(TakeAll(bucket, begin + std::chrono::hours(1)), 3);
  EXPECT_EQ(TakeAll(bucket, begin + std::chrono::hours(2)), 3);
  EXPECT_TRUE(bucket.Take(begin + std::chrono::hours(4)));
  EXPECT_EQ(TakeAll(bucket, begin + std::chrono::hours(4) + milliseconds(99)), 2) << "a full one saves nothing up";
}

}  // namespace
}  // namespace base
