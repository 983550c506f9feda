// Denials that wait for fresher facts.
#include <chrono>
#include <deque>
#include <functional>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using support::kCompliantImage;
using support::kNonCompliantImage;
using support::kPatience;
using support::PodReview;
using support::Post;
using support::TestClient;
using support::TestServer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Whoever is asked for fresher facts: keeps the questions, which the test answers when it likes.
class Source {
 public:
  struct Question {
    std::vector<std::string> login_servers;
    steady_clock::time_point deadline;
    std::function<void()> done;
  };

  Freshen AsFreshen() {
    return [this](std::vector<std::string> login_servers, steady_clock::time_point deadline, std::function<void()> done) {
      base::MutexLock lock(mutex_);
      questions_.push_back({std::move(login_servers), deadline, std::move(done)});
      asked_.NotifyAll();
    };
  }

  // Waits for the next question.
  Question Next() EXCLUDES(mutex_) {
    const auto until = steady_clock::now() + kPatience;
    base::MutexLock lock(mutex_);
    while (questions_.empty()) {
      if (!asked_.WaitUntil(mutex_, until) && questions_.empty()) {
        throw std::runtime_error("nothing was asked");
      }
    }
    Question next = std::move(questions_.front());
    questions_.pop_front();
    return next;
  }

  bool Asked() const EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return !questions_.empty();
  }

 private:
  mutable base::Mutex mutex_;
  base::CondVar asked_;
  std::deque<Question> questions_ GUARDED_BY(mutex_);
};

// Waits as long as a test does, unless the source answers.
ServerOptions Patient() {
  auto options = TestServer::Options();
  options.limits.confirm = std::chrono::hours(1);
  options.limits.confirm_margin = milliseconds(0);
  return options;
}

ServerOptions Impatient() {
  auto options = TestServer::Options();
  options.limits.confirm = milliseconds(20);
  return options;
}

// Without a timeout of the caller's.
std::string Request(std::string_view uid, std::string_view image) {
  std::string request = Post(PodReview(uid, image));
  return request.replace(request.find("?timeout=10s"), std::string_view("?timeout=10s").size(), "");
}

bool Allowed(const std::optional<support::Answer>& answer) {
  return answer && answer->status == 200 && nlohmann::json::parse(answer->body)["response"]["allowed"].get<bool>();
}
bool Denied(const std::optional<support::Answer>& answer) {
  return answer && answer->status == 200 && !nlohmann::json::parse(answer->body)["response"]["allowed"].get<bool>();
}

// Of each result: allowed, denied, late.
std::vector<std::string> Confirmations(const TestServer& server) {
  std::vector<std::string> counts;
  for (const char* result : {"allowed", "denied", "late"}) {
    counts.push_back(server.Metric("confirmations_total{result=\"" + std::string(result) + "\"}"));
  }
  return counts;
}

TEST(Confirm, ARegistryThatWasMendedMeanwhileIsAdmitted) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  auto client = server.Connect();
  const std::string review = PodReview("a", kNonCompliantImage);
  client.Send(Request("a", kNonCompliantImage));
  const auto question = source.Next();
  EXPECT_THAT(question.login_servers, ElementsAre("open.azurecr.io"));
  EXPECT_THAT(server.CommittedUids(), IsEmpty()) << "nothing is decided yet";
  EXPECT_EQ(server.Metric("bodies_in_flight_bytes"), std::to_string(review.size())) << "its body is still paid for";

  server.Publish(support::MendedState());
  question.done();
  EXPECT_TRUE(Allowed(client.Read()));
  EXPECT_THAT(server.Recorded("decision"), ElementsAre("Allowed"));
  EXPECT_EQ(server.Metric("decisions_total{decision=\"Allowed\",dry_run=\"false\"}"), "1");
  EXPECT_EQ(server.Metric("decisions_total{decision=\"Denied\",dry_run=\"false\"}"), "0");
  EXPECT_THAT(Confirmations(server), ElementsAre("1", "0", "0"));
  EXPECT_EQ(server.Metric("confirmation_duration_seconds_count"), "1");
  EXPECT_EQ(server.Metric("bodies_in_flight_bytes"), "0");
}

TEST(Confirm, ADenialThatIsConfirmedIsRecordedOnce) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  auto client = server.Connect();
  client.Send(Request("a", kNonCompliantImage));
  source.Next().done();
  EXPECT_TRUE(Denied(client.Read()));
  EXPECT_FALSE(source.Asked()) << "the second decision is final";
  EXPECT_THAT(server.Recorded("decision"), ElementsAre("Denied"));
  EXPECT_EQ(server.Metric("decisions_total{decision=\"Denied\",dry_run=\"false\"}"), "1");
  EXPECT_THAT(Confirmations(server), ElementsAre("0", "1", "0"));
}

TEST(Confirm, AnUnknownRegistryThatIsFoundIsAdmitted) {
  Source source;
  auto unknown = std::make_shared<state::State>();
  unknown->policy = support::DefaultState()->policy;
  TestServer server(Patient(), source.AsFreshen());
  server.Publish(std::move(unknown));
  auto client = server.Connect();
  client.Send(Request("a", kCompliantImage));
  const auto question = source.Next();
  EXPECT_THAT(question.login_servers, ElementsAre("compliant.azurecr.io"));
  server.Publish(support::DefaultState());
  question.done();
  EXPECT_TRUE(Allowed(client.Read()));
}

TEST(Confirm, ADryRunIsDecidedAlike) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  auto client = server.Connect();
  auto review = nlohmann::json::parse(PodReview("a", kNonCompliantImage));
  review["request"]["dryRun"] = true;
  client.Send(Post(review.dump()));
  const auto question = source.Next();
  server.Publish(support::MendedState());
  question.done();
  EXPECT_TRUE(Allowed(client.Read()));
  EXPECT_EQ(server.Metric("decisions_total{decision=\"Allowed\",dry_run=\"true\"}"), "1");
}

TEST(Confirm, WhatIsDeniedAnywayDoesNotWait) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  auto client = server.Connect();
  EXPECT_TRUE(Denied(client.Ask(Request("a", "quay.io/x"))));
  EXPECT_TRUE(Allowed(client.Ask(Request("b", kCompliantImage))));
  EXPECT_FALSE(source.Asked());
  EXPECT_EQ(server.Metric("confirmation_duration_seconds_count"), "0");
}

TEST(Confirm, WhenTheTimeIsOverTheOldFactsDecide) {
  Source source;
  TestServer server(Impatient(), source.AsFreshen());
  auto client = server.Connect();
  EXPECT_TRUE(Denied(client.Ask(Request("a", kNonCompliantImage))));
  EXPECT_THAT(Confirmations(server), ElementsAre("0", "0", "1"));
  EXPECT_THAT(server.Recorded("decision"), ElementsAre("Denied"));

  source.Next().done();  // late: the connection has gone on
  EXPECT_TRUE(Denied(client.Ask(Request("b", kNonCompliantImage))));
  source.Next().done();
  EXPECT_TRUE(Allowed(client.Ask(Request("c", kCompliantImage))));
  EXPECT_THAT(Confirmations(server), ElementsAre("0", "0", "2"));
  EXPECT_THAT(server.CommittedUids(), ElementsAre("a", "b", "c"));
}

TEST(Confirm, TheCallersTimeoutEndsTheWaitToo) {
  Source source;
  auto options = Patient();
  options.limits.confirm_margin = std::chrono::seconds(9);
  TestServer server(options, source.AsFreshen());
  auto client = server.Connect();
  EXPECT_TRUE(Denied(client.Ask(Post(PodReview("a", kNonCompliantImage)))));  // ?timeout=10s
  EXPECT_LT(source.Next().deadline, steady_clock::now() + std::chrono::seconds(10)) << "not the hour that the server would wait";
  EXPECT_THAT(Confirmations(server), ElementsAre("0", "0", "1"));
}

TEST(Confirm, WhereTheCallersTimeoutLeavesNothingNobodyIsAsked) {
  Source source;
  auto options = Patient();
  options.limits.confirm_margin = std::chrono::seconds(10);
  TestServer server(options, source.AsFreshen());
  EXPECT_TRUE(Denied(server.Connect().Ask(Post(PodReview("a", kNonCompliantImage)))));  // ?timeout=10s
  EXPECT_FALSE(source.Asked());
  EXPECT_THAT(Confirmations(server), ElementsAre("0", "0", "0"));
}

TEST(Confirm, AnAnswerMayComeAtOnceAndTwice) {
  TestServer server(Patient(), [](const std::vector<std::string>&, steady_clock::time_point, const std::function<void()>& done) {
    done();
    done();
  });
  auto client = server.Connect();
  for (const char* uid : {"a", "b"}) {
    EXPECT_TRUE(Denied(client.Ask(Request(uid, kNonCompliantImage))));
  }
  EXPECT_THAT(server.CommittedUids(), ElementsAre("a", "b"));
  EXPECT_THAT(Confirmations(server), ElementsAre("0", "2", "0"));
}

TEST(Confirm, AnAnswerToTheFirstOfTwoRequestsIsNotTakenForTheSeconds) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  auto client = server.Connect();
  client.Send(Request("a", kNonCompliantImage));
  const auto first = source.Next();
  first.done();
  ASSERT_TRUE(Denied(client.Read()));
  client.Send(Request("b", kNonCompliantImage));
  const auto second = source.Next();
  first.done();
  EXPECT_EQ(server.Connect().Ask(Request("other", kCompliantImage))->status, 200);
  EXPECT_EQ(server.Connect().Ask(Request("other", kCompliantImage))->status, 200) << "whichever thread the first is on, it has turned";
  EXPECT_THAT(server.CommittedUids(), ElementsAre("a", "other", "other"));
  second.done();
  EXPECT_TRUE(Denied(client.Read()));
}

TEST(Confirm, RequestsBehindOneThatWaitsAreAnsweredInTheirOrder) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  auto client = server.Connect();
  client.Send(Request("a", kNonCompliantImage) + Request("b", kCompliantImage));
  source.Next().done();
  EXPECT_TRUE(Denied(client.Read()));
  EXPECT_TRUE(Allowed(client.Read()));
  EXPECT_THAT(server.CommittedUids(), ElementsAre("a", "b"));
}

TEST(Confirm, TheClientMayHaveGone) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  Source::Question question;
  {
    auto client = server.Connect();
    client.Send(Request("a", kNonCompliantImage));
    question = source.Next();
  }
  question.done();
  EXPECT_TRUE(server.MetricBecomes("connections", "0"));
  EXPECT_EQ(server.Metric("bodies_in_flight_bytes"), "0");
  question.done();
  EXPECT_TRUE(Allowed(server.Connect().Ask(Request("b", kCompliantImage))));
}

TEST(Confirm, WhoeverMadeRoomWhileItWaitedIsForgotten) {
  Source source;
  auto options = Patient();
  options.max_connections = 1;
  TestServer server(options, source.AsFreshen());
  auto client = server.Connect();
  client.Send(Request("a", kNonCompliantImage));
  const auto question = source.Next();
  auto newcomer = server.Connect();
  EXPECT_TRUE(client.WaitUntilClosed()) << "it never had an answer";
  question.done();
  EXPECT_TRUE(Allowed(newcomer.Ask(Request("b", kCompliantImage))));
  EXPECT_THAT(server.CommittedUids(), ElementsAre("b"));
  EXPECT_EQ(server.Metric("bodies_in_flight_bytes"), "0");
}

TEST(Confirm, WhoeverMadeRoomAfterEarlierAnswersGetsThisOneToo) {
  Source source;
  auto options = Patient();
  options.max_connections = 8;
  TestServer server(options, source.AsFreshen());
  std::vector<TestClient> clients;
  for (const char* address : {"127.0.3.1", "127.0.3.1", "127.0.3.2", "127.0.3.3", "127.0.3.4", "127.0.3.5", "127.0.3.6", "127.0.3.7"}) {
    support::ClientOptions from;
    from.source = address;
    clients.push_back(server.Connect(from));
    ASSERT_TRUE(Allowed(clients.back().Ask(Request("before", kCompliantImage))));
  }
  clients.front().Send(Request("a", kNonCompliantImage));
  const auto question = source.Next();
  auto newcomer = server.Connect();
  ASSERT_TRUE(server.MetricBecomes("connections_refused_total{reason=\"evicted\"}", "1"));
  question.done();
  const auto answer = clients.front().Read();
  ASSERT_TRUE(Denied(answer));
  EXPECT_EQ(answer->headers.at("connection"), "close");
}

TEST(Confirm, ALargeBodyThatWaitsHoldsUpNoOther) {
  Source source;
  auto options = Patient();
  options.limits.large_body_bytes = 0;  // all of them are
  TestServer server(options, source.AsFreshen());
  auto client = server.Connect();
  client.Send(Request("a", kNonCompliantImage));
  const auto question = source.Next();
  for (int thread = 0; thread < 2; ++thread) {
    EXPECT_TRUE(Allowed(server.Connect().Ask(Request("other", kCompliantImage))));
  }
  question.done();
  EXPECT_TRUE(Denied(client.Read()));
}

TEST(Confirm, ADrainDecidesOnWhatIsKnown) {
  Source source;
  std::function<void()> done;
  {
    auto options = Patient();
    options.limits.stop = kPatience;
    TestServer server(options, source.AsFreshen());
    auto client = server.Connect();
    client.Send(Request("a", kNonCompliantImage));
    done = source.Next().done;
    auto drained = std::async(std::launch::async, [&] { (*server).Drain(); });
    const auto answer = client.Read();
    ASSERT_TRUE(Denied(answer));
    EXPECT_EQ(answer->headers.at("connection"), "close");
    EXPECT_TRUE(client.WaitUntilClosed());
    EXPECT_EQ(drained.wait_for(kPatience), std::future_status::ready);
    EXPECT_THAT(server.CommittedUids(), ElementsAre("a"));
    done();  // after the drain
  }
  done();  // and when the server is gone
}

TEST(Confirm, TwoHundredThatWaitDelayNobodyElse) {
  Source source;
  TestServer server(Patient(), source.AsFreshen());
  std::vector<TestClient> waiting;
  std::vector<Source::Question> questions;
  for (int i = 0; i < 200; ++i) {
    waiting.push_back(server.Connect());
    waiting.back().Send(Request("waiting", kNonCompliantImage));
  }
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    questions.push_back(source.Next());
  }
  support::ClientOptions elsewhere;
  elsewhere.source = "127.0.2.1";
  for (int thread = 0; thread < 2; ++thread) {
    EXPECT_TRUE(Allowed(server.Connect(elsewhere).Ask(Request("other", kCompliantImage))));
  }
  EXPECT_THAT(server.CommittedUids(), ElementsAre("other", "other")) << "all of them still wait";
  for (const auto& question : questions) {
    question.done();
  }
  for (auto& client : waiting) {
    EXPECT_TRUE(Denied(client.Read()));
  }
  EXPECT_THAT(Confirmations(server), ElementsAre("0", "200", "0"));
}

}  // namespace
}  // namespace webhook
