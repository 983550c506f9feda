#include "http/retry_after.h"

#include <gtest/gtest.h>

namespace http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00.250Z").value();

std::optional<milliseconds> Wait(Headers headers) { return RetryAfter({429, std::move(headers), ""}, kNow); }

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(Wait({{"retry-after", "17"}}), seconds(17));
  EXPECT_EQ(Wait({{"Retry-After", "0"}}), seconds(0));
}

TEST(RetryAfter, ReadsDates) {
  EXPECT_EQ(Wait({{"Retry-After", "Mon, 23 Nov 2026 12:00:30 GMT"}}), milliseconds(29'750));
  EXPECT_EQ(Wait({{"Retry-After", "Mon, 23 Nov 2026 11:59:00 GMT"}}), milliseconds(0));
}

TEST(RetryAfter, MillisecondsComeFirst) {
  EXPECT_EQ(Wait({{"Retry-After", "17"}, {"x-ms-retry-after-ms", "1500"}}), milliseconds(1500));
  EXPECT_EQ(Wait({{"x-ms-retry-after-ms", "1500"}, {"Retry-After-Ms", "20"}}), milliseconds(20));
  EXPECT_EQ(Wait({{"x-ms-retry-after-ms", "soon"}, {"Retry-After", "3"}}), seconds(3));
}

TEST(RetryAfter, IsBounded) {
  EXPECT_EQ(Wait({{"Retry-After", "86400"}}), kMaxRetryAfter);
  EXPECT_EQ(Wait({{"Retry-After", "99999999999999999999999999"}}), kMaxRetryAfter);
  EXPECT_EQ(Wait({{"retry-after-ms", "99999999999999999999999999"}}), kMaxRetryAfter);
  EXPECT_EQ(Wait({{"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"}}), kMaxRetryAfter);
}

TEST(RetryAfter, WhatCannotBeReadIsNothing) {
  EXPECT_EQ(Wait({}), std::nullopt);
  for (const char* value :
       {"", "-1", "1.5", "1 ", "soon", "Mon, 23 Nov 2026 12:00:30", "Mon, 23 Nov 2026 12:00:30 CET", "Mon, 31 Feb 2026 12:00:30 GMT",
        "Mon, 23 Foo 2026 12:00:30 GMT", "Mon, 23 Nov 2026 25:00:30 GMT", "Mon, 23 Nov 20x6 12:00:30 GMT", "2026-11-23T12:00:30Z"}) {
    EXPECT_EQ(Wait({{"Retry-After", value}}), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace http
