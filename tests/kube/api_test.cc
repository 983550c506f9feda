#include "kube/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"
#include "tests/support/kubernetes_status.h"
#include "tests/support/scripted_http.h"
#include "tests/support/temp_folder.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using Kind = ApiError::Kind;

const Collection kConfigMaps = {"", "v1", "configmaps", "acr"};
const Collection kWebhooks = {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", ""};
constexpr const char* kPath = "/api/v1/namespaces/acr/configmaps/policy";

json ConfigMap(const std::string& name, const std::string& value) {
  return {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", name}}}, {"data", {{"key", value}}}};
}

bool AnyCall(const support::KubernetesCall&) { return true; }

// One request as it goes out.
http::Request RequestOf(const std::function<void(Api& api)>& call) {
  support::FakeClock clock;
  support::ScriptedHttp http([](const http::Request&) { return support::JsonResponse(200, "{}"); });
  Config config = FakeConfig();
  config.token = "token";
  Api api(config, http, clock);
  call(api);
  EXPECT_EQ(http.requests().size(), 1U);
  return http.requests().empty() ? http::Request() : http.requests()[0];
}

TEST(Api, RequestsLookAsTheyShould) {
  const http::Request get = RequestOf([](Api& api) { EXPECT_TRUE(api.Get(kConfigMaps, "policy", kDeadline)); });
  EXPECT_EQ(get.method, "GET");
  EXPECT_EQ(get.url, std::string(support::kFakeKubernetes) + kPath);
  EXPECT_THAT(get.headers, ElementsAre(Pair("Accept", "application/json"), Pair("Authorization", "Bearer token")));
  EXPECT_EQ(get.body, "");
  EXPECT_EQ(get.deadline, kDeadline);
  EXPECT_EQ(get.max_response_bytes, kMaxAnswerBytes);

  const http::Request apply = RequestOf(
      [](Api& api) { EXPECT_TRUE(api.Apply(kWebhooks, "acr", json{{"kind", "X"}}, "certs & co", OnConflict::kForce, kDeadline)); });
  EXPECT_EQ(apply.method, "PATCH");
  EXPECT_THAT(apply.url, ::testing::EndsWith("/validatingwebhookconfigurations/acr?fieldManager=certs%20%26%20co&force=true"));
  EXPECT_THAT(apply.headers, ::testing::Contains(Pair("Content-Type", "application/apply-patch+yaml")));
  EXPECT_EQ(apply.body, R"({"kind":"X"})");

  const http::Request patch =
      RequestOf([](Api& api) { EXPECT_TRUE(api.MergePatch(kConfigMaps, "policy", json{{"a", nullptr}}, kDeadline)); });
  EXPECT_EQ(patch.method, "PATCH");
  EXPECT_THAT(patch.headers, ::testing::Contains(Pair("Content-Type", "application/merge-patch+json")));
  EXPECT_EQ(patch.body, R"({"a":null})");

  const http::Request erase = RequestOf([](Api& api) { EXPECT_TRUE(api.Delete(kConfigMaps, "policy", {"u", "7"}, kDeadline)); });
  EXPECT_EQ(erase.method, "DELETE");
  EXPECT_EQ(json::parse(erase.body)["preconditions"], (json{{"uid", "u"}, {"resourceVersion", "7"}}));
}

TEST(Api, ObjectsAreMadeReadChangedAndDeleted) {
  KubeWorld world;
  EXPECT_EQ(world.api.Get(kConfigMaps, "policy", kDeadline).error().kind, Kind::kNotFound);
  auto made = world.api.Create(kConfigMaps, ConfigMap("policy", "one"), kDeadline);
  ASSERT_TRUE(made) << made.error().ToString();
  EXPECT_EQ((*made)["metadata"]["namespace"], "acr");
  (*made)["data"]["key"] = "two";
  const auto updated = world.api.Update(kConfigMaps, *made, kDeadline);
  ASSERT_TRUE(updated) << updated.error().ToString();
  EXPECT_EQ(world.api.Get(kConfigMaps, "policy", kDeadline).value(), *updated);
  const auto patched = world.api.MergePatch(kConfigMaps, "policy", json{{"data", {{"key", nullptr}, {"other", "x"}}}}, kDeadline);
  ASSERT_TRUE(patched) << patched.error().ToString();
  EXPECT_EQ((*patched)["data"], (json{{"other", "x"}}));
  EXPECT_TRUE(world.api.Delete(kConfigMaps, "policy", {}, kDeadline));
  EXPECT_EQ(world.kubernetes.Find(kPath), std::nullopt);
}

TEST(Api, OfTwoThatWriteTheSecondIsTold) {
  KubeWorld world;
  const auto first = world.api.Create(kConfigMaps, ConfigMap("policy", "one"), kDeadline);
  ASSERT_TRUE(first);
  EXPECT_EQ(world.api.Create(kConfigMaps, ConfigMap("policy", "two"), kDeadline).error().kind, Kind::kAlreadyExists);
  json ours = *first;
  ours["data"]["key"] = "ours";
  ASSERT_TRUE(world.api.Update(kConfigMaps, ours, kDeadline));
  json late = *first;
  late["data"]["key"] = "late";
  EXPECT_EQ(world.api.Update(kConfigMaps, late, kDeadline).error().kind, Kind::kConflict);
  EXPECT_EQ(world.api.MergePatch(kConfigMaps, "policy", late, kDeadline).error().kind, Kind::kConflict);
  const Preconditions old{"", (*first)["metadata"]["resourceVersion"]};
  EXPECT_EQ(world.api.Delete(kConfigMaps, "policy", old, kDeadline).error().kind, Kind::kConflict);
  EXPECT_EQ(world.api.Delete(kConfigMaps, "policy", {"another uid", ""}, kDeadline).error().kind, Kind::kConflict);
  EXPECT_EQ((*world.kubernetes.Find(kPath))["data"]["key"], "ours");
}

TEST(Api, AnUpdateThatWouldUndoWhatOthersDidIsNotSent) {
  KubeWorld world;
  const auto updated = world.api.Update(kConfigMaps, ConfigMap("policy", "one"), kDeadline);
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().kind, Kind::kRejected);
  EXPECT_THAT(world.kubernetes.calls(), IsEmpty());
}

TEST(Api, NamesThatLeadElsewhereAreNotSent) {
  KubeWorld world;
  EXPECT_EQ(world.api.Get(kConfigMaps, "../secrets/tls", kDeadline).error().kind, Kind::kRejected);
  EXPECT_EQ(world.api.Delete(kConfigMaps, "", {}, kDeadline).error().kind, Kind::kRejected);
  json object = ConfigMap("a/b", "x");
  object["metadata"]["resourceVersion"] = "1";
  EXPECT_EQ(world.api.Update(kConfigMaps, object, kDeadline).error().kind, Kind::kRejected);
  EXPECT_THAT(world.kubernetes.calls(), IsEmpty());
}

TEST(Api, ListsComeInPages) {
  KubeWorld world;
  const std::size_t count = 2 * kPageSize + 1;
  for (std::size_t i = 0; i < count; ++i) {
    json object = ConfigMap("c", "x");
    object["metadata"]["labels"] = {{"parity", i % 2 == 0 ? "even" : "odd"}};
    world.kubernetes.Put("/api/v1/namespaces/acr/configmaps/c" + std::to_string(i), object);
  }
  const auto all = world.api.ListAll(kConfigMaps, {}, count, kDeadline);
  ASSERT_TRUE(all) << all.error().ToString();
  EXPECT_THAT(all->items, SizeIs(count));
  EXPECT_EQ(all->continue_token, "");
  EXPECT_NE(all->resource_version, "");
  EXPECT_THAT(world.kubernetes.calls(), SizeIs(3));
  EXPECT_EQ(world.api.ListAll(kConfigMaps, {}, count - 1, kDeadline).error().kind, Kind::kRejected);
  const auto odd = world.api.ListAll(kConfigMaps, {"parity=odd", ""}, count, kDeadline);
  ASSERT_TRUE(odd);
  EXPECT_THAT(odd->items, SizeIs(kPageSize));
  const auto one = world.api.List(kConfigMaps, {"", "metadata.name=c7"}, "", kDeadline);
  ASSERT_TRUE(one);
  EXPECT_THAT(one->items, SizeIs(1));
}

TEST(Api, AListThatExpiresIsBegunAnewOnce) {
  KubeWorld world;
  for (std::size_t i = 0; i <= kPageSize; ++i) {
    world.kubernetes.Put("/api/v1/namespaces/acr/configmaps/c" + std::to_string(i), ConfigMap("c", "x"));
  }
  const auto continued = [](const support::KubernetesCall& call) { return call.query.contains("continue"); };
  world.kubernetes.Fail(continued, support::ExpiredStatus());
  const auto all = world.api.ListAll(kConfigMaps, {}, 1000, kDeadline);
  ASSERT_TRUE(all) << all.error().ToString();
  EXPECT_THAT(all->items, SizeIs(kPageSize + 1));
  world.kubernetes.Fail(continued, support::ExpiredStatus(), 2);
  EXPECT_EQ(world.api.ListAll(kConfigMaps, {}, 1000, kDeadline).error().kind, Kind::kExpired);
  const auto page = world.api.List(kConfigMaps, {}, "", kDeadline);
  ASSERT_TRUE(page);
  world.kubernetes.Compact();
  EXPECT_EQ(world.api.List(kConfigMaps, {}, page->continue_token, kDeadline).error().kind, Kind::kExpired);
}

TEST(Api, WhatIsNoListIsAnError) {
  support::FakeClock clock;
  std::string body;
  support::ScriptedHttp http([&](const http::Request&) { return support::JsonResponse(200, body); });
  Api api(FakeConfig(), http, clock);
  for (const char* bad : {R"({})", R"({"items":{}})", R"({"items":[1]})", "[]", "garbage"}) {
    body = bad;
    EXPECT_EQ(api.List(kConfigMaps, {}, "", kDeadline).error().kind, Kind::kUnavailable) << bad;
  }
  body = R"({"items":null})";
  EXPECT_TRUE(api.List(kConfigMaps, {}, "", kDeadline));
}

TEST(Api, AnswersAreNeverRepeatedInErrors) {
  support::FakeClock clock;
  for (const char* body : {R"({"data":{"key":"aHVzaA==)", R"(["aHVzaA=="])", "aHVzaA=="}) {
    support::ScriptedHttp http([&](const http::Request&) { return support::JsonResponse(200, body); });
    Api api(FakeConfig(), http, clock);
    const auto answer = api.Get(Secrets("acr"), "tls", kDeadline);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::kUnavailable);
    EXPECT_THAT(answer.error().ToString(), Not(HasSubstr("aHVzaA")));
  }
}

TEST(Api, AnotherTokenIsTriedOnceAfterA401) {
  support::TempFolder folder;
  folder.Write("token", "one");
  KubeWorld world(FakeConfig(folder / "token"));
  world.kubernetes.SetToken("one");
  world.kubernetes.Put(kPath, ConfigMap("policy", "x"));
  ASSERT_TRUE(world.api.Get(kConfigMaps, "policy", kDeadline));
  world.kubernetes.SetToken("two");  // the old one is refused before its minute is over
  folder.Write("token", "two");
  ASSERT_TRUE(world.api.Get(kConfigMaps, "policy", kDeadline));
  EXPECT_THAT(world.kubernetes.calls(), SizeIs(3));
  world.kubernetes.SetToken("three");
  const auto refused = world.api.Get(kConfigMaps, "policy", kDeadline);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kUnauthorized);
  EXPECT_THAT(refused.error().remedy, HasSubstr("this cluster"));
  EXPECT_THAT(world.kubernetes.calls(), SizeIs(4));  // the file held the same token: no second try
}

TEST(Api, WithoutATokenNothingIsSent) {
  support::TempFolder folder;
  KubeWorld world(FakeConfig(folder / "absent"));
  const auto answer = world.api.Get(kConfigMaps, "policy", kDeadline);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::kUnavailable);
  EXPECT_THAT(answer.error().ToString(), HasSubstr("absent"));
  EXPECT_THAT(world.kubernetes.calls(), IsEmpty());
}

TEST(Api, ForbiddenSaysWhatToGrant) {
  KubeWorld world;
  world.kubernetes.Forbid("get", "secrets");
  const auto get = world.api.Get(Secrets("acr"), "tls", kDeadline);
  ASSERT_FALSE(get);
  EXPECT_EQ(get.error().kind, Kind::kForbidden);
  EXPECT_EQ(get.error().remedy, R"(grant the verb get on secrets in namespace acr in a role: apiGroups [""], resources ["secrets"])");
  world.kubernetes.Forbid("create", "configmaps");
  const auto apply = world.api.Apply(kConfigMaps, "policy", ConfigMap("policy", "x"), "m", OnConflict::kFail, kDeadline);
  ASSERT_FALSE(apply);
  EXPECT_THAT(apply.error().remedy, HasSubstr("grant the verb create (for patch) on configmaps in namespace acr"));
  world.kubernetes.Fail(AnyCall, support::Status(403, "Forbidden", "exceeded quota"));
  EXPECT_EQ(world.api.Create(kConfigMaps, ConfigMap("a", "x"), kDeadline).error().remedy, "");
}

TEST(Api, TooManyRequestsTellsHowLongToWait) {
  KubeWorld world;
  world.kubernetes.Fail(AnyCall, support::TooManyRequestsStatus(3));
  const auto answer = world.api.Get(kConfigMaps, "policy", kDeadline);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::kTooManyRequests);
  EXPECT_EQ(answer.error().retry_after, seconds(3));
  EXPECT_THAT(world.kubernetes.calls(), SizeIs(1));
}

TEST(Api, RedirectsAreNotFollowed) {
  KubeWorld world;
  world.kubernetes.Fail(AnyCall, {302, {{"Location", "https://elsewhere"}}, ""});
  EXPECT_EQ(world.api.Get(kConfigMaps, "policy", kDeadline).error().kind, Kind::kUnavailable);
  EXPECT_THAT(world.kubernetes.calls(), SizeIs(1));
}

TEST(Api, UnreachableIsUnavailableAndAWriteWhoseAnswerIsLostMayHaveHappened) {
  KubeWorld world;
  world.client.SetUnreachable(true);
  EXPECT_EQ(world.api.Get(kConfigMaps, "policy", kDeadline).error().kind, Kind::kUnavailable);
  world.client.SetUnreachable(false);
  world.client.LoseAnswers(1);
  EXPECT_EQ(world.api.Create(kConfigMaps, ConfigMap("policy", "x"), kDeadline).error().kind, Kind::kUnavailable);
  EXPECT_TRUE(world.kubernetes.Find(kPath));
}

TEST(Api, NoTimeMeansNoRequest) {
  KubeWorld world;
  EXPECT_EQ(world.api.Get(kConfigMaps, "policy", seconds(0)).error().kind, Kind::kUnavailable);
  EXPECT_THAT(world.kubernetes.calls(), IsEmpty());
}

// ---- server-side apply: the caBundle of webhooks that a chart installed

json Webhook(const std::string& name, const std::string& failure_policy) {
  return {{"name", name},
          {"sideEffects", "NoneOnDryRun"},
          {"admissionReviewVersions", {"v1"}},
          {"failurePolicy", failure_policy},
          {"clientConfig", {{"service", {{"name", "acr-admission"}, {"namespace", "acr"}}}}}};
}

json Configuration(json webhooks) {
  return {{"apiVersion", "admissionregistration.k8s.io/v1"}, {"kind", "ValidatingWebhookConfiguration"}, {"webhooks", std::move(webhooks)}};
}

json CaBundle(const std::string& name, const std::string& bundle) { return {{"name", name}, {"clientConfig", {{"caBundle", bundle}}}}; }

TEST(ApplyCaBundle, ChangesThatFieldAlone) {
  KubeWorld world;
  world.kubernetes.Put("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/acr",
                       Configuration({Webhook("pods.acr-admission.io", "Fail"), Webhook("other.acr-admission.io", "Ignore")}), "helm");
  const auto applied =
      world.api.Apply(kWebhooks, "acr", Configuration({CaBundle("pods.acr-admission.io", "Q0E=")}), "certs", OnConflict::kFail, kDeadline);
  ASSERT_TRUE(applied) << applied.error().ToString();
  EXPECT_EQ((*applied)["webhooks"][0]["clientConfig"]["caBundle"], "Q0E=");
  EXPECT_EQ((*applied)["webhooks"][0]["failurePolicy"], "Fail");
  EXPECT_EQ((*applied)["webhooks"][1], Webhook("other.acr-admission.io", "Ignore"));
}

TEST(ApplyCaBundle, AConfigurationThatIsGoneStaysGone) {
  KubeWorld world;
  const auto applied =
      world.api.Apply(kWebhooks, "acr", Configuration({CaBundle("pods.acr-admission.io", "Q0E=")}), "certs", OnConflict::kForce, kDeadline);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, Kind::kInvalid);
}

TEST(ApplyCaBundle, AnotherManagersValueIsAConflictUnlessForced) {
  KubeWorld world;
  json webhook = Webhook("pods.acr-admission.io", "Fail");
  webhook["clientConfig"]["caBundle"] = "T0xE";
  world.kubernetes.Put("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/acr", Configuration({webhook}), "kubectl");
  const json fields = Configuration({CaBundle("pods.acr-admission.io", "Q0E=")});
  const auto conflict = world.api.Apply(kWebhooks, "acr", fields, "certs", OnConflict::kFail, kDeadline);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().kind, Kind::kConflict);
  EXPECT_THAT(conflict.error().message,
              HasSubstr(R"(conflict with "kubectl": .webhooks[name="pods.acr-admission.io"].clientConfig.caBundle)"));
  const auto forced = world.api.Apply(kWebhooks, "acr", fields, "certs", OnConflict::kForce, kDeadline);
  ASSERT_TRUE(forced);
  EXPECT_EQ((*forced)["webhooks"][0]["clientConfig"]["caBundle"], "Q0E=");
}

TEST(Api, AnApplyOfAVersionThatIsNoLongerIsAConflictAndMakesNothing) {
  KubeWorld world;
  const std::string path = "/api/v1/namespaces/acr/configmaps/policy";
  json fields = ConfigMap("policy", "x");
  fields["metadata"]["resourceVersion"] = "1";
  const auto apply = [&] { return world.api.Apply(kConfigMaps, "policy", fields, "m", OnConflict::kForce, kDeadline); };
  auto applied = apply();
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().kind, Kind::kConflict);
  EXPECT_FALSE(world.kubernetes.Find(path));
  world.kubernetes.Put(path, ConfigMap("policy", "y"));
  EXPECT_FALSE(apply());
  fields["metadata"]["resourceVersion"] = (*world.kubernetes.Find(path))["metadata"]["resourceVersion"];
  EXPECT_TRUE(apply());
}

TEST(Api, KnowsTheApiServersTimeByItsAnswers) {
  KubeWorld world;
  EXPECT_EQ(world.api.ServerTime(), std::nullopt);
  static_cast<void>(world.api.Get(kConfigMaps, "policy", kDeadline));
  EXPECT_EQ(world.api.ServerTime(), std::nullopt) << "it does not say";
  support::FakeClock theirs(world.clock.Now() + std::chrono::hours(5));
  world.client.TellTime(&theirs);
  static_cast<void>(world.api.Get(kConfigMaps, "policy", kDeadline));  // a refusal says so too
  EXPECT_EQ(world.api.ServerTime(), theirs.Now());
  world.clock.Advance(std::chrono::seconds(7));
  EXPECT_EQ(world.api.ServerTime(), theirs.Now() + std::chrono::seconds(7));
}

}  // namespace
}  // namespace kube
