// The audit API over TLS: what the server makes of its requests, whoever answers them.
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using std::chrono::milliseconds;
using support::kCompliantImage;
using support::kPatience;
using support::PodReview;
using support::Post;
using support::TestClient;
using support::TestServer;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

constexpr const char* kToken = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl";

// Whoever answers for the log: keeps the requests, which the test answers when it likes.
class Desk {
 public:
  struct Visit {
    AuditRequest request;
    std::function<void(AuditAnswer)> done;
  };

  Query AsQuery() {
    return [this](AuditRequest request, std::function<void(AuditAnswer)> done) {
      base::MutexLock lock(mutex_);
      visits_.push_back({std::move(request), std::move(done)});
      came_.NotifyAll();
    };
  }

  // Waits for the next one.
  Visit Next() EXCLUDES(mutex_) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    base::MutexLock lock(mutex_);
    while (visits_.empty()) {
      if (!came_.WaitUntil(mutex_, until) && visits_.empty()) {
        throw std::runtime_error("nothing was asked");
      }
    }
    Visit next = std::move(visits_.front());
    visits_.pop_front();
    return next;
  }

  bool Asked() const EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return !visits_.empty();
  }

 private:
  mutable base::Mutex mutex_;
  base::CondVar came_;
  std::deque<Visit> visits_ GUARDED_BY(mutex_);
};

// Waits as long as a test does.
ServerOptions Patient() {
  auto options = TestServer::Options();
  options.limits.audit = std::chrono::hours(1);
  return options;
}

std::string Get(const std::string& target = "/audit/v1/decisions",
                const std::string& headers = "Authorization: Bearer " + std::string(kToken) + "\r\n", const std::string& method = "GET") {
  return method + " " + target + " HTTP/1.1\r\nHost: acr-admission.acr-system.svc:8443\r\n" + headers + "\r\n";
}

std::string Review(const std::string& uid) { return Post(PodReview(uid, kCompliantImage)); }

class AuditApiServer : public testing::Test {
 protected:
  TestServer& Serve(const ServerOptions& options = Patient()) {
    server_ = std::make_unique<TestServer>(options, nullptr, /*with_identity=*/true, desk_.AsQuery());
    return *server_;
  }

  // Answered at once.
  support::Answer Answered(TestClient& client, const std::string& request, AuditAnswer answer) {
    client.Send(request);
    desk_.Next().done(std::move(answer));
    return client.Read().value();
  }

  Desk desk_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(AuditApiServer, PassesOnWhatIsAskedAndWhoAsks) {
  TestServer& server = Serve();
  auto client = server.Connect();
  client.Send(Get("/audit/v1/decisions?namespace=shop&limit=2"));
  const auto visit = desk_.Next();
  EXPECT_EQ(visit.request.target, "/audit/v1/decisions?namespace=shop&limit=2");
  EXPECT_EQ(visit.request.token, kToken);
  EXPECT_EQ(visit.request.peer, "127.0.0.1");
  EXPECT_EQ(server.Metric("audit_api_requests_in_flight"), "1");
  visit.done({.body = "{\"decisions\":[]}\n"});
  const auto answer = client.Read().value();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"decisions\":[]}\n");
  EXPECT_THAT(answer.headers, Contains(Pair("content-type", "application/json")));
  EXPECT_THAT(answer.headers, Contains(Pair("cache-control", "no-store")));
  EXPECT_FALSE(answer.Has("connection"));

  EXPECT_EQ(Answered(client, Get("/audit/v1/summary"), {.body = "{}\n"}).status, 200) << "the connection goes on";
  EXPECT_EQ(Answered(client, Get("/audit/v1/decisions/705ab4f5"), AuditError(404, "none")).status, 404);
  EXPECT_EQ(server.Metric("audit_api_requests_total{endpoint=\"decisions\",code=\"2xx\"}"), "1");
  EXPECT_EQ(server.Metric("audit_api_requests_total{endpoint=\"summary\",code=\"2xx\"}"), "1");
  EXPECT_EQ(server.Metric("audit_api_requests_total{endpoint=\"decision\",code=\"4xx\"}"), "1");
  EXPECT_EQ(server.Metric("audit_api_request_duration_seconds_count"), "3");
  EXPECT_EQ(server.Metric("audit_api_requests_in_flight"), "0");
  EXPECT_EQ(server.Metric("requests_total{code=\"200\"}"), "0") << "these are no admissions";
  EXPECT_EQ(server.Metric("request_duration_seconds_count"), "0");
}

TEST_F(AuditApiServer, EveryStatusComesOutWithItsHeaders) {
  auto client = Serve().Connect();
  for (const unsigned status : {400U, 403U, 404U, 500U}) {
    const auto answer = Answered(client, Get(), AuditError(status, "why"));
    EXPECT_EQ(answer.status, static_cast<int>(status));
    EXPECT_EQ(answer.body, "{\"error\":\"why\"}\n");
    EXPECT_FALSE(answer.Has("retry-after"));
    EXPECT_FALSE(answer.Has("www-authenticate"));
  }
  EXPECT_THAT(Answered(client, Get(), AuditUnauthenticated("who?")).headers, Contains(Pair("www-authenticate", "Bearer")));
  for (const unsigned status : {429U, 503U}) {
    const auto answer = Answered(client, Get(), AuditError(status, "why", 7));
    EXPECT_EQ(answer.status, static_cast<int>(status));
    EXPECT_THAT(answer.headers, Contains(Pair("retry-after", "7")));
  }
}

TEST_F(AuditApiServer, WithoutATokenNobodyIsAsked) {
  TestServer& server = Serve();
  for (const char* headers :
       {"", "Authorization: Basic amFuZTpzZWNyZXQ=\r\n", "Authorization: Bearer \r\n", "Authorization: Bearer a b\r\n"}) {
    auto client = server.Connect();
    const auto answer = client.Ask(Get("/audit/v1/decisions", headers)).value();
    EXPECT_EQ(answer.status, 401) << headers;
    EXPECT_THAT(answer.headers, Contains(Pair("www-authenticate", "Bearer")));
    EXPECT_TRUE(client.WaitUntilClosed());
  }
  EXPECT_FALSE(desk_.Asked());
  EXPECT_EQ(server.Metric("audit_api_requests_total{endpoint=\"decisions\",code=\"4xx\"}"), "4");
  EXPECT_EQ(server.Metric("requests_total{code=\"401\"}"), "0");
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"unauthorized\"}"), "0");
}

TEST_F(AuditApiServer, OtherMethodsBodiesAndPathsAreRefused) {
  TestServer& server = Serve();
  const std::string authorization = "Authorization: Bearer " + std::string(kToken) + "\r\n";
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const auto answer = server.Connect().Ask(Get("/audit/v1/decisions", authorization + "Content-Length: 0\r\n", method)).value();
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_THAT(answer.headers, Contains(Pair("allow", "GET"))) << method;
  }
  auto head = server.Connect();
  head.Send(Get("/audit/v1/decisions", authorization, "HEAD"));
  const auto answer = head.ReadHead().value();
  EXPECT_EQ(answer.status, 405);
  EXPECT_THAT(answer.headers, Contains(Pair("allow", "GET")));
  EXPECT_TRUE(head.WaitUntilClosed());

  EXPECT_EQ(server.Connect().Ask(Get("/audit/v1/decisions", authorization + "Content-Length: 2\r\n") + "{}")->status, 400);
  EXPECT_EQ(server.Connect().Ask(Get("/audit/v1/decisions", authorization + "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n")->status, 400);
  EXPECT_EQ(server.Connect().Ask(Get("/audit/v1/nothing"))->status, 404);
  EXPECT_EQ(server.Connect().Ask(Get("/audit/v2/decisions"))->status, 404);
  EXPECT_EQ(server.Connect().Ask(Get("/audit/v1/decisions?user=" + std::string(9000, 'a')))->status, 400);
  EXPECT_EQ(server.Connect().Ask(Get("/audit/v1/decisions", "Authorization: Bearer " + std::string(20'000, 'a') + "\r\n"))->status, 431);
  EXPECT_EQ(server.Connect().Ask(Get("/audit/v1/decisions", authorization + authorization))->status, 400);
  EXPECT_FALSE(desk_.Asked());
  auto client = server.Connect();
  EXPECT_EQ(Answered(client, Get("/audit/v1/decisions", authorization + "Content-Length: 0\r\n"), {.body = "{}\n"}).status, 200);
}

TEST_F(AuditApiServer, WhereThereIsNoneItIsNotFound) {
  TestServer server;
  EXPECT_EQ(server.Connect().Ask(Get())->status, 404);
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"not_found\"}"), "1");
  EXPECT_EQ(server.Metric("audit_api_requests_total{endpoint=\"decisions\",code=\"4xx\"}"), "0");
}

TEST_F(AuditApiServer, RequestsInOnePieceAreAnsweredInTurn) {
  TestServer& server = Serve();
  auto client = server.Connect();
  client.Send(Get("/audit/v1/decisions/1") + Review("a") + Get("/audit/v1/decisions/2") + Review("b"));
  for (const char* number : {"1", "2"}) {
    const auto visit = desk_.Next();
    EXPECT_EQ(visit.request.target, std::string("/audit/v1/decisions/") + number);
    EXPECT_FALSE(desk_.Asked()) << "one after the other";
    visit.done({.body = number});
    EXPECT_EQ(client.Read()->body, number);
    EXPECT_EQ(client.Read()->status, 200);
  }
  EXPECT_THAT(server.CommittedUids(), testing::ElementsAre("a", "b"));
  EXPECT_EQ(server.Metric("requests_total{code=\"200\"}"), "2");
  EXPECT_EQ(server.Metric("audit_api_requests_total{endpoint=\"decision\",code=\"2xx\"}"), "2");
}

TEST_F(AuditApiServer, WhoOnlyAsksTheLogMayNotStay) {
  auto options = Patient();
  options.limits.first_request = milliseconds(50);
  TestServer& server = Serve(options);
  auto reviewed = server.Connect();
  ASSERT_EQ(reviewed.Ask(Review("a"))->status, 200);
  auto client = server.Connect();
  EXPECT_EQ(Answered(client, Get(), {.body = "{}\n"}).status, 200);
  EXPECT_TRUE(client.WaitUntilClosed());
  EXPECT_EQ(server.Metric("connections_refused_total{reason=\"no_request\"}"), "0") << "it had asked something";
  EXPECT_EQ(Answered(reviewed, Get(), {.body = "{}\n"}).status, 200) << "who had a review answered may";
  EXPECT_EQ(reviewed.Ask(Review("b"))->status, 200);
}

TEST_F(AuditApiServer, AnAnswerThatDoesNotComeIsNotWaitedFor) {
  auto options = TestServer::Options();
  options.limits.audit = milliseconds(20);
  TestServer& server = Serve(options);
  auto client = server.Connect();
  const auto answer = client.Ask(Get("/audit/v1/decisions/1")).value();
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.Has("retry-after"));
  EXPECT_EQ(server.Metric("audit_api_requests_in_flight"), "0");

  const auto late = desk_.Next();
  late.done({.body = "late"});
  late.done({.body = "twice"});
  EXPECT_EQ(client.Ask(Get("/audit/v1/decisions/2"))->status, 503);
  desk_.Next();  // and never answered
  EXPECT_EQ(client.Ask(Review("a"))->status, 200) << "the connection has gone on";
}

TEST_F(AuditApiServer, AnAnswerFromWithinTheQuestionWillDo) {
  TestServer server(Patient(), nullptr, true,
                    [](const AuditRequest&, const std::function<void(AuditAnswer)>& done) { done(AuditError(429, "wait", 1)); });
  auto client = server.Connect();
  EXPECT_EQ(client.Ask(Get())->status, 429);
  EXPECT_EQ(client.Ask(Get())->status, 429);
}

TEST_F(AuditApiServer, WhileAllItsPlacesAreTakenReviewsGoOn) {
  TestServer& server = Serve();
  const std::size_t places = Limits().audit_requests;
  std::vector<TestClient> stuck;
  std::vector<Desk::Visit> visits;
  for (std::size_t i = 0; i < places; ++i) {
    stuck.push_back(server.Connect());
    stuck.back().Send(Get());
    visits.push_back(desk_.Next());
  }
  auto reviews = server.Connect();
  auto asking = server.Connect();
  std::string shut_out;
  for (int i = 0; i < 100; ++i) {
    shut_out += Get();
  }
  for (int round = 0; round < 20; ++round) {  // two thousand that there is no place for, and one without a token each time
    asking.Send(shut_out);
    EXPECT_EQ(server.Connect().Ask(Get("/audit/v1/decisions", ""))->status, 401);
    for (int i = 0; i < 10; ++i) {
      ASSERT_EQ(reviews.Ask(Review("u"))->status, 200);
    }
    for (int i = 0; i < 100; ++i) {
      const auto answer = asking.Read().value();
      ASSERT_EQ(answer.status, 503);
      ASSERT_THAT(answer.headers, Contains(Pair("retry-after", "1")));
    }
  }
  EXPECT_FALSE(desk_.Asked());
  EXPECT_EQ(server.CommittedUids().size(), 200u);
  EXPECT_EQ(server.Metric("audit_api_requests_in_flight"), std::to_string(places));
  EXPECT_EQ(server.Metric("requests_total{code=\"503\"}"), "0") << "no admission failed";
  for (std::size_t i = 0; i < places; ++i) {
    visits[i].done({.body = "{}\n"});
    EXPECT_EQ(stuck[i].Read()->status, 200);
  }
  EXPECT_EQ(Answered(asking, Get(), {.body = "{}\n"}).status, 200) << "there is room again";
}

// As large as they come.
std::string LargeBody() {
  std::string body;
  while (body.size() < std::size_t{5} << 20) {
    body += std::to_string(body.size()) + ",";
  }
  return body;
}

TEST_F(AuditApiServer, ALargeAnswerArrivesWholeAndAfterItTheNext) {
  auto client = Serve().Connect();
  const std::string body = LargeBody();
  client.Send(Get() + Get());
  desk_.Next().done({.body = body});
  EXPECT_TRUE(client.Read()->body == body);
  desk_.Next().done({.body = "{}\n"});
  EXPECT_EQ(client.Read()->body, "{}\n");
}

TEST_F(AuditApiServer, WhoDoesNotReadItsAnswerGivesItsPlaceBack) {
  auto options = Patient();
  options.limits.write = milliseconds(50);
  TestServer& server = Serve(options);
  support::ClientOptions small;
  small.receive_buffer = 4096;
  auto reviews = server.Connect();
  auto client = server.Connect(small);
  client.Send(Get());
  desk_.Next().done({.body = LargeBody()});
  EXPECT_TRUE(server.MetricBecomes("audit_api_requests_in_flight", "0"));
  EXPECT_TRUE(server.MetricBecomes("connections", "1"));
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"write_deadline\"}"), "0") << "that counts admissions";
  EXPECT_EQ(reviews.Ask(Review("a"))->status, 200);
}

TEST_F(AuditApiServer, AClientThatLeavesGivesItsPlaceBackWithTheAnswer) {
  TestServer& server = Serve();
  {
    auto client = server.Connect();
    client.Send(Get());
  }
  const auto visit = desk_.Next();
  visit.done({.body = LargeBody()});
  EXPECT_TRUE(server.MetricBecomes("audit_api_requests_in_flight", "0"));
  EXPECT_TRUE(server.MetricBecomes("connections", "0"));
}

bool BecomesUnready(const TestServer& server) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    if (server.GetHealth("/readyz").find("draining") != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST_F(AuditApiServer, ADrainWaitsForAnAnswer) {
  auto options = Patient();
  options.limits.stop = kPatience;
  options.limits.stop_queries = kPatience;
  TestServer& server = Serve(options);
  auto client = server.Connect();
  client.Send(Get());
  const auto visit = desk_.Next();
  std::jthread draining([&] { (*server).Drain(); });
  EXPECT_TRUE(BecomesUnready(server));
  visit.done({.body = "{}\n"});
  const auto answer = client.Read().value();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.headers, Contains(Pair("connection", "close")));
  EXPECT_TRUE(client.WaitUntilClosed());
}

TEST_F(AuditApiServer, ADrainDoesNotWaitForever) {
  auto options = Patient();
  options.limits.stop = kPatience;
  options.limits.stop_queries = milliseconds(20);
  TestServer& server = Serve(options);
  auto client = server.Connect();
  client.Send(Get());
  const auto visit = desk_.Next();
  std::jthread draining([&] { (*server).Drain(); });
  const auto answer = client.Read().value();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.headers, Contains(Pair("connection", "close")));
  EXPECT_TRUE(client.WaitUntilClosed());
  draining.join();
  server_.reset();
  visit.done({.body = "{}\n"});  // the server is gone
}

TEST_F(AuditApiServer, ItsCallersNeedNoClientCertificate) {
  auto options = Patient();
  options.client_ca_pem = support::MakeSelfSigned().certificate_pem;
  TestServer& server = Serve(options);
  auto client = server.Connect();
  EXPECT_EQ(Answered(client, Get(), {.body = "{}\n"}).status, 200);
  EXPECT_EQ(client.Ask(Review("a"))->status, 401) << "reviews do";
}

TEST_F(AuditApiServer, NoTokenIsEverSaidAgain) {
  auto options = TestServer::Options();
  options.limits.audit = milliseconds(20);
  TestServer& server = Serve(options);
  const std::string header = "Authorization: Bearer " + std::string(kToken);
  std::string said;
  for (const std::string& request : {
           Get(),
           Get("/audit/v1/decisions", header + "\r\n", "POST"),
           Get("/audit/v1/nothing"),
           Get("/validate"),
           Get("/audit/v1/decisions", header + " and more\r\n"),
           Get("/audit/v1/decisions", header + "\r\n" + header + "\r\n"),
           Get("/audit/v1/decisions", header + "\r\n" + "Content-Length: x\r\n"),
           Get("/audit/v1/decisions", header + "\x01\r\n"),
           Get("/audit/v1/decisions", header + "\r\nX: " + std::string(20'000, 'a') + "\r\n"),
           Get("/audit/v1/decisions", std::string(kToken) + " " + kToken + "\r\n"),
       }) {
    const auto answer = server.Connect().Ask(request);
    ASSERT_TRUE(answer) << request;
    EXPECT_NE(answer->status, 200) << request;
    said += answer->body;
  }
  EXPECT_THAT(said + server.log() + server.GetHealth("/metrics") + server.GetHealth("/readyz"), Not(HasSubstr("c2VjcmV0")));
}

}  // namespace
}  // namespace webhook
