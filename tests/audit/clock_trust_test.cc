#include "audit/clock_trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace audit {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class ClockTrustTest : public testing::Test {
 protected:
  ClockTrust Begin(std::optional<base::Time> newest = std::nullopt) { return {clock_.Now(), clock_.Monotonic(), newest}; }
  bool Trusts(ClockTrust& trust) {
    trust.Look(clock_.Now(), clock_.Monotonic());
    return !trust.doubt();
  }

  support::FakeClock clock_;
};

TEST_F(ClockTrustTest, AClockThatGoesOnIsBelieved) {
  ClockTrust trust = Begin();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(1h);
    EXPECT_TRUE(Trusts(trust));
  }
  clock_.Step(ClockTrust::kStep);
  EXPECT_TRUE(Trusts(trust));
}

TEST_F(ClockTrustTest, AStepInEitherDirectionIsDoubtedForAnHour) {
  for (const auto by : {ClockTrust::kStep + 1us, -(ClockTrust::kStep + 1us)}) {
    ClockTrust trust = Begin();
    clock_.Step(by);
    EXPECT_FALSE(Trusts(trust));
    EXPECT_THAT(*trust.doubt(), HasSubstr(by.count() > 0 ? "0 h 5 min ahead, to 20" : "0 h 5 min back, to 20"));
    clock_.Advance(1h - 1us);
    EXPECT_FALSE(Trusts(trust));
    clock_.Advance(1us);
    EXPECT_TRUE(Trusts(trust));
  }
}

TEST_F(ClockTrustTest, EachStepBeginsTheHourAnew) {
  ClockTrust trust = Begin();
  for (int i = 0; i < 10; ++i) {
    clock_.Step(i % 2 == 0 ? 24h : -24h);
    EXPECT_FALSE(Trusts(trust));
    clock_.Advance(59min);
    EXPECT_FALSE(Trusts(trust));
  }
}

TEST_F(ClockTrustTest, ManySmallStepsAreOne) {
  ClockTrust trust = Begin();
  bool doubted = false;
  for (int i = 0; i < 600; ++i) {
    clock_.Advance(1s);
    clock_.Step(1s);
    doubted = doubted || !Trusts(trust);
  }
  EXPECT_TRUE(doubted);
}

TEST_F(ClockTrustTest, AClockThatDriftsIsBelieved) {
  ClockTrust trust = Begin();
  for (int i = 0; i < 24 * 365; ++i) {
    clock_.Advance(1h);
    clock_.Step(2s);  // 500 in a million, what is slewed at most
    ASSERT_TRUE(Trusts(trust));
  }
}

TEST_F(ClockTrustTest, AStartFarBehindTheNewestRecordIsDoubtedForAnHour) {
  ClockTrust trust = Begin(clock_.Now() - ClockTrust::kAbsence - 1us);
  EXPECT_THAT(trust.doubt().value_or(""), HasSubstr("24 h 0 min after the newest record"));
  clock_.Advance(1h);
  EXPECT_TRUE(Trusts(trust));
}

TEST_F(ClockTrustTest, AStartWithinADayOrBeforeTheNewestRecordIsBelieved) {
  EXPECT_FALSE(Begin(clock_.Now() - ClockTrust::kAbsence).doubt());
  EXPECT_FALSE(Begin(clock_.Now() + 1000h).doubt());
}

}  // namespace
}  // namespace audit
