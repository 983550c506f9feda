#include "kube/api_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/retry_after.h"
#include "tests/support/fake_clock.h"
#include "tests/support/kubernetes_status.h"
#include "tests/support/scripted_http.h"

namespace kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using Kind = ApiError::Kind;

ApiError Read(const http::Response& response) { return ReadApiError(response, support::FakeClock().Now()); }

TEST(ApiError, KindsFollowStatusAndReason) {
  const auto kind = [](int status, const char* reason) { return Read(support::Status(status, reason, "What happened.")).kind; };
  EXPECT_EQ(kind(400, "BadRequest"), Kind::kRejected);
  EXPECT_EQ(kind(401, "Unauthorized"), Kind::kUnauthorized);
  EXPECT_EQ(kind(403, "Forbidden"), Kind::kForbidden);
  EXPECT_EQ(kind(404, "NotFound"), Kind::kNotFound);
  EXPECT_EQ(kind(405, "MethodNotAllowed"), Kind::kRejected);
  EXPECT_EQ(kind(408, ""), Kind::kUnavailable);
  EXPECT_EQ(kind(409, "AlreadyExists"), Kind::kAlreadyExists);
  EXPECT_EQ(kind(409, "Conflict"), Kind::kConflict);
  EXPECT_EQ(kind(410, "Expired"), Kind::kExpired);
  EXPECT_EQ(kind(410, "Gone"), Kind::kExpired);
  EXPECT_EQ(kind(415, "UnsupportedMediaType"), Kind::kRejected);
  EXPECT_EQ(kind(422, "Invalid"), Kind::kInvalid);
  EXPECT_EQ(kind(429, "TooManyRequests"), Kind::kTooManyRequests);
  EXPECT_EQ(kind(500, "InternalError"), Kind::kUnavailable);
  EXPECT_EQ(kind(503, "ServiceUnavailable"), Kind::kUnavailable);
  EXPECT_EQ(kind(504, "Timeout"), Kind::kUnavailable);
}

TEST(ApiError, AnApiThatNobodyServesIsNotAnObjectThatIsGone) {
  EXPECT_EQ(Read(support::NotServed()).kind, Kind::kRejected);
  EXPECT_EQ(Read({404, {}, R"({"kind":"Page","reason":"NotFound"})"}).kind, Kind::kRejected);
}

TEST(ApiError, SaysWhatTheServerSaid) {
  const ApiError error = Read(support::NotFoundStatus("secrets", "tls"));
  EXPECT_EQ(error.status, 404);
  EXPECT_EQ(error.reason, "NotFound");
  EXPECT_EQ(error.message, R"(secrets "tls" not found)");
  EXPECT_EQ(error.ToString(), R"(the API server answered 404 NotFound: secrets "tls" not found)");
}

TEST(ApiError, TextFromOutsideIsBoundedAndPrintable) {
  const ApiError error = Read(support::Status(422, std::string(1000, 'r'), "a\nb\x1b[31m" + std::string(100'000, 'm')));
  EXPECT_THAT(error.message, HasSubstr("a?b?[31mmm"));
  EXPECT_LE(error.message.size(), 1024U);
  EXPECT_LE(error.reason.size(), 128U);
}

TEST(ApiError, WhatIsNoStatusIsStillAnError) {
  for (const char* body : {"", "<html>", "[]", "{}", R"({"kind":"Status","message":7,"reason":[]})"}) {
    const ApiError error = Read({502, {}, body});
    EXPECT_EQ(error.kind, Kind::kUnavailable);
    EXPECT_EQ(error.ToString(), "the API server answered 502: no message of the API's");
  }
  EXPECT_THAT(Read({302, {{"Location", "https://elsewhere"}}, ""}).message, HasSubstr("redirect"));
}

TEST(ApiError, TellsHowLongToWait) {
  EXPECT_EQ(Read(support::TooManyRequestsStatus(7)).retry_after, seconds(7));
  EXPECT_EQ(Read(support::Status(503, "ServiceUnavailable", "x", {{"Retry-After", "1"}})).retry_after, seconds(1));
  EXPECT_EQ(Read(support::Status(503, "ServiceUnavailable", "x")).retry_after, milliseconds(0));
  const auto details = [](const std::string& told) {
    return Read({429, {}, R"({"kind":"Status","details":{"retryAfterSeconds":)" + told + "}}"}).retry_after;
  };
  EXPECT_EQ(details("3"), seconds(3));
  EXPECT_EQ(details("-3"), seconds(0));
  EXPECT_EQ(details("\"3\""), seconds(0));
  EXPECT_EQ(details("99999999"), http::kMaxRetryAfter);
}

TEST(ApiError, KnowsWhichVerbIsMissing) {
  support::KubernetesCall call;
  call.type.resource = "secrets";
  call.namespace_name = "acr";
  EXPECT_EQ(MissingVerb(Read(support::ForbiddenStatus(call, "get", "u"))), "get");
  EXPECT_EQ(MissingVerb(Read(support::Status(403, "Forbidden", "pods \"x\" is forbidden: exceeded quota: small"))), "");
  EXPECT_EQ(MissingVerb(Read(support::Status(403, "Forbidden", "forbidden: User \"u\" cannot get path \"/x\""))), "");
  EXPECT_EQ(MissingVerb(Read(support::Status(403, "Forbidden", "User cannot "))), "");
  EXPECT_EQ(MissingVerb(Read(support::Status(500, "", "User cannot get resource "))), "");
}

}  // namespace
}  // namespace kube
