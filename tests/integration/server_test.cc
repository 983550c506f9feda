// Admissions over real TLS sockets, decided by the real policy.
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using support::kCompliantImage;
using support::kNonCompliantImage;
using support::PodReview;
using support::Post;
using support::TestClient;
using support::TestServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

nlohmann::json Response(const support::Answer& answer) { return nlohmann::json::parse(answer.body)["response"]; }

TEST(Server, AnswersAClientThatIsNotOurs) {
  TestServer server;
  httplib::SSLClient client("127.0.0.1", server.port());
  client.enable_server_certificate_verification(false);
  client.set_keep_alive(true);
  for (int i = 0; i < 3; ++i) {
    const auto result = client.Post("/validate?timeout=10s", PodReview("u", kCompliantImage), "application/json");
    ASSERT_TRUE(result) << httplib::to_string(result.error());
    EXPECT_EQ(result->status, 200);
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/json");
    EXPECT_EQ(nlohmann::json::parse(result->body)["response"]["allowed"], true);
  }
}

TEST(Server, AllowsWhatIsCompliantAndDeniesWhatIsNot) {
  TestServer server;
  auto client = server.Connect();
  const auto allowed = client.Ask(Post(PodReview("a", kCompliantImage)));
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->status, 200);
  EXPECT_EQ(Response(*allowed)["allowed"], true);

  const auto denied = client.Ask(Post(PodReview("b", kNonCompliantImage)));
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->status, 200) << "anything else is a failure to the API server, not a denial";
  EXPECT_EQ(Response(*denied)["allowed"], false);
  EXPECT_EQ(Response(*denied)["uid"], "b");
  EXPECT_THAT(Response(*denied)["status"]["message"].get<std::string>(), HasSubstr("open.azurecr.io"));

  EXPECT_THAT(server.CommittedUids(), ElementsAre("a", "b"));
  EXPECT_THAT(server.Recorded("peer"), ElementsAre("127.0.0.1", "127.0.0.1"));
}

TEST(Server, WarnsWherePolicySaysSo) {
  TestServer server;
  server.Publish(
      support::DefaultState("apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n"
                            "- {definition: private-link, effect: Warn}\n"));
  const auto answer = server.Connect().Ask(Post(PodReview("a", kNonCompliantImage)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(Response(*answer)["allowed"], true);
  EXPECT_FALSE(Response(*answer)["warnings"].empty());
  EXPECT_EQ(server.Metric("decisions_total{decision=\"Warned\",dry_run=\"false\"}"), "1");
}

TEST(Server, DecidesAPodOfAThousandContainers) {
  TestServer server;
  std::vector<std::string> images(999, kCompliantImage);
  images.emplace_back(kNonCompliantImage);
  const auto answer = server.Connect().Ask(Post(PodReview("huge", images)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(Response(*answer)["allowed"], false);
}

TEST(Server, KindsThatCarryNoImagesPass) {
  TestServer server;
  auto review = nlohmann::json::parse(PodReview("u", kNonCompliantImage));
  review["request"]["kind"] = {{"group", "example.com"}, {"version", "v1"}, {"kind", "Widget"}};
  review["request"]["object"]["kind"] = "Widget";
  const auto answer = server.Connect().Ask(Post(review.dump()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(Response(*answer)["uid"], "u");
}

TEST(Server, WhatIsNoReviewIsA400AndTheConnectionGoesOn) {
  TestServer server;
  auto client = server.Connect();
  const std::string twice = R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"a","uid":"b"}})";
  for (const std::string& body : {std::string("{\"kind\":"), std::string("[]"), std::string("{\"request\":\"\xff\"}"), twice}) {
    const auto answer = client.Ask(Post(body));
    ASSERT_TRUE(answer) << body;
    EXPECT_EQ(answer->status, 400) << body;
    EXPECT_FALSE(nlohmann::json::parse(answer->body)["error"].get<std::string>().empty());
    EXPECT_FALSE(answer->Has("retry-after"));
  }
  EXPECT_EQ(client.Ask(Post(PodReview("a", kCompliantImage)))->status, 200);
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"bad_review\"}"), "4");
}

TEST(Server, EveryRecordedReviewOfTheTreeIsAnswered) {
  TestServer server;
  auto client = server.Connect();
  for (const char* name : {"pod-create", "deployment-create", "pod-delete", "pod-ephemeralcontainers-kubectl-debug", "cronjob-create"}) {
    std::ifstream in(std::string(ACR_TEST_DATA) + "/reviews/" + name + ".json");
    const std::string body{std::istreambuf_iterator<char>(in), {}};
    const auto answer = client.Ask(Post(body));
    ASSERT_TRUE(answer) << name;
    EXPECT_EQ(answer->status, 200) << name;
    EXPECT_EQ(Response(*answer)["uid"], nlohmann::json::parse(body)["request"]["uid"]) << name;
  }
}

TEST(Server, BeforeThePolicyIsLoadedItSaysWhenToComeBack) {
  base::Snapshot<state::State> none;
  base::Snapshot<certs::Identity> identities;
  const auto made = support::MakeSelfSigned();
  identities.Publish(certs::ParseIdentity(made.certificate_pem, made.key_pem).value());
  const base::SystemClock clock;
  Metrics metrics("");
  auto server = Server::Start(TestServer::Options(), {none, identities, clock, metrics, nullptr, nullptr,
                                                      [](base::LogLevel, std::string_view) {}, nullptr, nullptr});
  ASSERT_TRUE(server);
  auto client = TestClient::Connected((*server)->port());
  for (int i = 0; i < 2; ++i) {  // on the same connection: ten retries shall not cost ten handshakes
    const auto answer = client.Ask(Post(PodReview("a", kCompliantImage)));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(answer->headers.at("retry-after"), "1");
  }
}

TEST(Server, ADecisionThatCannotBeRecordedIsStillAnswered) {
  TestServer server;
  server.FailCommits(true);
  auto client = server.Connect();
  EXPECT_EQ(client.Ask(Post(PodReview("a", kCompliantImage)))->status, 200);
  EXPECT_EQ(server.lost(), 1u);
  EXPECT_THAT(server.CommittedUids(), IsEmpty());
  server.FailCommits(false);
  EXPECT_EQ(client.Ask(Post(PodReview("b", kCompliantImage)))->status, 200);
  EXPECT_THAT(server.CommittedUids(), ElementsAre("b"));
}

TEST(Server, OrNotWhereThatIsAskedFor) {
  auto options = TestServer::Options();
  options.refuse_without_audit = true;
  TestServer server(options);
  server.FailCommits(true);
  const auto answer = server.Connect().Ask(Post(PodReview("a", kCompliantImage)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 500);
  EXPECT_FALSE(answer->Has("retry-after"));
}

TEST(Server, TwoServersCannotShareAPort) {
  TestServer first;
  auto options = TestServer::Options();
  options.address = "127.0.0.1:" + std::to_string(first.port());
  try {
    TestServer second(options);
    FAIL() << "both listen on " << options.address;
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("server.address: cannot listen on " + options.address));
  }
  options = TestServer::Options();
  options.health_address = "0.0.0.0:" + std::to_string(first.health_port());
  EXPECT_THROW(TestServer second(options), std::runtime_error);
}

TEST(Server, AnAddressThatIsNoneIsNamed) {
  for (const char* address : {"8443", "localhost:8443", "0.0.0.0:", "0.0.0.0:99999", "::1:8443", "[127.0.0.1]:1"}) {
    auto options = TestServer::Options();
    options.address = address;
    try {
      TestServer server(options);
      FAIL() << address;
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string("\"") + address + "\" is no address"));
    }
  }
}

}  // namespace
}  // namespace webhook
