#include "kube/authorizer.h"

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/kube/kube_world.h"
#include "tests/support/kubernetes_status.h"
#include "tests/support/scripted_http.h"

namespace kube {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Authorization::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

// For those that a test holds up.
constexpr milliseconds kLong = std::chrono::minutes(10);

constexpr const char* kReviewOfTokens = "create /apis/authentication.k8s.io/v1/tokenreviews";
constexpr const char* kReviewOfAccess = "create /apis/authorization.k8s.io/v1/subjectaccessreviews";
constexpr const char* kOurAudience = "https://kubernetes.default.svc";

AccessRequest List(std::string namespace_name = "") {
  return {.verb = "list", .resource = {"acr-admission.io", "v1", "decisions", std::move(namespace_name)}};
}

std::string Jwt(base::Time expires, const std::string& id) {
  const auto exp = std::chrono::floor<seconds>(expires).time_since_epoch().count();
  std::string payload = base::EncodeBase64(json{{"exp", exp}, {"jti", id}}.dump());
  payload.erase(std::ranges::find(payload, '='), payload.end());
  std::ranges::replace(payload, '+', '-');
  std::ranges::replace(payload, '/', '_');
  return "eyJhbGciOiJSUzI1NiJ9." + payload + ".c2ln";
}

// anna may list everywhere, bert in namespace shop, and cleo nothing.
struct AuthorizerWorld : KubeWorld {
  AuthorizerWorld() {
    for (const char* name : {"anna", "bert", "cleo"}) {
      kubernetes.AddUser(std::string("token-of-") + name, {{"username", name}, {"groups", {"system:authenticated"}}}, {kOurAudience});
    }
    kubernetes.Grant("anna", "list decisions");
    kubernetes.Grant("bert", "list decisions in shop");
  }

  Kind Ask(const std::string& token, const std::string& namespace_name = "") { return authorizer.Review(token, List(namespace_name)).kind; }
  std::int64_t Asked(const std::string& call) const { return std::ranges::count(kubernetes.calls(), call); }

  Authorizer authorizer{api, clock};
};

TEST(Authorizer, AsksWhoItIsAndWhetherThatUserMay) {
  AuthorizerWorld world;
  const Authorization anna = world.authorizer.Review("token-of-anna", List());
  EXPECT_EQ(anna.kind, Kind::kAllowed);
  EXPECT_EQ(anna.user, "anna");
  EXPECT_EQ(world.Ask("token-of-bert", "shop"), Kind::kAllowed);
  EXPECT_EQ(world.Ask("token-of-bert", "bank"), Kind::kForbidden);
  const Authorization bert = world.authorizer.Review("token-of-bert", List());
  EXPECT_EQ(bert.kind, Kind::kForbidden);
  EXPECT_EQ(bert.user, "bert");
  EXPECT_THAT(bert.reason, HasSubstr("user \"bert\" may not list decisions.acr-admission.io in all namespaces"));
  EXPECT_THAT(world.authorizer.Review("token-of-cleo", List("shop")).reason,
              HasSubstr("user \"cleo\" may not list decisions.acr-admission.io in namespace shop"));
  EXPECT_EQ(world.Ask("bogus"), Kind::kUnauthenticated);
}

TEST(Authorizer, TheReviewIsOfTheVerbGroupResourceAndNamespace) {
  support::FakeClock clock;
  support::ScriptedHttp http([](const http::Request& request) {
    return support::JsonResponse(201, request.url.ends_with("tokenreviews")
                                          ? R"({"status":{"authenticated":true,"user":{"username":"anna","groups":["auditors"]}}})"
                                          : R"({"status":{"allowed":true}})");
  });
  Api api(FakeConfig(), http, clock);
  Authorizer authorizer(api, clock);
  AccessRequest request = List("shop");
  request.verb = "get";
  EXPECT_EQ(authorizer.Review("t", request).kind, Kind::kAllowed);
  ASSERT_EQ(http.requests().size(), 2U);
  EXPECT_FALSE(json::parse(http.requests()[0].body)["spec"].contains("audiences")) << "meant for the API server";
  const json spec = json::parse(http.requests()[1].body)["spec"];
  EXPECT_EQ(spec["user"], "anna");
  EXPECT_EQ(spec["groups"], json({"auditors"}));
  EXPECT_EQ(spec["resourceAttributes"], json::parse(R"({"verb":"get","group":"acr-admission.io","version":"v1",
      "resource":"decisions","namespace":"shop","name":""})"));
}

TEST(Authorizer, WhatCanBeNoTokenIsNotAskedAbout) {
  AuthorizerWorld world;
  for (const std::string& token :
       {std::string(), std::string("a b"), std::string("a\n"), std::string("\xff"), std::string(kMaxTokenBytes + 1, 'a')}) {
    EXPECT_EQ(world.Ask(token), Kind::kUnauthenticated);
  }
  EXPECT_EQ(world.Ask("token-of-cleo", "No Namespace"), Kind::kForbidden);
  EXPECT_EQ(world.Asked(kReviewOfTokens), 1);
  EXPECT_EQ(world.Asked(kReviewOfAccess), 0);
}

TEST(Authorizer, ATokenForAnotherAudienceIsNobodys) {
  AuthorizerWorld world;
  world.kubernetes.AddUser("vault's", {{"username", "anna"}}, {"vault"});
  EXPECT_EQ(world.Ask("vault's"), Kind::kUnauthenticated);
}

TEST(Authorizer, AnswersAreBelievedForTheirTime) {
  AuthorizerWorld world;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
    EXPECT_EQ(world.Ask("bogus"), Kind::kUnauthenticated);
  }
  EXPECT_EQ(world.Asked(kReviewOfTokens), 2);
  EXPECT_EQ(world.Asked(kReviewOfAccess), 1);

  world.clock.Advance(kAllowedFor);
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  EXPECT_EQ(world.Ask("bogus"), Kind::kUnauthenticated);
  EXPECT_EQ(world.Asked(kReviewOfTokens), 3) << "of the bogus one alone";
  EXPECT_EQ(world.Asked(kReviewOfAccess), 2);
}

TEST(Authorizer, ARevokedPermissionIsSeenAfterItsTime) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.kubernetes.Revoke("anna", "list decisions");
  world.clock.Advance(kAllowedFor - milliseconds(1));
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.clock.Advance(milliseconds(1));
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kForbidden);
}

TEST(Authorizer, AGrantedPermissionIsSeenSoon) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("token-of-cleo", "shop"), Kind::kForbidden);
  world.kubernetes.Grant("cleo", "list decisions in shop");
  EXPECT_EQ(world.Ask("token-of-cleo", "shop"), Kind::kForbidden);
  world.clock.Advance(kForbiddenFor);
  EXPECT_EQ(world.Ask("token-of-cleo", "shop"), Kind::kAllowed);
}

TEST(Authorizer, ARevokedTokenIsSeenAfterItsTimeWhateverItsPermission) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.kubernetes.RemoveToken("token-of-anna");
  world.clock.Advance(kHolderFor - milliseconds(1));
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.clock.Advance(milliseconds(1));
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kUnauthenticated);
}

TEST(Authorizer, ATokenThatBecameGoodIsSeenAfterItsTime) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("soon"), Kind::kUnauthenticated);
  world.kubernetes.AddUser("soon", {{"username", "anna"}}, {kOurAudience});
  EXPECT_EQ(world.Ask("soon"), Kind::kUnauthenticated);
  world.clock.Advance(kNobodyFor);
  EXPECT_EQ(world.Ask("soon"), Kind::kAllowed);
}

TEST(Authorizer, AUserOfOtherGroupsHasOtherPermissions) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.clock.Advance(kHolderFor - seconds(1));
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.kubernetes.AddUser("token-of-anna", {{"username", "anna the second"}}, {kOurAudience});
  world.clock.Advance(seconds(1));  // the permission is a second old, and another's
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kForbidden);
}

TEST(Authorizer, WhoMayInAllNamespacesMayInEach) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(world.Ask("token-of-anna", "ns-" + std::to_string(i)), Kind::kAllowed);
  }
  EXPECT_EQ(world.Asked(kReviewOfAccess), 1);
  AccessRequest get = List("shop");
  get.verb = "get";
  EXPECT_EQ(world.authorizer.Review("token-of-anna", get).kind, Kind::kForbidden) << "another verb is another question";
}

TEST(Authorizer, WhoMayInOneNamespaceMayInNoOther) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("token-of-bert", "shop"), Kind::kAllowed);
  EXPECT_EQ(world.Ask("token-of-bert"), Kind::kForbidden);
  EXPECT_EQ(world.Ask("token-of-bert", "shop-2"), Kind::kForbidden);
}

TEST(Authorizer, ATokenThatSaysItIsOverIsRefusedWithoutAsking) {
  AuthorizerWorld world;
  const std::string token = Jwt(world.clock.Now() + seconds(10), "1");
  world.kubernetes.AddUser(token, {{"username", "anna"}}, {kOurAudience});
  EXPECT_EQ(world.Ask(token), Kind::kAllowed);
  world.clock.Advance(milliseconds(9999));
  EXPECT_EQ(world.Ask(token), Kind::kAllowed);
  world.clock.Advance(milliseconds(1));
  const Authorization over = world.authorizer.Review(token, List());
  EXPECT_EQ(over.kind, Kind::kUnauthenticated) << "the API server's answer is believed for longer than the token is good";
  EXPECT_THAT(over.reason, HasSubstr("expired"));
  EXPECT_EQ(world.Ask(Jwt(world.clock.Now() - std::chrono::hours(1), "2")), Kind::kUnauthenticated);
  EXPECT_EQ(world.Asked(kReviewOfTokens), 1);
}

TEST(Authorizer, AClockOfOursThatIsAheadRefusesNoGoodToken) {
  AuthorizerWorld world;
  support::FakeClock servers(world.clock.Now() - std::chrono::hours(1));
  world.client.TellTime(&servers);
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  const std::string token = Jwt(servers.Now() + std::chrono::minutes(10), "1");
  world.kubernetes.AddUser(token, {{"username", "anna"}}, {kOurAudience});
  EXPECT_EQ(world.Ask(token), Kind::kAllowed);
}

// 100,000 of them at 1,000 a second, beside somebody who asks all the time and whose answers grow old meanwhile.
TEST(Authorizer, AHundredThousandBogusTokensCostWhatTheBucketAllowsAndRefuseNobody) {
  AuthorizerWorld world;
  ASSERT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  ASSERT_EQ(world.Ask("token-of-bert", "shop"), Kind::kAllowed);
  constexpr int kBogus = 100'000;
  std::map<Kind, int> kinds;
  for (int i = 0; i < kBogus; ++i) {
    ++kinds[world.Ask("bogus-" + std::to_string(i))];
    if (i % 100 == 0) {
      ASSERT_EQ(world.Ask("token-of-anna"), Kind::kAllowed) << i;
      ASSERT_EQ(world.Ask("token-of-bert", "shop"), Kind::kAllowed) << i;
    }
    const auto counters = world.authorizer.counters();
    ASSERT_LE(counters.nobodies, kMaxNobodies);
    ASSERT_EQ(counters.holders, 2U);
    world.clock.Advance(milliseconds(1));
  }
  // Two of the burst went to anna and bert at the same instant; the last token came a millisecond before the period was full.
  constexpr int kReviewed = (kStrangerBurst - 2) + (kBogus - 1) / static_cast<int>(kStrangerRefill.count());
  EXPECT_EQ(kinds[Kind::kUnauthenticated], kReviewed);
  EXPECT_EQ(kinds[Kind::kTooMany], kBogus - kReviewed);
  EXPECT_EQ(world.authorizer.counters().limited, static_cast<std::uint64_t>(kBogus - kReviewed));
  // Those of anna and bert: one at first, and one after each kHolderFor.
  EXPECT_EQ(world.Asked(kReviewOfTokens), kReviewed + 2 * (1 + kBogus / 1000 / kHolderFor.count()));
  EXPECT_EQ(static_cast<std::int64_t>(world.authorizer.counters().token_reviews), world.Asked(kReviewOfTokens));
}

TEST(Authorizer, OneBogusTokenCostsOneReviewWithinItsTime) {
  AuthorizerWorld world;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(world.Ask("bogus"), Kind::kUnauthenticated);
  }
  EXPECT_EQ(world.Asked(kReviewOfTokens), 1);
}

TEST(Authorizer, AUserWhoAsksForEverythingIsBoundedAndHindersNobodyElse) {
  AuthorizerWorld world;
  std::map<Kind, int> kinds;
  for (int i = 0; i < 10'000; ++i) {
    ++kinds[world.Ask("token-of-cleo", "ns-" + std::to_string(i))];
  }
  EXPECT_EQ(kinds[Kind::kForbidden], kAccessBurst);
  EXPECT_EQ(kinds[Kind::kTooMany], 10'000 - kAccessBurst);
  EXPECT_EQ(world.Asked(kReviewOfAccess), kAccessBurst);
  world.kubernetes.AddUser("another-of-cleo", {{"username", "cleo"}}, {kOurAudience});
  const Authorization another = world.authorizer.Review("another-of-cleo", List("shop"));
  EXPECT_EQ(another.kind, Kind::kTooMany) << "the bound is the user's, not the token's";
  EXPECT_EQ(another.user, "cleo");
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
}

TEST(Authorizer, AUserOfTooManyGroupsIsNotKeptAndStillServed) {
  AuthorizerWorld world;
  world.kubernetes.AddUser("large", {{"username", "anna"}, {"groups", {std::string(kMaxUserBytes, 'g')}}}, {kOurAudience});
  EXPECT_EQ(world.Ask("large"), Kind::kAllowed);
  EXPECT_EQ(world.Ask("large"), Kind::kAllowed);
  EXPECT_EQ(world.authorizer.counters().holders, 0U);
  EXPECT_EQ(world.Asked(kReviewOfTokens), 2);
}

TEST(Authorizer, HoldersAreBounded) {
  AuthorizerWorld world;
  for (std::size_t i = 0; i < kMaxHolders + 10; ++i) {
    const std::string token = "token-" + std::to_string(i);
    world.kubernetes.AddUser(token, {{"username", "user-" + std::to_string(i)}}, {kOurAudience});
    ASSERT_EQ(world.Ask(token), Kind::kForbidden);
    world.clock.Advance(kStrangerRefill);
  }
  EXPECT_EQ(world.authorizer.counters().holders, kMaxHolders);
}

// An answer that is none, to the review whose path ends in `review`.
struct Broken {
  const char* name;
  std::function<base::Result<http::Response>()> answer;
  const char* says;
};

std::vector<Broken> AllBroken() {
  const auto status = [](int code, const char* reason, const std::string& message) {
    return support::JsonResponse(code, json{{"kind", "Status"}, {"status", "Failure"}, {"reason", reason}, {"message", message}}.dump());
  };
  return {
      {"unauthorized", [=] { return status(401, "Unauthorized", "Unauthorized"); }, "401"},
      {"forbidden",
       [=] {
         return status(403, "Forbidden", R"(tokenreviews is forbidden: User "me" cannot create resource "tokenreviews" in API group)");
       },
       "cannot create"},
      {"throttled", [=] { return status(429, "TooManyRequests", "later"); }, "429"},
      {"failing", [=] { return status(500, "InternalError", "etcd"); }, "500"},
      {"unreachable",
       []() -> base::Result<http::Response> { return base::Fail(base::ErrorCode::kUnavailable, "reading the answer: timed out"); },
       "timed out"},
      {"malformed", [] { return support::JsonResponse(201, "{"); }, ""},
      {"without a status", [] { return support::JsonResponse(201, "{}"); }, "without status"},
      {"huge",
       []() -> base::Result<http::Response> {
         return base::Fail(base::ErrorCode::kUnavailable, "reading the answer: its body is too large");
       },
       "too large"},
  };
}

TEST(Authorizer, ATokenReviewThatTellsNothingIsUnknownAndNotBelieved) {
  for (const Broken& broken : AllBroken()) {
    SCOPED_TRACE(broken.name);
    support::FakeClock clock;
    bool mended = false;
    support::ScriptedHttp http([&](const http::Request& request) -> base::Result<http::Response> {
      if (!mended) {
        return broken.answer();
      }
      return support::JsonResponse(201, request.url.ends_with("tokenreviews")
                                            ? R"({"status":{"authenticated":true,"user":{"username":"anna"}}})"
                                            : R"({"status":{"allowed":true}})");
    });
    Api api(FakeConfig(), http, clock);
    Authorizer authorizer(api, clock);
    const Authorization unknown = authorizer.Review("t", List());
    EXPECT_EQ(unknown.kind, Kind::kUnknown);
    EXPECT_THAT(unknown.reason, AllOf(HasSubstr("TokenReview"), HasSubstr(broken.says)));
    const std::size_t asked = http.requests().size();
    mended = true;
    EXPECT_EQ(authorizer.Review("another", List()).kind, Kind::kUnknown) << "the API server is left alone";
    EXPECT_EQ(http.requests().size(), asked);
    clock.Advance(kFailureFor);
    EXPECT_EQ(authorizer.Review("t", List()).kind, Kind::kAllowed);
    EXPECT_EQ(authorizer.counters().failures, 1U);
  }
}

TEST(Authorizer, AnAccessReviewThatTellsNothingIsUnknownAndNotBelieved) {
  for (const Broken& broken : AllBroken()) {
    SCOPED_TRACE(broken.name);
    support::FakeClock clock;
    bool mended = false;
    support::ScriptedHttp http([&](const http::Request& request) -> base::Result<http::Response> {
      if (request.url.ends_with("tokenreviews")) {
        return support::JsonResponse(201, R"({"status":{"authenticated":true,"user":{"username":"anna"}}})");
      }
      return mended ? support::JsonResponse(201, R"({"status":{"allowed":true}})") : broken.answer();
    });
    Api api(FakeConfig(), http, clock);
    Authorizer authorizer(api, clock);
    const Authorization unknown = authorizer.Review("t", List());
    EXPECT_EQ(unknown.kind, Kind::kUnknown);
    EXPECT_EQ(unknown.user, "anna");
    EXPECT_THAT(unknown.reason, HasSubstr("SubjectAccessReview"));
    mended = true;
    clock.Advance(kFailureFor);
    EXPECT_EQ(authorizer.Review("t", List()).kind, Kind::kAllowed);
  }
}

TEST(Authorizer, WhatAnswersOfTokensSayNobodyIsNobodys) {
  for (const char* body : {R"({"status":{"authenticated":false}})", R"({"status":{"error":"[invalid bearer token]"}})",
                           R"({"status":{"authenticated":false,"error":"webhook is away","user":{"username":"anna"}}})",
                           R"({"status":{"authenticated":"yes","user":{"username":"anna"}}})", R"({"status":{}})"}) {
    support::FakeClock clock;
    support::ScriptedHttp http([&](const http::Request&) { return support::JsonResponse(201, body); });
    Api api(FakeConfig(), http, clock);
    Authorizer authorizer(api, clock);
    EXPECT_EQ(authorizer.Review("t", List()).kind, Kind::kUnauthenticated) << body;
  }
  support::FakeClock clock;
  support::ScriptedHttp http(
      [&](const http::Request&) { return support::JsonResponse(201, R"({"status":{"authenticated":true,"user":{"uid":"7"}}})"); });
  Api api(FakeConfig(), http, clock);
  Authorizer authorizer(api, clock);
  EXPECT_EQ(authorizer.Review("t", List()).kind, Kind::kUnknown) << "a user without a name";
}

TEST(Authorizer, KnownAnswersGoOnWhileTheApiServerIsAway) {
  AuthorizerWorld world;
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.client.SetUnreachable(true);
  EXPECT_EQ(world.Ask("token-of-bert", "shop"), Kind::kUnknown);
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
  world.clock.Advance(kHolderFor);
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kUnknown) << "nobody is believed for longer because nobody can be asked";
  world.client.SetUnreachable(false);
  world.clock.Advance(kFailureFor);
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
}

TEST(Authorizer, AQuestionThatIsWrongHindersNoOther) {
  AuthorizerWorld world;
  world.kubernetes.Fail([](const support::KubernetesCall& call) { return call.type.resource == "subjectaccessreviews"; },
                        support::JsonResponse(400, R"({"kind":"Status","reason":"BadRequest","message":"no"})"));
  EXPECT_EQ(world.Ask("token-of-cleo", "shop"), Kind::kUnknown);
  EXPECT_EQ(world.Ask("token-of-anna"), Kind::kAllowed);
}

// A server that answers when it is let.
class Gate {
 public:
  void Open() {
    base::MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  void Pass() {
    base::MutexLock lock(mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (!open_) {
      changed_.Wait(mutex_);
    }
  }
  void AwaitArrival() {
    base::MutexLock lock(mutex_);
    while (arrived_ == 0) {
      changed_.Wait(mutex_);
    }
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  bool open_ GUARDED_BY(mutex_) = false;
  int arrived_ GUARDED_BY(mutex_) = 0;
};

TEST(Authorizer, ManyWithTheSameTokenAskOnce) {
  for (const char* slow : {"tokenreviews", "subjectaccessreviews"}) {
    support::FakeClock clock;
    Gate gate;
    support::ScriptedHttp http([&](const http::Request& request) {
      if (request.url.ends_with(slow)) {
        gate.Pass();
      }
      return support::JsonResponse(201, request.url.ends_with("tokenreviews")
                                            ? R"({"status":{"authenticated":true,"user":{"username":"anna"}}})"
                                            : R"({"status":{"allowed":true}})");
    });
    Api api(FakeConfig(), http, clock);
    Authorizer authorizer(api, clock);
    std::vector<std::future<Authorization>> answers;
    for (int i = 0; i < 8; ++i) {
      answers.push_back(std::async(std::launch::async, [&] { return authorizer.Review("t", List(), kLong); }));
    }
    gate.AwaitArrival();
    gate.Open();
    for (auto& answer : answers) {
      EXPECT_EQ(answer.get().kind, Kind::kAllowed);
    }
    EXPECT_EQ(http.requests().size(), 2U) << slow;
  }
}

TEST(Authorizer, WhoWaitsForAnothersQuestionWaitsNoLongerThanTheDeadline) {
  support::FakeClock clock;
  Gate gate;
  support::ScriptedHttp http([&](const http::Request&) {
    gate.Pass();
    return support::JsonResponse(201, R"({"status":{"authenticated":false}})");
  });
  Api api(FakeConfig(), http, clock);
  Authorizer authorizer(api, clock);
  auto first = std::async(std::launch::async, [&] { return authorizer.Review("t", List(), kLong); });
  gate.AwaitArrival();
  const Authorization second = authorizer.Review("t", List(), milliseconds(1));
  EXPECT_EQ(second.kind, Kind::kUnknown);
  EXPECT_THAT(second.reason, HasSubstr("in time"));
  gate.Open();
  EXPECT_EQ(first.get().kind, Kind::kUnauthenticated);
  EXPECT_EQ(http.requests().size(), 1U);
}

TEST(Authorizer, WhileTheApiServerFailsOneAtATimeTriesIt) {
  support::FakeClock clock;
  Gate gate;
  std::atomic<bool> failed = false;
  support::ScriptedHttp http([&](const http::Request&) -> base::Result<http::Response> {
    if (!failed.exchange(true)) {
      return base::Fail(base::ErrorCode::kUnavailable, "connecting: timed out");
    }
    gate.Pass();
    return support::JsonResponse(201, R"({"status":{"authenticated":false}})");
  });
  Api api(FakeConfig(), http, clock);
  Authorizer authorizer(api, clock);
  EXPECT_EQ(authorizer.Review("a", List()).kind, Kind::kUnknown);
  clock.Advance(kFailureFor);
  auto tries = std::async(std::launch::async, [&] { return authorizer.Review("b", List(), kLong); });
  gate.AwaitArrival();
  EXPECT_EQ(authorizer.Review("c", List()).kind, Kind::kUnknown) << "no other thread is held up";
  gate.Open();
  EXPECT_EQ(tries.get().kind, Kind::kUnauthenticated);
  EXPECT_EQ(authorizer.Review("c", List()).kind, Kind::kUnauthenticated);
}

// Whatever is said of a token, or repeated of it by whatever answered.
TEST(Authorizer, NoAnswerHoldsAToken) {
  const std::string token = "s3cret-t0ken";
  for (const std::string& body : {json{{"kind", "Status"}, {"reason", "InternalError"}, {"message", "while serving " + token}}.dump(),
                                  "<p>" + token + "</p>", R"({"status":{"error":"no such token: )" + token + R"("}})"}) {
    for (const int status : {201, 400, 403, 500}) {
      support::FakeClock clock;
      support::ScriptedHttp http([&](const http::Request&) { return support::JsonResponse(status, body); });
      Api api(FakeConfig(), http, clock);
      Authorizer authorizer(api, clock);
      const Authorization answer = authorizer.Review(token, List());
      EXPECT_THAT(answer.reason, Not(HasSubstr(token))) << status << body;
      EXPECT_THAT(answer.user, Not(HasSubstr(token)));
      EXPECT_THAT(authorizer.Review("another", List()).reason, Not(HasSubstr(token)));
    }
  }
}

}  // namespace
}  // namespace kube
