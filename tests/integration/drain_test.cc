// The server's end.
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using support::kCompliantImage;
using support::kPatience;
using support::PodReview;
using support::Post;
using support::TestClient;
using support::TestServer;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kReview = PodReview("u", kCompliantImage);

// Scrapes until the server says that it is draining.
bool BecomesUnready(const TestServer& server) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    if (server.GetHealth("/readyz").find("draining") != std::string::npos) {
      return true;
    }
  }
  return false;
}

// Connects until nobody listens any more.
bool IsClosed(const TestServer& server) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    try {
      TestClient(server.port());
    } catch (const std::runtime_error&) {
      return true;
    }
  }
  return false;
}

TEST(Drain, ServesOnForItsDelayUnreadyAndClosing) {
  auto options = TestServer::Options();
  options.drain_delay = std::chrono::seconds(3);
  TestServer server(options);
  auto open = server.Connect();
  ASSERT_FALSE(open.Ask(Post(kReview))->Has("connection"));
  std::jthread draining([&] { (*server).Drain(); });
  EXPECT_TRUE(BecomesUnready(server));
  EXPECT_THAT(server.GetHealth("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(server.GetHealth("/livez"), StartsWith("HTTP/1.1 200 "));

  const auto answer = open.Ask(Post(kReview));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_TRUE(open.WaitUntilClosed());
  EXPECT_EQ(server.Connect().Ask(Post(kReview))->status, 200) << "new connections are still served";

  draining.join();
  EXPECT_THROW(server.Connect(), std::runtime_error);
}

TEST(Drain, IdleConnectionsEndWithTheListener) {
  TestServer server;
  auto client = server.Connect();
  ASSERT_EQ(client.Ask(Post(kReview))->status, 200);
  TestClient silent(server.port());
  ASSERT_TRUE(server.MetricBecomes("connections", "2"));
  (*server).Drain();
  EXPECT_TRUE(client.WaitUntilClosed());
  EXPECT_TRUE(silent.WaitUntilClosed());
  (*server).Drain();  // does nothing
}

TEST(Drain, ARequestThatHasBegunIsAnswered) {
  auto options = TestServer::Options();
  options.limits.stop = kPatience;
  TestServer server(options);
  auto client = server.Connect();
  const std::string request = Post(kReview);
  ASSERT_TRUE(client.Send(request.substr(0, request.size() - 1)));
  ASSERT_TRUE(server.MetricBecomes("bodies_in_flight_bytes", std::to_string(kReview.size() - 1)));
  std::jthread draining([&] { (*server).Drain(); });
  EXPECT_TRUE(BecomesUnready(server));
  const auto answer = client.Ask(request.substr(request.size() - 1));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.at("connection"), "close");
  EXPECT_TRUE(client.WaitUntilClosed());
  draining.join();
}

TEST(Drain, ConnectionsThatWereMadeInTheLastMomentMayStillAsk) {
  auto options = TestServer::Options();
  options.limits.stop = kPatience;
  options.limits.first_request_at_stop = kPatience;
  TestServer server(options);
  auto shaken = server.Connect();
  TestClient connected(server.port());
  ASSERT_TRUE(server.MetricBecomes("connections", "2"));
  std::jthread draining([&] { (*server).Drain(); });
  ASSERT_TRUE(IsClosed(server)) << "from here on nobody else is let in";

  for (TestClient* client : {&shaken, &connected}) {
    ASSERT_TRUE(client == &shaken || client->Handshake());
    const auto answer = client->Ask(Post(kReview));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->headers.at("connection"), "close");
    EXPECT_TRUE(client->WaitUntilClosed());
  }
}

TEST(Drain, ARequestThatNeverEndsDoesNotHoldItUp) {
  auto options = TestServer::Options();
  options.limits.stop = std::chrono::milliseconds(50);
  options.limits.body = std::chrono::hours(1);
  TestServer server(options);
  auto client = server.Connect();
  ASSERT_TRUE(client.Send(Post(kReview).substr(0, 300)));
  auto drained = std::async(std::launch::async, [&] { (*server).Drain(); });
  EXPECT_EQ(drained.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(client.WaitUntilClosed());
}

}  // namespace
}  // namespace webhook
