#include "webhook/handler.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/admission_world.h"
#include "tests/support/fake_clock.h"

namespace webhook {
namespace {

using support::PodReview;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class HandlerTest : public ::testing::Test {
 protected:
  Outcome Handle(std::string body, HandlerOptions options = {"prod-weu", "replica-1", true, true}) {
    return Handle(body, Denial::kFinal, std::move(options));
  }
  Outcome Handle(std::string& body, Denial denial, HandlerOptions options = {"", "", true, true}) {
    Handler handler(std::move(options), clock, [](base::LogLevel, std::string_view) {}, metrics.AddShard());
    return handler.Handle(*state, body, {"10.1.2.3", "CN=kube-apiserver"}, denial);
  }

  support::FakeClock clock;
  Metrics metrics{""};
  std::shared_ptr<const state::State> state = support::DefaultState();
};

TEST_F(HandlerTest, ADenialIsA200ThatSaysNo) {
  const Outcome outcome = Handle(PodReview("uid-1", support::kNonCompliantImage));
  EXPECT_EQ(outcome.status, 200u);
  const auto answer = nlohmann::json::parse(outcome.body);
  EXPECT_EQ(answer["response"]["allowed"], false);
  EXPECT_EQ(answer["response"]["uid"], "uid-1");
  EXPECT_EQ(answer["response"]["status"]["code"], 403);
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_decisions_total{decision=\"Denied\",dry_run=\"false\"} 1\n"));
}

TEST_F(HandlerTest, TheRecordSaysWhoAskedAndWhatWasAnswered) {
  const Outcome outcome = Handle(PodReview("uid-1", support::kCompliantImage));
  EXPECT_EQ(nlohmann::json::parse(outcome.body)["response"]["allowed"], true);
  ASSERT_TRUE(outcome.record);
  EXPECT_EQ(outcome.record->uid, "uid-1");
  EXPECT_EQ(outcome.record->decision, policy::DecisionKind::kAllowed);
  const auto record = nlohmann::json::parse(outcome.record->json);
  EXPECT_EQ(record["peer"], "10.1.2.3");
  EXPECT_EQ(record["clientCertificate"], "CN=kube-apiserver");
  EXPECT_EQ(record["cluster"], "prod-weu");
  EXPECT_EQ(record["replica"], "replica-1");
  EXPECT_EQ(record["time"], "2026-11-23T12:00:00.000000Z");
}

TEST_F(HandlerTest, TheRecordHasTheMessageThatThePersonGot) {
  const Outcome denied = Handle(PodReview("uid-1", support::kNonCompliantImage));
  const auto record = nlohmann::json::parse(denied.record.value().json);
  EXPECT_EQ(record.at("message"), nlohmann::json::parse(denied.body)["response"]["status"]["message"]);
  EXPECT_THAT(record["message"].get<std::string>(), HasSubstr("uid-1"));
  EXPECT_EQ(record["rules"].size(), state->policy->requirements.size());
  EXPECT_FALSE(nlohmann::json::parse(Handle(PodReview("uid-2", support::kCompliantImage)).record.value().json).contains("message"));
}

TEST_F(HandlerTest, RecordsOfDenialsAloneLeaveOutWhatWasAllowed) {
  const HandlerOptions denied_only{"", "", true, /*record_allowed=*/false};
  EXPECT_FALSE(Handle(PodReview("a", support::kCompliantImage), denied_only).record);
  EXPECT_TRUE(Handle(PodReview("b", support::kNonCompliantImage), denied_only).record);
}

TEST_F(HandlerTest, WorkloadsThatThePolicyLeavesAloneAreAllowedWithoutARecord) {
  std::ifstream file(ACR_TEST_DATA "/reviews/deployment-create.json");
  const std::string review{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(Handle(review).record) << "the default policy judges them";
  state = support::DefaultState("apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nworkloads: Off\n");
  const Outcome outcome = Handle(review);
  EXPECT_EQ(nlohmann::json::parse(outcome.body)["response"]["allowed"], true);
  EXPECT_FALSE(outcome.record);
}

TEST_F(HandlerTest, WithAuditingOffThereIsNoRecord) {
  EXPECT_FALSE(Handle(PodReview("a", support::kNonCompliantImage), {"", "", /*record=*/false, true}).record);
}

TEST_F(HandlerTest, TheRecordHasTheWarningsThatThePersonGot) {
  state = support::DefaultState(
      "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: private-link, effect: Warn}]\n");
  const Outcome warned = Handle(PodReview("uid-1", support::kNonCompliantImage));
  const auto record = nlohmann::json::parse(warned.record.value().json);
  EXPECT_EQ(record["decision"], "Warned");
  EXPECT_EQ(record.at("warnings"), nlohmann::json::parse(warned.body)["response"]["warnings"]);
  EXPECT_THAT(record["warnings"].dump(), HasSubstr("private-link"));
  EXPECT_FALSE(nlohmann::json::parse(Handle(PodReview("uid-2", support::kCompliantImage)).record.value().json).contains("warnings"));
}

TEST_F(HandlerTest, WhereNothingIsToBeDecidedTheAnswerIsYesWithoutARecord) {
  const Outcome outcome = Handle(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u",
    "kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},
    "operation":"DELETE","namespace":"shop","name":"cart","object":null}})");
  EXPECT_EQ(outcome.status, 200u);
  EXPECT_EQ(nlohmann::json::parse(outcome.body)["response"]["allowed"], true);
  EXPECT_FALSE(outcome.record);
}

TEST_F(HandlerTest, WhatIsNoReviewIsA400WithAReason) {
  for (const char* body : {"", "{", "[]", "{\"kind\":\"AdmissionReview\"}", "\xff\xfe"}) {
    const Outcome outcome = Handle(body);
    EXPECT_EQ(outcome.status, 400u) << body;
    EXPECT_FALSE(nlohmann::json::parse(outcome.body)["error"].get<std::string>().empty());
    EXPECT_FALSE(outcome.record);
  }
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_refused_requests_total{reason=\"bad_review\"} "));
}

TEST_F(HandlerTest, ADenialOnOldFactsAsksForFresherOnesAndIsNoDecisionYet) {
  std::string body = PodReview("u", {support::kNonCompliantImage, "unheard-of.azurecr.io/x", support::kCompliantImage});
  const std::string text = body;
  const Outcome outcome = Handle(body, Denial::kMayWait);
  EXPECT_THAT(outcome.needs_fresh, ElementsAre("open.azurecr.io", "unheard-of.azurecr.io"));
  EXPECT_FALSE(outcome.denied);
  EXPECT_THAT(outcome.body, IsEmpty());
  EXPECT_FALSE(outcome.record);
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_decisions_total{decision=\"Denied\",dry_run=\"false\"} 0\n"));
  EXPECT_THAT(metrics.Expose(), Not(HasSubstr("acr_admission_findings_total{")));
  EXPECT_EQ(body, text) << "it will be handled again";
}

TEST_F(HandlerTest, TheFinalDecisionOnTheSameBodyStands) {
  std::string body = PodReview("u", support::kNonCompliantImage);
  ASSERT_THAT(Handle(body, Denial::kMayWait).needs_fresh, ElementsAre("open.azurecr.io"));
  const Outcome denied = Handle(body, Denial::kFinal);
  EXPECT_TRUE(denied.denied);
  EXPECT_THAT(denied.needs_fresh, IsEmpty());
  EXPECT_EQ(nlohmann::json::parse(denied.body)["response"]["allowed"], false);
  ASSERT_TRUE(denied.record);
  EXPECT_EQ(denied.record->decision, policy::DecisionKind::kDenied);

  state = support::MendedState();
  const Outcome allowed = Handle(body, Denial::kFinal);
  EXPECT_FALSE(allowed.denied);
  EXPECT_EQ(nlohmann::json::parse(allowed.body)["response"]["allowed"], true);
  ASSERT_TRUE(allowed.record);
  EXPECT_EQ(allowed.record->decision, policy::DecisionKind::kAllowed);
}

TEST_F(HandlerTest, NothingIsAskedForWhenFactsAreFreshOrNothingIsDenied) {
  std::string compliant = PodReview("u", support::kCompliantImage);
  EXPECT_THAT(Handle(compliant, Denial::kMayWait).needs_fresh, IsEmpty());
  std::string other = PodReview("u", {support::kNonCompliantImage, "quay.io/x", support::kCompliantImage});
  EXPECT_THAT(Handle(other, Denial::kMayWait).needs_fresh, IsEmpty()) << "denied whatever Azure says";
  clock.Step(-std::chrono::seconds(26));  // they were observed at 11:59:31
  std::string fresh = PodReview("u", support::kNonCompliantImage);
  const Outcome outcome = Handle(fresh, Denial::kMayWait);
  EXPECT_THAT(outcome.needs_fresh, IsEmpty());
  EXPECT_TRUE(outcome.denied);
  EXPECT_TRUE(outcome.record);
}

// A clock that fails stands for any defect of ours.
class BrokenClock final : public base::Clock {
 public:
  base::Time Now() const override { throw std::runtime_error("broken"); }
  std::chrono::steady_clock::time_point Monotonic() const override { return {}; }
};

TEST_F(HandlerTest, ADefectIsA500AndLoggedOnce) {
  const BrokenClock broken;
  std::vector<std::string> logged;
  Handler handler(
      {"", "", true, true}, broken, [&](base::LogLevel, std::string_view message) { logged.emplace_back(message); }, metrics.AddShard());
  for (int i = 0; i < 2; ++i) {
    std::string body = PodReview("u", support::kCompliantImage);
    EXPECT_EQ(handler.Handle(*state, body, {}, Denial::kMayWait).status, 500u);
  }
  EXPECT_THAT(logged, ::testing::ElementsAre(HasSubstr("broken")));
}

}  // namespace
}  // namespace webhook
