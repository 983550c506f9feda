#include "azure/throttle.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kKey = "subscription a";
constexpr const char* kOther = "subscription b";
constexpr const char* kGraph = "resource graph";

// A Throttle in time.
struct Throttled {
  support::FakeClock clock;
  Throttle throttle;

  milliseconds Admit(const std::string& key) { return throttle.Admit(key, clock.Monotonic()); }
  milliseconds Observe(const std::string& key, int status, http::Headers headers) {
    return throttle.Observe(key, {status, std::move(headers), ""}, clock.Now(), clock.Monotonic());
  }
};

TEST(ThrottleKey, TellsSubscriptionsPolicyStatesResourceGraphAndTheTenantApart) {
  EXPECT_EQ(ThrottleKey("/subscriptions/0000000A/providers/Microsoft.ContainerRegistry/registries?api-version=x"), "subscription 0000000a");
  EXPECT_EQ(ThrottleKey("/Subscriptions/0000000a?api-version=x"), "subscription 0000000a");
  EXPECT_EQ(ThrottleKey("/subscriptions/0000000A/providers/microsoft.policyinsights/policyStates/latest/queryResults?x"),
            "policy states of 0000000a");
  EXPECT_EQ(ThrottleKey("/providers/microsoft.resourcegraph/resources?api-version=2021-03-01"), "resource graph");
  EXPECT_EQ(ThrottleKey("/subscriptions?api-version=2022-12-01"), "tenant");
  EXPECT_EQ(ThrottleKey("/"), "tenant");
}

TEST(Throttle, LetsEverythingGoUntilItIsToldOtherwise) {
  Throttled t;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(t.Admit(kKey), milliseconds(0));
  }
  EXPECT_EQ(t.Observe(kKey, 200, {}), milliseconds(0));
  EXPECT_EQ(t.Admit(kKey), milliseconds(0));
}

TEST(Throttle, HoldsBackForTheSecondsOfARetryAfter) {
  Throttled t;
  EXPECT_EQ(t.Observe(kKey, 429, {{"Retry-After", "17"}}), seconds(17));
  EXPECT_EQ(t.Admit(kKey), seconds(17));
  t.clock.Advance(seconds(17) - std::chrono::microseconds(1));
  EXPECT_EQ(t.Admit(kKey), milliseconds(1)) << "rounded up";
  t.clock.Advance(std::chrono::microseconds(1));
  EXPECT_EQ(t.Admit(kKey), milliseconds(0));
}

TEST(Throttle, HoldsBackUntilTheDateOfARetryAfter) {
  Throttled t;  // 2026-11-23T12:00:00Z
  EXPECT_EQ(t.Observe(kKey, 429, {{"Retry-After", "Mon, 23 Nov 2026 12:02:00 GMT"}}), seconds(120));
  t.clock.Advance(seconds(119));
  EXPECT_EQ(t.Admit(kKey), seconds(1));
}

TEST(Throttle, HoldsBackForTheMillisecondsOfAzuresOwnHeader) {
  Throttled t;
  EXPECT_EQ(t.Observe(kKey, 429, {{"retry-after-ms", "2500"}, {"Retry-After", "9"}}), milliseconds(2500));
}

TEST(Throttle, IsNotOpenedByAWallClockThatIsSet) {
  Throttled t;
  t.Observe(kKey, 429, {{"Retry-After", "17"}});
  t.clock.Step(std::chrono::hours(1));
  EXPECT_EQ(t.Admit(kKey), seconds(17));
}

TEST(Throttle, WaitsAfterARefusalThatNamesNoTimeOrNone) {
  Throttled t;
  EXPECT_EQ(t.Observe(kKey, 429, {}), kDefaultRetryAfter);
  EXPECT_EQ(t.Observe(kOther, 429, {{"Retry-After", "0"}}), kMinRetryAfter);
  EXPECT_EQ(t.Observe(kGraph, 429, {{"x-ms-user-quota-resets-after", "00:00:04"}}), seconds(4));
}

TEST(Throttle, HonoursARetryAfterOfAnyFailureAndOfNoSuccess) {
  Throttled t;
  EXPECT_EQ(t.Observe(kKey, 503, {{"Retry-After", "30"}}), seconds(30));
  EXPECT_EQ(t.Observe(kOther, 200, {{"Retry-After", "30"}}), milliseconds(0));
  EXPECT_EQ(t.Observe(kGraph, 500, {}), milliseconds(0));
}

TEST(Throttle, HoldsBackOneSubscriptionAndNoOther) {
  Throttled t;
  t.Observe(kKey, 429, {{"Retry-After", "17"}});
  EXPECT_EQ(t.Admit(kOther), milliseconds(0));
  EXPECT_EQ(t.Admit(kGraph), milliseconds(0));
}

TEST(Throttle, IsNotOpenedByAnAnswerThatComesLate) {
  Throttled t;
  t.Observe(kKey, 429, {{"Retry-After", "60"}});
  t.Observe(kKey, 429, {{"Retry-After", "5"}});
  t.Observe(kKey, 200, {{"x-ms-ratelimit-remaining-subscription-reads", "249"}});
  EXPECT_EQ(t.Admit(kKey), seconds(60));
}

TEST(Throttle, SpreadsCallsTheWiderTheFewerReadsAreLeft) {
  for (const char* header : {"x-ms-ratelimit-remaining-subscription-reads", "x-ms-ratelimit-remaining-subscription-global-reads",
                             "X-MS-RateLimit-Remaining-Tenant-Reads"}) {
    Throttled t;
    EXPECT_EQ(t.Observe(kKey, 200, {{header, "50"}}), milliseconds(0)) << header;
    EXPECT_EQ(t.Observe(kKey, 200, {{header, "49"}}), milliseconds(20)) << header;
    EXPECT_EQ(t.Observe(kKey, 200, {{header, "25"}}), milliseconds(500)) << header;
    EXPECT_EQ(t.Observe(kKey, 200, {{header, "0"}}), milliseconds(1000)) << header;
    EXPECT_EQ(t.Admit(kKey), milliseconds(1000)) << header;
    t.clock.Advance(seconds(1));
    EXPECT_EQ(t.Admit(kKey), milliseconds(0)) << header;
    EXPECT_EQ(t.Admit(kKey), milliseconds(1000)) << header << ": the next one again";
  }
}

TEST(Throttle, GoesByTheScarcestAllowance) {
  Throttled t;
  EXPECT_EQ(
      t.Observe(kKey, 200,
                {{"x-ms-ratelimit-remaining-subscription-reads", "249"}, {"x-ms-ratelimit-remaining-subscription-global-reads", "40"}}),
      milliseconds(200));
}

TEST(Throttle, CountsWhatIsSentBeforeAnAnswerTells) {
  Throttled t;
  t.Observe(kKey, 200, {{"x-ms-ratelimit-remaining-subscription-reads", "52"}});
  EXPECT_EQ(t.Admit(kKey), milliseconds(0));
  EXPECT_EQ(t.Admit(kKey), milliseconds(0));
  EXPECT_EQ(t.Admit(kKey), milliseconds(0));
  EXPECT_EQ(t.Admit(kKey), milliseconds(20));
}

TEST(Throttle, GoesOnAtOnceWhenAnAnswerTellsOfPlenty) {
  Throttled t;
  t.Observe(kKey, 200, {{"x-ms-ratelimit-remaining-subscription-reads", "0"}});
  t.Observe(kKey, 200, {{"x-ms-ratelimit-remaining-subscription-reads", "240"}});
  EXPECT_EQ(t.Admit(kKey), milliseconds(0));
}

TEST(Throttle, KeepsResourceGraphClosedUntilItsWindowEnds) {
  Throttled t;
  EXPECT_EQ(t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", "0"}, {"x-ms-user-quota-resets-after", "00:01:05"}}), seconds(65));
  t.clock.Advance(seconds(64));
  EXPECT_EQ(t.Admit(kGraph), seconds(1));
  t.clock.Advance(seconds(1));
  EXPECT_EQ(t.Admit(kGraph), milliseconds(0));
  EXPECT_EQ(t.Admit(kGraph), milliseconds(0)) << "the quota of the old window says nothing of the new one";
}

TEST(Throttle, SpreadsTheLastQueriesOverTheWindow) {
  Throttled t;
  EXPECT_EQ(t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", "5"}, {"x-ms-user-quota-resets-after", "00:00:05"}}), milliseconds(0));
  EXPECT_EQ(t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", "4"}, {"x-ms-user-quota-resets-after", "00:00:05"}}), seconds(1));
  EXPECT_EQ(t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", "1"}}), milliseconds(2500)) << "a window of 5 s where none is told";
}

TEST(Throttle, NeverUsesMoreThanTheQuotaOfAWindow) {
  Throttled t;
  t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", "7"}, {"x-ms-user-quota-resets-after", "00:00:05"}});
  int sent = 0;
  for (int i = 0; i < 4999; ++i) {
    sent += t.Admit(kGraph).count() == 0 ? 1 : 0;
    t.clock.Advance(milliseconds(1));
  }
  EXPECT_EQ(sent, 7);
}

TEST(Throttle, TakesNoNonsenseForANumber) {
  Throttled t;
  for (const char* nonsense : {"", "-1", "12x", " 3", "99999999999999999999"}) {
    EXPECT_EQ(t.Observe(kKey, 200, {{"x-ms-ratelimit-remaining-subscription-reads", nonsense}}), milliseconds(0)) << nonsense;
    EXPECT_EQ(t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", nonsense}, {"x-ms-user-quota-resets-after", "00:00:05"}}),
              milliseconds(0))
        << nonsense;
  }
  for (const char* nonsense : {"", "5", "00:00:5", "0a:00:05", "00-00-05", "000000:05"}) {
    EXPECT_EQ(t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", "0"}, {"x-ms-user-quota-resets-after", nonsense}}), kQueryWindow)
        << nonsense;
  }
}

TEST(Throttle, IsNotSilencedForGood) {
  Throttled t;
  EXPECT_EQ(t.Observe(kKey, 429, {{"Retry-After", "99999999"}}), std::chrono::hours(1));
  EXPECT_EQ(t.Observe(kGraph, 200, {{"x-ms-user-quota-remaining", "0"}, {"x-ms-user-quota-resets-after", "99:99:99"}}),
            std::chrono::hours(1));
}

}  // namespace
}  // namespace azure
