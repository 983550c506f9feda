#include "kube/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"
#include "tests/support/kubernetes_status.h"

namespace kube {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kEvents = "/apis/events.k8s.io/v1/namespaces/acr/events";

Event Refused() {
  return {{"v1", "ConfigMap", "acr", "policy", "uid-9"},
          Event::Type::kWarning,
          "PolicyRefused",
          "KeepLastGood",
          "policy.yaml:3:1: what is wrong"};
}

class EventsTest : public ::testing::Test {
 protected:
  KubeWorld world_;
  std::vector<std::string> log_;
  Events events_{world_.api,
                 world_.clock,
                 [this](base::LogLevel, std::string_view message) { log_.emplace_back(message); },
                 {"acr-admission.io/webhook", "acr-admission-1"}};
};

TEST_F(EventsTest, AreWrittenAsTheApiWantsThem) {
  events_.Record(Refused());
  EXPECT_THAT(world_.kubernetes.calls(), IsEmpty());  // nothing is sent by who records
  events_.Flush();
  const auto written = world_.kubernetes.In(kEvents);
  ASSERT_THAT(written, SizeIs(1)) << (log_.empty() ? "" : log_[0]);
  json event = written[0];
  event.erase("metadata");
  EXPECT_EQ(event,
            json::parse(R"({"apiVersion":"events.k8s.io/v1","kind":"Event","eventTime":"2026-11-23T12:00:00.000000Z","type":"Warning",
    "reason":"PolicyRefused","action":"KeepLastGood","note":"policy.yaml:3:1: what is wrong",
    "regarding":{"apiVersion":"v1","kind":"ConfigMap","namespace":"acr","name":"policy","uid":"uid-9"},
    "reportingController":"acr-admission.io/webhook","reportingInstance":"acr-admission-1"})"));
  EXPECT_EQ(events_.counters().written, 1U);
}

TEST_F(EventsTest, RepetitionsCountUp) {
  events_.Record(Refused());
  events_.Flush();
  world_.clock.Advance(std::chrono::minutes(1));
  events_.Record(Refused());
  events_.Record(Refused());
  events_.Flush();
  const auto written = world_.kubernetes.In(kEvents);
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0]["series"], (json{{"count", 3}, {"lastObservedTime", "2026-11-23T12:01:00.000000Z"}}));
  EXPECT_EQ(events_.counters().recorded, 3U);
  EXPECT_THAT(log_, IsEmpty());
}

TEST_F(EventsTest, OfObjectsOfTheClusterAreInDefault) {
  Event event = Refused();
  event.regarding = {"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "acr", ""};
  events_.Record(event);
  events_.Flush();
  EXPECT_THAT(world_.kubernetes.In("/apis/events.k8s.io/v1/namespaces/default/events"), SizeIs(1));
}

TEST_F(EventsTest, AFailureIsLoggedAndTriedAgain) {
  world_.client.SetUnreachable(true);
  events_.Record(Refused());
  Event other = Refused();
  other.reason = "Other";
  events_.Record(other);
  events_.Flush();
  world_.clock.Advance(std::chrono::seconds(59));
  events_.Flush();
  EXPECT_THAT(log_, SizeIs(1));  // the first failure ends it, for a minute
  EXPECT_EQ(events_.counters().failed, 1U);
  world_.client.SetUnreachable(false);
  world_.clock.Advance(std::chrono::minutes(1));
  events_.Flush();
  EXPECT_THAT(world_.kubernetes.In(kEvents), SizeIs(2));
}

TEST_F(EventsTest, TheApiServerIsLeftAloneAsLongAsItAsks) {
  world_.kubernetes.Fail([](const support::KubernetesCall&) { return true; }, support::TooManyRequestsStatus(300));
  events_.Record(Refused());
  events_.Flush();
  world_.clock.Advance(std::chrono::seconds(299));
  events_.Flush();
  EXPECT_THAT(world_.kubernetes.calls(), SizeIs(1));
  world_.clock.Advance(std::chrono::seconds(1));
  events_.Flush();
  EXPECT_THAT(world_.kubernetes.In(kEvents), SizeIs(1));
}

TEST_F(EventsTest, AnAnswerThatWasLostMakesNoSecondEvent) {
  world_.client.LoseAnswers(1);
  events_.Record(Refused());
  events_.Flush();
  world_.clock.Advance(std::chrono::minutes(1));
  events_.Flush();
  EXPECT_THAT(world_.kubernetes.In(kEvents), SizeIs(1));
  EXPECT_EQ(events_.counters().written, 1U);
}

TEST_F(EventsTest, OneThatExpiredInTheClusterIsCreatedAgainWithItsCount) {
  events_.Record(Refused());
  events_.Flush();
  const std::string name = world_.kubernetes.In(kEvents)[0]["metadata"]["name"];
  world_.kubernetes.Remove(std::string(kEvents) + "/" + name);
  events_.Record(Refused());
  world_.clock.Advance(std::chrono::minutes(1));
  events_.Flush();
  world_.clock.Advance(std::chrono::minutes(1));
  events_.Flush();
  const auto written = world_.kubernetes.In(kEvents);
  ASSERT_THAT(written, SizeIs(1));
  EXPECT_EQ(written[0]["series"]["count"], 2);
}

TEST_F(EventsTest, OneThatIsRefusedIsDroppedAndTheNextIsWritten) {
  Event bad = Refused();
  bad.action = "";
  events_.Record(bad);
  world_.clock.Advance(std::chrono::seconds(1));
  Event good = Refused();
  good.reason = "Good";
  events_.Record(good);
  events_.Flush();
  EXPECT_THAT(log_, ::testing::ElementsAre(HasSubstr("action: Required value")));
  EXPECT_EQ(events_.counters().dropped, 1U);
  EXPECT_THAT(world_.kubernetes.In(kEvents), SizeIs(1));
}

TEST_F(EventsTest, AMissingRoleIsNamedAndWaitedFor) {
  world_.kubernetes.Forbid("create", "events");
  events_.Record(Refused());
  events_.Flush();
  EXPECT_THAT(log_, ::testing::ElementsAre(HasSubstr(R"(grant the verb create on events.events.k8s.io in namespace acr)")));
  world_.kubernetes.Allow("create", "events");
  world_.clock.Advance(std::chrono::minutes(1));
  events_.Flush();
  EXPECT_THAT(world_.kubernetes.In(kEvents), SizeIs(1));
}

TEST_F(EventsTest, ANamespaceThatTakesNoMoreHoldsUpNoOther) {
  world_.kubernetes.Fail([](const support::KubernetesCall& call) { return call.verb == "create"; },
                         support::Status(403, "Forbidden", "events.events.k8s.io \"policy.1\" is forbidden: exceeded quota: few"));
  events_.Record(Refused());
  Event other = Refused();
  other.regarding.namespace_name = "default";
  events_.Record(other);
  events_.Flush();
  EXPECT_EQ(events_.counters().dropped, 1U);
  EXPECT_EQ(events_.counters().written, 1U);
  EXPECT_THAT(log_, ::testing::ElementsAre(HasSubstr("exceeded quota")));
}

TEST_F(EventsTest, AnObjectWhoseVersionIsNotKnownIsNamedWithoutIt) {
  Event event = Refused();
  event.regarding.api_version.clear();
  events_.Record(event);
  events_.Flush();
  EXPECT_EQ(world_.kubernetes.In(kEvents).at(0)["regarding"],
            json::parse(R"({"kind":"ConfigMap","namespace":"acr","name":"policy","uid":"uid-9"})"));
}

}  // namespace
}  // namespace kube
