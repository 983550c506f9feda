// What the server makes of HTTP: good, bad and hostile.
#include <cstdio>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using support::kCompliantImage;
using support::PodReview;
using support::Post;
using support::TestServer;
using ::testing::HasSubstr;

const std::string kReview = PodReview("u", kCompliantImage);

std::string Chunked(const std::string& body) {
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 100) {
    const std::string part = body.substr(at, 100);
    char size[8];
    std::snprintf(size, sizeof(size), "%zx", part.size());
    chunks += std::string(size) + "\r\n" + part + "\r\n";
  }
  return "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
         "0\r\n\r\n";
}

struct Refused {
  const char* name;
  std::string request;
  int status;
  const char* reason;
};

void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

class RefusedRequestTest : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedRequestTest, IsAnsweredCountedAndEndsItsConnectionAlone) {
  TestServer server;
  auto bystander = server.Connect();
  auto client = server.Connect();
  const auto answer = client.Ask(GetParam().request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, GetParam().status);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_THAT(answer->body, HasSubstr("{\"error\":\""));
  EXPECT_TRUE(client.WaitUntilClosed());
  EXPECT_EQ(server.Metric(std::string("refused_requests_total{reason=\"") + GetParam().reason + "\"}"), "1");
  EXPECT_EQ(bystander.Ask(Post(kReview))->status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    Http, RefusedRequestTest,
    ::testing::Values(
        Refused{"OtherPath", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 404, "not_found"},
        Refused{"OtherMethod", "GET /validate HTTP/1.1\r\nHost: h\r\n\r\n", 405, "method_not_allowed"},
        Refused{"WrongContentType", "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: text/yaml\r\nContent-Length: 2\r\n\r\n{}", 415,
                "unsupported_media_type"},
        Refused{"Gzip", Post(kReview, "Content-Encoding: gzip\r\n"), 415, "unsupported_media_type"},
        Refused{"NoHttp", "\x01\x02\x03 nonsense\r\n\r\n", 400, "bad_head"},
        Refused{"NoHost", "POST /validate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 400, "bad_head"},
        Refused{"LengthAndChunks", Post(kReview, "Transfer-Encoding: chunked\r\n"), 400, "bad_head"},
        Refused{"TwoLengths", Post(kReview, "Content-Length: 5\r\n"), 400, "bad_head"},
        Refused{"SameLengthTwice", Post(kReview, "Content-Length: " + std::to_string(kReview.size()) + "\r\n"), 400, "bad_head"},
        Refused{"NegativeLength", "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n", 400,
                "bad_head"},
        Refused{"SpaceBeforeColon", "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Length : 2\r\n\r\n{}", 400, "bad_head"},
        Refused{"NoLength", "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\r\n", 411, "length_required"},
        Refused{"OtherCoding",
                "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
                "transfer_coding"},
        Refused{"OtherExpectation", Post(kReview, "Expect: miracles\r\n"), 417, "expectation"},
        Refused{"HugeHead", "POST /validate HTTP/1.1\r\nHost: h\r\nCookie: " + std::string(20'000, 'x') + "\r\n\r\n", 431,
                "head_too_large"},
        Refused{"HugeTarget", "POST /" + std::string(40'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 431, "head_too_large"},
        Refused{"BadChunk",
                "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
                "bad_body"},
        Refused{"EndlessChunkExtension",
                "POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                    std::string(40'000, 'x'),
                431, "head_too_large"}),
    [](const auto& test) { return test.param.name; });

TEST(Http, ABodyBeyondTheLimitIsRefusedBeforeItIsRead) {
  TestServer server;
  httplib::SSLClient client("127.0.0.1", server.port());
  client.enable_server_certificate_verification(false);
  const auto result = client.Post("/validate", std::string(20'000'000, ' '), "application/json");
  ASSERT_TRUE(result) << httplib::to_string(result.error());
  EXPECT_EQ(result->status, 413);
  EXPECT_EQ(server.Metric("bodies_in_flight_bytes"), "0");
}

TEST(Http, ChunksCannotPassTheLimitEither) {
  auto options = TestServer::Options();
  options.limits.body_bytes = 1000;
  TestServer server(options);
  EXPECT_EQ(server.Connect().Ask(Chunked(std::string(5000, ' ')))->status, 413);
}

TEST(Http, ABodyOfTheLimitIsTaken) {
  auto options = TestServer::Options();
  options.limits.body_bytes = kReview.size();
  TestServer server(options);
  EXPECT_EQ(server.Connect().Ask(Post(kReview))->status, 200);
  EXPECT_EQ(server.Connect().Ask(Post(kReview + " "))->status, 413);
}

TEST(Http, WithLittleMemoryTheLimitIsLower) {
  auto options = TestServer::Options();
  options.memory_limit = 32 * kReview.size();
  TestServer server(options);
  EXPECT_EQ(server.Connect().Ask(Post(kReview))->status, 200);
  EXPECT_EQ(server.Connect().Ask(Post(kReview + " "))->status, 413);
}

TEST(Http, LargeBodiesAreDecidedToo) {
  auto options = TestServer::Options();
  options.limits.large_body_bytes = 10;
  TestServer server(options);
  auto client = server.Connect();
  EXPECT_EQ(client.Ask(Post(kReview))->status, 200);
  EXPECT_EQ(client.Ask(Post(kReview))->status, 200);
}

TEST(Http, ChunksAreTaken) {
  TestServer server;
  auto client = server.Connect();
  EXPECT_EQ(client.Ask(Chunked(kReview))->status, 200);
  EXPECT_EQ(client.Ask(Post(kReview))->status, 200) << "the next request begins where the chunks end";
}

TEST(Http, AClientThatAsksWhetherItMaySendIsTold) {
  TestServer server;
  auto client = server.Connect();
  std::string request = Post(kReview, "Expect: 100-continue\r\n");
  request.resize(request.size() - kReview.size());
  ASSERT_TRUE(client.Send(request));
  EXPECT_EQ(client.Read()->status, 100);
  EXPECT_EQ(client.Ask(kReview)->status, 200);
}

TEST(Http, PipelinedRequestsAreAnsweredInOrder) {
  TestServer server;
  auto client = server.Connect();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    requests += Post(PodReview("uid-" + std::to_string(i), kCompliantImage));
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 50; ++i) {
    const auto answer = client.Read();
    ASSERT_TRUE(answer) << i;
    EXPECT_THAT(answer->body, HasSubstr("\"uid-" + std::to_string(i) + "\""));
  }
}

TEST(Http, ARequestMayComeInAnyPieces) {
  TestServer server;
  auto client = server.Connect();
  const std::string request = Post(kReview) + Post(kReview);
  for (const char byte : request) {
    ASSERT_TRUE(client.Send(std::string_view(&byte, 1)));
  }
  EXPECT_EQ(client.Read()->status, 200);
  EXPECT_EQ(client.Read()->status, 200);
}

TEST(Http, ConnectionCloseIsRespected) {
  TestServer server;
  auto client = server.Connect();
  const auto answer = client.Ask(Post(kReview, "Connection: close\r\n"));
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_TRUE(client.WaitUntilClosed());
}

TEST(Http, Http10IsAnsweredAndClosed) {
  TestServer server;
  auto client = server.Connect();
  const auto answer =
      client.Ask("POST /validate HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(kReview.size()) +
                 "\r\n\r\n" + kReview);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_TRUE(client.WaitUntilClosed());
}

TEST(Http, WhoEndsItsSideAfterTheRequestIsStillAnswered) {
  TestServer server;
  auto client = server.Connect();
  ASSERT_TRUE(client.Send(Post(kReview)));
  client.EndWrites();
  EXPECT_EQ(client.Read()->status, 200);
  EXPECT_TRUE(client.WaitUntilClosed());
}

TEST(Http, ATruncatedBodyIsSaidToBeOne) {
  TestServer server;
  auto client = server.Connect();
  const std::string request = Post(kReview);
  ASSERT_TRUE(client.Send(request.substr(0, request.size() - 1)));
  client.EndWrites();
  const auto answer = client.Read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"truncated\"}"), "1");
}

TEST(Http, AClientThatVanishesIsCounted) {
  TestServer server;
  {
    auto client = server.Connect();
    ASSERT_TRUE(client.Send(Post(kReview).substr(0, 300)));
  }
  EXPECT_TRUE(server.MetricBecomes("refused_requests_total{reason=\"truncated\"}", "1"));
  EXPECT_TRUE(server.MetricBecomes("connections", "0"));
  EXPECT_EQ(server.Metric("bodies_in_flight_bytes"), "0");
}

TEST(Http, ACallerWhoseTimeIsOverIsNotDecidedFor) {
  TestServer server;
  auto client = server.Connect();
  std::string request = Post(kReview);
  request.replace(request.find("10s"), 3, "1ms");
  const std::size_t half = request.size() / 2;
  ASSERT_TRUE(client.Send(request.substr(0, half)));
  // The server has begun when it says so.
  ASSERT_TRUE(server.MetricBecomes("bodies_in_flight_bytes", std::to_string(kReview.size() - (request.size() - half))));
  EXPECT_FALSE(client.ClosesWithin(std::chrono::milliseconds(2)));
  const auto answer = client.Ask(request.substr(half));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(server.CommittedUids().size(), 0u);
}

TEST(Http, BodiesBeyondTheBudgetAreRefusedUntilThereIsRoom) {
  auto options = TestServer::Options();
  options.memory_limit = 4 * 100'000;
  options.limits.body_share = 1;
  TestServer server(options);
  auto first = server.Connect();
  const std::string large = kReview + std::string(90'000, ' ');
  const std::string request = Post(large);
  ASSERT_TRUE(first.Send(request.substr(0, request.size() - 1)));
  ASSERT_TRUE(server.MetricBecomes("bodies_in_flight_bytes", std::to_string(large.size())));

  const auto refused = server.Connect().Ask(Post(std::string(50'000, ' ')));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers.at("retry-after"), "1");

  EXPECT_EQ(first.Ask(request.substr(request.size() - 1))->status, 200);
  EXPECT_TRUE(server.MetricBecomes("bodies_in_flight_bytes", "0"));
  EXPECT_EQ(server.Connect().Ask(request)->status, 200);
}

}  // namespace
}  // namespace webhook
