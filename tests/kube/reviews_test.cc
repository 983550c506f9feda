#include "kube/reviews.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"
#include "tests/support/kubernetes_status.h"
#include "tests/support/scripted_http.h"

namespace kube {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = ApiError::Kind;

// Its answer to a review, whatever was asked.
template <class Ask>
auto Answered(const std::string& body, Ask ask) {
  support::FakeClock clock;
  support::ScriptedHttp http([&](const http::Request&) { return support::JsonResponse(201, body); });
  Api api(FakeConfig(), http, clock);
  return ask(api);
}

TEST(ReviewToken, TellsWhoseTokenItIs) {
  KubeWorld world;
  world.kubernetes.AddUser(
      "good", {{"username", "anna"}, {"uid", "7"}, {"groups", {"auditors", "system:authenticated"}}, {"extra", {{"scopes", {"a", "b"}}}}},
      {"https://kubernetes.default.svc"});
  const auto user = ReviewToken(world.api, "good", {}, kDeadline);
  ASSERT_TRUE(user) << user.error().ToString();
  ASSERT_TRUE(user->has_value());
  EXPECT_EQ((*user)->name, "anna");
  EXPECT_EQ((*user)->uid, "7");
  EXPECT_THAT((*user)->groups, ElementsAre("auditors", "system:authenticated"));
  EXPECT_THAT((*user)->extra.at("scopes"), ElementsAre("a", "b"));
  const auto nobody = ReviewToken(world.api, "bad", {}, kDeadline);
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(nobody->has_value());
}

TEST(ReviewToken, ATokenForOthersIsNobodys) {
  KubeWorld world;
  world.kubernetes.AddUser("vault's", {{"username", "anna"}}, {"vault"});
  EXPECT_FALSE(ReviewToken(world.api, "vault's", {}, kDeadline)->has_value());
  EXPECT_FALSE(ReviewToken(world.api, "vault's", {"acr-admission"}, kDeadline)->has_value());
  EXPECT_TRUE(ReviewToken(world.api, "vault's", {"acr-admission", "vault"}, kDeadline)->has_value());
}

TEST(ReviewToken, AnAuthenticatorThatKnowsNoAudiencesIsNotBelieved) {
  const std::string body = R"({"status":{"authenticated":true,"user":{"username":"anna"}}})";
  EXPECT_TRUE(Answered(body, [](Api& api) { return ReviewToken(api, "t", {}, kDeadline); })->has_value());
  EXPECT_FALSE(Answered(body, [](Api& api) { return ReviewToken(api, "t", {"acr-admission"}, kDeadline); })->has_value());
}

TEST(ReviewToken, WhatCanBeNoTokenIsNotAskedAbout) {
  KubeWorld world;
  for (const std::string& token :
       {std::string(), std::string("a b"), std::string("a\n"), std::string("\xff"), std::string(kMaxTokenBytes + 1, 'a')}) {
    EXPECT_FALSE(ReviewToken(world.api, token, {}, kDeadline)->has_value());
  }
  EXPECT_THAT(world.kubernetes.calls(), IsEmpty());
}

TEST(ReviewToken, AnAnswerThatIsNoneIsAnErrorAndNobody) {
  for (const char* body :
       {"{}", R"({"status":1})", R"({"status":{"authenticated":true}})", R"({"status":{"authenticated":true,"user":{}}})"}) {
    const auto user = Answered(body, [](Api& api) { return ReviewToken(api, "t", {}, kDeadline); });
    ASSERT_FALSE(user) << body;
    EXPECT_EQ(user.error().kind, Kind::kUnavailable);
  }
  EXPECT_FALSE(Answered(R"({"status":{"authenticated":"true","user":{"username":"anna"}}})", [](Api& api) {
                 return ReviewToken(api, "t", {}, kDeadline);
               })->has_value());
  KubeWorld world;
  world.kubernetes.Forbid("create", "tokenreviews");
  EXPECT_EQ(ReviewToken(world.api, "t", {}, kDeadline).error().kind, Kind::kForbidden);
}

TEST(ReviewAccess, TellsWhatAUserMayDo) {
  KubeWorld world;
  world.kubernetes.Grant("anna", "get /audit/v1/decisions");
  world.kubernetes.Grant("anna", "list pods");
  const User anna{"anna", "", {}, {}};
  const auto may = [&](const User& user, const AccessRequest& request) {
    const auto access = ReviewAccess(world.api, user, request, kDeadline);
    EXPECT_TRUE(access) << access.error().ToString();
    return access && access->allowed;
  };
  EXPECT_TRUE(may(anna, {.verb = "get", .path = "/audit/v1/decisions"}));
  EXPECT_TRUE(may(anna, {.verb = "list", .resource = {"", "v1", "pods", "shop"}}));
  EXPECT_FALSE(may(anna, {.verb = "get", .path = "/audit"}));
  EXPECT_FALSE(may(User{"bert", "", {}, {}}, {.verb = "list", .resource = {"", "v1", "pods", "shop"}}));
}

TEST(ReviewAccess, AsksWithAllThatIsKnownOfTheUser) {
  support::FakeClock clock;
  support::ScriptedHttp http(
      [](const http::Request&) { return support::JsonResponse(201, R"({"status":{"allowed":true,"reason":"a\nb"}})"); });
  Api api(FakeConfig(), http, clock);
  const auto access = ReviewAccess(api, {"anna", "7", {"auditors"}, {{"scopes", {"a"}}}},
                                   {.verb = "get", .resource = Secrets("acr"), .name = "tls"}, kDeadline);
  ASSERT_TRUE(access);
  EXPECT_TRUE(access->allowed);
  EXPECT_EQ(access->reason, "a?b");
  EXPECT_EQ(json::parse(http.requests()[0].body)["spec"],
            json::parse(R"({"user":"anna","uid":"7","groups":["auditors"],"extra":{"scopes":["a"]},
    "resourceAttributes":{"verb":"get","group":"","version":"v1","resource":"secrets","namespace":"acr","name":"tls"}})"));
}

TEST(ReviewAccess, DeniedWinsAndNoAnswerIsAnError) {
  const auto access = [](const char* body) {
    return Answered(body, [](Api& api) { return ReviewAccess(api, {"anna", "", {}, {}}, {.verb = "get", .path = "/"}, kDeadline); });
  };
  EXPECT_FALSE(access(R"({"status":{"allowed":true,"denied":true}})")->allowed);
  EXPECT_FALSE(access(R"({"status":{}})")->allowed);
  EXPECT_FALSE(access("{}"));
}

}  // namespace
}  // namespace kube
