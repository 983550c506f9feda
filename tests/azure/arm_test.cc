#include "azure/arm.h"

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/azure/arm_world.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using Kind = ArmError::Kind;

constexpr const char* kTarget = "/subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg?api-version=2021-04-01";
constexpr const char* kOtherTarget = "/subscriptions/00000000-0000-0000-0000-00000000000b/resourceGroups/rg?api-version=2021-04-01";
constexpr const char* kGraphTarget = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";

http::Response Fine() { return support::JsonResponse(200, R"({"name":"rg"})"); }

std::string ReadData(const std::string& name) {
  std::ifstream file(std::string(ACR_TEST_DATA) + "/azure/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Arm, SendsAGetWithATokenAndReadsTheAnswer) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  const ArmResult<json> answer = world.arm.Get(kTarget, kDeadline);
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(*answer, (json{{"name", "rg"}}));
  const std::vector<http::Request> requests = world.http.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[0].url, std::string(kArmOrigin) + kTarget);
  EXPECT_THAT(requests[0].headers, ElementsAre(Pair("Authorization", "Bearer token-1"), Pair("Accept", "application/json")));
  EXPECT_EQ(requests[0].body, "");
  EXPECT_EQ(requests[0].deadline, kDeadline);
  EXPECT_EQ(requests[0].max_response_bytes, kMaxArmAnswerBytes);
  EXPECT_TRUE(requests[0].use_proxy);
  EXPECT_THAT(world.source.scopes, ElementsAre("https://management.azure.com/.default"));
}

TEST(Arm, SendsAPostWithItsBody) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  ASSERT_TRUE(world.arm.Post(kGraphTarget, json{{"query", "resources"}}, kDeadline));
  const std::vector<http::Request> requests = world.http.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].url, std::string(kArmOrigin) + kGraphTarget);
  EXPECT_EQ(requests[0].body, R"({"query":"resources"})");
  EXPECT_THAT(requests[0].headers, ElementsAre(Pair("Authorization", "Bearer token-1"), Pair("Accept", "application/json"),
                                               Pair("Content-Type", "application/json")));
}

TEST(Arm, FollowsALinkOnItsOwnHost) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  ASSERT_TRUE(world.arm.Get(std::string("HTTPS://Management.Azure.com:443") + kTarget, kDeadline));
  EXPECT_THAT(world.Sent(), ElementsAre(std::string("GET ") + kTarget));
}

TEST(Arm, SendsNothingToAnotherHost) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  for (const char* target : {"https://management.azure.com.evil.example/a", "https://evil.example/management.azure.com",
                             "https://management.azure.com@evil.example/a", "https://management.azure.com:8443/a",
                             "http://management.azure.com/a", "//evil.example/a b", "@evil.example/a", ".evil.example/a", ":8443/a", "",
                             "https://management.azure.com\\@evil.example/a", "/a\r\nHost: evil.example"}) {
    const ArmResult<json> answer = world.arm.Get(target, kDeadline);
    ASSERT_FALSE(answer) << target;
    EXPECT_EQ(answer.error().kind, Kind::kRejected) << target;
  }
  EXPECT_THAT(world.Sent(), IsEmpty());
  EXPECT_THAT(world.source.scopes, IsEmpty());
  EXPECT_THAT(world.arm.Get("https://evil.example/a", kDeadline).error().message, HasSubstr("evil.example:443"));
}

TEST(Arm, KeepsADoubleSlashOnItsOwnHost) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  ASSERT_TRUE(world.arm.Get("//evil.example/a", kDeadline));
  EXPECT_EQ(world.http.requests().at(0).url, "https://management.azure.com//evil.example/a");
}

TEST(Arm, SendsNothingWhereTheCloudsAddressIsNone) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  Arm arm(Cloud{"Custom", "management.example", "https://login.example", {}}, world.tokens, world.http, world.clock);
  EXPECT_EQ(arm.Get(kTarget, kDeadline).error().kind, Kind::kRejected);
  EXPECT_EQ(arm.Get("https://management.azure.com/a", kDeadline).error().kind, Kind::kRejected);
  EXPECT_THAT(world.Sent(), IsEmpty());
}

TEST(Arm, TriesOnceMoreWithAFreshTokenAfterA401) {
  ArmWorld world([](const http::Request& request) {
    return request.headers[0].second == "Bearer token-1" ? ArmFailure(401, "ExpiredAuthenticationToken") : Fine();
  });
  EXPECT_TRUE(world.arm.Get(kTarget, kDeadline));
  EXPECT_EQ(world.http.requests().size(), 2U);
  EXPECT_EQ(world.http.requests()[1].headers[0].second, "Bearer token-2");
  EXPECT_TRUE(world.arm.Get(kTarget, kDeadline));
  EXPECT_EQ(world.source.scopes.size(), 2U) << "the fresh token is kept";
}

TEST(Arm, GivesUpWhenTheFreshTokenIsRefusedToo) {
  ArmWorld world([](const http::Request&) { return ArmFailure(401, "InvalidAuthenticationTokenTenant"); });
  const ArmResult<json> answer = world.arm.Get(kTarget, kDeadline);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::kForbidden);
  EXPECT_EQ(answer.error().status, 401);
  EXPECT_EQ(answer.error().code, "InvalidAuthenticationTokenTenant");
  EXPECT_THAT(answer.error().remedy, HasSubstr("workload identity 0b8f of tenant 72f9"));
  EXPECT_EQ(world.http.requests().size(), 2U);
}

TEST(Arm, SendsARefusedTokenNoSecondTime) {
  ArmWorld world([](const http::Request&) { return ArmFailure(401, "InvalidAuthenticationTokenTenant"); });
  EXPECT_FALSE(world.arm.Get(kTarget, kDeadline));
  ASSERT_EQ(world.http.requests().size(), 2U);
  const ArmResult<json> answer = world.arm.Get(kOtherTarget, kDeadline);  // so soon the cache fetches no third token
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::kForbidden);
  EXPECT_THAT(answer.error().remedy, HasSubstr("tenant and the cloud"));
  EXPECT_EQ(world.http.requests().size(), 3U);
  EXPECT_EQ(world.source.scopes.size(), 2U);
}

TEST(Arm, HoldsTheSecondAttemptBackToo) {
  ArmWorld world([](const http::Request&) { return ArmFailure(401, "ExpiredAuthenticationToken", {{"Retry-After", "5"}}); });
  EXPECT_EQ(world.arm.Get(kTarget, kDeadline).error().kind, Kind::kThrottled);
  EXPECT_EQ(world.http.requests().size(), 1U);
}

TEST(Arm, TellsKindsOfFailureApart) {
  const struct {
    int status;
    const char* code;
    Kind kind;
  } kCases[] = {
      {404, "ResourceNotFound", Kind::kNotFound},
      {404, "ResourceGroupNotFound", Kind::kNotFound},
      {404, "SubscriptionNotFound", Kind::kNotFound},
      {404, "resourcenotfound", Kind::kNotFound},
      {404, "InvalidResourceType", Kind::kRejected},
      {404, "InvalidResourceNamespace", Kind::kRejected},
      {404, "", Kind::kUnavailable},
      {403, "AuthorizationFailed", Kind::kForbidden},
      {429, "TooManyRequests", Kind::kThrottled},
      {408, "RequestTimeout", Kind::kUnavailable},
      {500, "InternalServerError", Kind::kUnavailable},
      {502, "", Kind::kUnavailable},
      {503, "ServerTimeout", Kind::kUnavailable},
      {400, "InvalidApiVersionParameter", Kind::kRejected},
      {409, "Conflict", Kind::kRejected},
      {301, "", Kind::kUnavailable},
      {304, "", Kind::kUnavailable},
  };
  for (const auto& c : kCases) {
    ArmWorld world([&](const http::Request&) { return ArmFailure(c.status, c.code); });
    const ArmResult<json> answer = world.arm.Get(kTarget, kDeadline);
    ASSERT_FALSE(answer) << c.status;
    EXPECT_EQ(answer.error().kind, c.kind) << c.status << " " << c.code;
    EXPECT_EQ(answer.error().status, c.status);
    EXPECT_EQ(answer.error().code, c.code);
    EXPECT_EQ(world.http.requests().size(), 1U) << c.status;
  }
}

TEST(Arm, ReadsRecordedErrorsOfBothShapes) {
  const struct {
    const char* file;
    int status;
    Kind kind;
    const char* code;
    const char* message;
  } kCases[] = {
      {"error_404_arm-gateway.json", 404, Kind::kNotFound, "ResourceNotFound", "The Resource 'Microsoft.ContainerRegistry/registries/"},
      {"error_404_rp.json", 404, Kind::kNotFound, "ResourceNotFound", "The resource acr-token-scope-map could not be found."},
      {"error_400_rp_2026-09-01-preview.json", 400, Kind::kRejected, "BadRequest", "dual stack"},
  };
  for (const auto& c : kCases) {
    const std::string body = ReadData(c.file);
    ArmWorld world([&](const http::Request&) { return support::JsonResponse(c.status, body); });
    const ArmResult<json> answer = world.arm.Get(kTarget, kDeadline);
    ASSERT_FALSE(answer) << c.file;
    EXPECT_EQ(answer.error().kind, c.kind) << c.file;
    EXPECT_EQ(answer.error().code, c.code) << c.file;
    EXPECT_THAT(answer.error().message, HasSubstr(c.message)) << c.file;
  }
}

TEST(Arm, TakesA404ThatIsNotResourceManagersForAFailure) {
  for (const char* body : {"<html>Not Found</html>", "", "[]", R"({"error":"not found"})", R"({"error":{"code":404}})"}) {
    ArmWorld world([&](const http::Request&) { return support::JsonResponse(404, body); });
    EXPECT_EQ(world.arm.Get(kTarget, kDeadline).error().kind, Kind::kUnavailable) << body;
  }
}

TEST(Arm, NeverFollowsARedirect) {
  ArmWorld world([](const http::Request&) { return http::Response{302, {{"Location", "https://evil.example/"}}, ""}; });
  const ArmResult<json> answer = world.arm.Get(kTarget, kDeadline);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("redirect"));
  EXPECT_EQ(world.http.requests().size(), 1U);
}

TEST(Arm, TakesASuccessThatIsNoObjectForAFailure) {
  for (const char* body : {"", "<html></html>", "[]", "null", R"({"a":1)", R"({"a":1,"a":2})", "{}{}"}) {
    ArmWorld world([&](const http::Request&) { return support::JsonResponse(200, body); });
    const ArmResult<json> answer = world.arm.Get(kTarget, kDeadline);
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().kind, Kind::kUnavailable) << body;
  }
}

TEST(Arm, TellsWhatResourceManagerSaidAndWhoCanLookItUp) {
  ArmWorld world([](const http::Request&) {
    return ArmFailure(403, "AuthorizationFailed", {{"x-ms-request-id", "request-7"}, {"X-Ms-Correlation-Request-Id", "correlation-7"}});
  });
  const ArmError error = world.arm.Get(kTarget, kDeadline).error();
  EXPECT_EQ(error.correlation_id, "correlation-7");
  EXPECT_EQ(error.ToString(), "Azure answered 403 AuthorizationFailed: What happened. (correlation id correlation-7)");

  ArmWorld other([](const http::Request&) { return ArmFailure(500, "", {{"x-ms-request-id", "request-7"}}); });
  EXPECT_EQ(other.arm.Get(kTarget, kDeadline).error().ToString(), "Azure answered 500: What happened. (correlation id request-7)");
}

TEST(Arm, BoundsAndCleansWhatItRepeats) {
  const json body = {{"error", {{"code", std::string(5000, 'c')}, {"message", "a\x1b[31m\r\n" + std::string(5000, 'm')}}}};
  ArmWorld world(
      [&](const http::Request&) { return support::JsonResponse(400, body.dump(), {{"x-ms-request-id", std::string(5000, 'i')}}); });
  const ArmError error = world.arm.Get(kTarget, kDeadline).error();
  EXPECT_LE(error.code.size(), 128U);
  EXPECT_LE(error.message.size(), 1024U);
  EXPECT_LE(error.correlation_id.size(), 64U);
  EXPECT_TRUE(error.message.starts_with("a?[31m??mmm")) << error.message.substr(0, 20);
}

TEST(Arm, PassesOnThatNoAnswerCame) {
  ArmWorld world(
      [](const http::Request&) { return base::Fail(base::ErrorCode::kUnavailable, "management.azure.com: connecting: refused"); });
  const ArmError error = world.arm.Get(kTarget, kDeadline).error();
  EXPECT_EQ(error.kind, Kind::kUnavailable);
  EXPECT_EQ(error.status, 0);
  EXPECT_EQ(error.ToString(), "management.azure.com: connecting: refused");
}

TEST(Arm, BoundsTheAnswer) {
  ArmWorld world([](const http::Request& request) -> base::Result<http::Response> {
    const std::string body(kMaxArmAnswerBytes + 1, ' ');
    if (body.size() > request.max_response_bytes) {
      return base::Fail(base::ErrorCode::kUnavailable, "management.azure.com: the answer is too large");
    }
    return support::JsonResponse(200, "{}");
  });
  EXPECT_EQ(world.arm.Get(kTarget, kDeadline).error().kind, Kind::kUnavailable);
}

TEST(Arm, SendsNothingWithinARetryAfter) {
  ArmWorld world([](const http::Request&) { return ArmFailure(429, "TooManyRequests", {{"Retry-After", "17"}}); });
  const ArmError told = world.arm.Get(kTarget, kDeadline).error();
  EXPECT_EQ(told.kind, Kind::kThrottled);
  EXPECT_EQ(told.status, 429);
  EXPECT_EQ(told.retry_after, seconds(17));
  for (int second = 0; second < 17; ++second) {
    const ArmError held = world.arm.Get(kTarget, kDeadline).error();
    EXPECT_EQ(held.kind, Kind::kThrottled);
    EXPECT_EQ(held.status, 0) << "nothing was sent";
    EXPECT_EQ(held.retry_after, seconds(17 - second));
    world.clock.Advance(seconds(1));
  }
  EXPECT_EQ(world.http.requests().size(), 1U);
  EXPECT_EQ(world.arm.Get(kTarget, kDeadline).error().status, 429);
  EXPECT_EQ(world.http.requests().size(), 2U);
}

TEST(Arm, GoesOnWithOtherSubscriptionsWithinARetryAfter) {
  ArmWorld world([](const http::Request& request) {
    return request.url == std::string(kArmOrigin) + kTarget ? ArmFailure(503, "ServerBusy", {{"Retry-After", "17"}}) : Fine();
  });
  EXPECT_EQ(world.arm.Get(kTarget, kDeadline).error().kind, Kind::kUnavailable);
  EXPECT_EQ(world.arm.Get(kTarget, kDeadline).error().kind, Kind::kThrottled);
  EXPECT_TRUE(world.arm.Get(kOtherTarget, kDeadline));
  EXPECT_TRUE(world.arm.Post(kGraphTarget, json::object(), kDeadline));
}

TEST(Arm, SlowsDownBeforeItIsThrottled) {
  ArmWorld world(
      [](const http::Request&) { return support::JsonResponse(200, "{}", {{"x-ms-ratelimit-remaining-subscription-reads", "0"}}); });
  EXPECT_TRUE(world.arm.Get(kTarget, kDeadline));
  const ArmResult<json> held = world.arm.Get(kTarget, kDeadline);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().kind, Kind::kThrottled);
  EXPECT_EQ(held.error().retry_after, seconds(1));
  world.clock.Advance(seconds(1));
  EXPECT_TRUE(world.arm.Get(kTarget, kDeadline));
}

TEST(Arm, SharesTheDeadlineAmongItsAttempts) {
  ArmWorld* world_of_answer = nullptr;
  ArmWorld world([&](const http::Request&) {
    world_of_answer->clock.Advance(milliseconds(700));
    return ArmFailure(401, "ExpiredAuthenticationToken");
  });
  world_of_answer = &world;
  EXPECT_FALSE(world.arm.Get(kTarget, seconds(1)));
  const std::vector<http::Request> requests = world.http.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].deadline, seconds(1));
  EXPECT_EQ(requests[1].deadline, milliseconds(300));
}

TEST(Arm, SendsNothingWhenItsTimeIsOver) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  EXPECT_EQ(world.arm.Get(kTarget, milliseconds(0)).error().kind, Kind::kUnavailable);
  EXPECT_THAT(world.Sent(), IsEmpty());
}

TEST(Arm, SaysWhyThereIsNoToken) {
  ArmWorld world([](const http::Request&) { return Fine(); });
  world.source.failure =
      base::Error{base::ErrorCode::kUnavailable, "Entra answered AADSTS7000222: the secret has expired", "make a new one"};
  const ArmError error = world.arm.Get(kTarget, kDeadline).error();
  EXPECT_EQ(error.kind, Kind::kUnavailable);
  EXPECT_EQ(error.ToString(), "no token: Entra answered AADSTS7000222: the secret has expired; make a new one");
  EXPECT_THAT(world.Sent(), IsEmpty());
}

TEST(Arm, RefusesAnAnswerFromWhichSubscriptionsWereLeftOut) {
  ArmWorld world([](const http::Request&) { return support::JsonResponse(200, "{}", {{"x-ms-tenant-subscription-limit-hit", "true"}}); });
  const ArmResult<json> answer = world.arm.Post(kGraphTarget, json::object(), kDeadline);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::kRejected);
  EXPECT_THAT(answer.error().remedy, HasSubstr("management groups"));
}

TEST(Arm, NeverRepeatsAToken) {
  for (const int status : {400, 401, 403, 404, 429, 500}) {
    ArmWorld world([&](const http::Request&) { return ArmFailure(status, "Code"); });
    EXPECT_THAT(world.arm.Get(kTarget, kDeadline).error().ToString(), Not(HasSubstr("token-"))) << status;
  }
}

TEST(Arm, CountsWhatItSentAndWhatCameOfIt) {
  int status = 200;
  ArmWorld world(
      [&](const http::Request&) { return status == 200 ? Fine() : ArmFailure(status, "ResourceNotFound", {{"Retry-After", "1"}}); });
  EXPECT_TRUE(world.arm.Get(kTarget, kDeadline));
  for (const int next : {404, 429, 503}) {
    world.clock.Advance(seconds(1));
    status = next;
    EXPECT_FALSE(world.arm.Get(kTarget, kDeadline));
  }
  EXPECT_FALSE(world.arm.Get(kTarget, kDeadline));
  const Arm::Counters counters = world.arm.counters();
  EXPECT_EQ(counters.requests, 4U);
  EXPECT_EQ(counters.throttled, 1U);
  EXPECT_EQ(counters.failed, 1U);
  EXPECT_EQ(counters.held_back, 1U);
}

TEST(Arm, IsSafeForConcurrentUse) {
  ArmWorld world([](const http::Request& request) {
    return request.headers[0].second == "Bearer token-1" ? ArmFailure(401, "ExpiredAuthenticationToken") : Fine();
  });
  std::vector<std::thread> threads;
  std::atomic<int> fine = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        fine += world.arm.Get(kTarget, kDeadline) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(fine, 100);
  EXPECT_EQ(world.source.scopes.size(), 2U);
}

}  // namespace
}  // namespace azure
