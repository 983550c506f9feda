// Clients that hold connections without using them.
#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

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

const std::string kReview = PodReview("u", kCompliantImage);

// Sends the request byte by byte, each some time after the last, until the server closes or all is sent.
bool ClosedWhileDripping(TestClient& client, std::string_view request) {
  for (const char byte : request) {
    if (!client.Send(std::string_view(&byte, 1)) || client.ClosesWithin(milliseconds(10))) {
      return true;
    }
  }
  return false;
}

TEST(Deadlines, WhoDoesNotShakeHandsIsClosed) {
  auto options = TestServer::Options();
  options.limits.handshake = milliseconds(50);
  TestServer server(options);
  TestClient silent(server.port());
  TestClient half(server.port());
  half.SendPlain(std::string("\x16\x03\x01\x02\x00", 5));  // the head of a ClientHello's record
  EXPECT_TRUE(silent.WaitUntilClosed());
  EXPECT_TRUE(half.WaitUntilClosed());
  EXPECT_EQ(server.Metric("connections_refused_total{reason=\"handshake_deadline\"}"), "2");
}

TEST(Deadlines, WhoNeverAsksIsClosed) {
  auto options = TestServer::Options();
  options.limits.first_request = milliseconds(50);
  TestServer server(options);
  auto client = server.Connect();
  EXPECT_TRUE(client.WaitUntilClosed());
  EXPECT_EQ(server.Metric("connections_refused_total{reason=\"no_request\"}"), "1");
}

TEST(Deadlines, WhoHadAReviewAnsweredMayStay) {
  auto options = TestServer::Options();
  options.limits.first_request = milliseconds(50);
  TestServer server(options);
  auto answered = server.Connect();
  ASSERT_EQ(answered.Ask(Post(kReview))->status, 200);
  auto refused = server.Connect();
  ASSERT_EQ(refused.Ask(Post("{}"))->status, 400);
  EXPECT_TRUE(refused.WaitUntilClosed()) << "a refusal does not earn the long wait";
  EXPECT_EQ(answered.Ask(Post(kReview))->status, 200);
}

TEST(Deadlines, TheLongWaitEndsToo) {
  auto options = TestServer::Options();
  options.limits.idle = milliseconds(50);
  TestServer server(options);
  auto client = server.Connect();
  ASSERT_EQ(client.Ask(Post(kReview))->status, 200);
  EXPECT_TRUE(client.WaitUntilClosed());
}

TEST(Deadlines, ADrippingHeadIsClosed) {
  auto options = TestServer::Options();
  options.limits.head = milliseconds(100);
  TestServer server(options);
  auto client = server.Connect();
  EXPECT_TRUE(ClosedWhileDripping(client, Post(kReview)));
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"head_deadline\"}"), "1");
}

TEST(Deadlines, ADrippingBodyIsClosed) {
  auto options = TestServer::Options();
  options.limits.body = milliseconds(100);
  TestServer server(options);
  auto client = server.Connect();
  const std::string request = Post(kReview);
  const std::size_t head = request.size() - kReview.size();
  ASSERT_TRUE(client.Send(request.substr(0, head)));
  EXPECT_TRUE(ClosedWhileDripping(client, request.substr(head)));
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"body_deadline\"}"), "1");
  EXPECT_TRUE(server.MetricBecomes("bodies_in_flight_bytes", "0"));
}

TEST(Deadlines, WhoDoesNotReadItsAnswersIsClosed) {
  auto options = TestServer::Options();
  options.limits.write = milliseconds(100);
  TestServer server(options);
  support::ClientOptions small;
  small.receive_buffer = 4096;
  auto client = server.Connect(small);
  const std::string requests = Post(kReview) + Post(kReview) + Post(kReview) + Post(kReview);
  while (client.Send(requests)) {  // never reads: the server's answers pile up until it can write no more
  }
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"write_deadline\"}"), "1");
}

TEST(Connections, AThousandIdleOnesDelayNobody) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  ASSERT_GE(files.rlim_cur, 2200u) << "the test needs both ends of a thousand connections";

  auto options = TestServer::Options();
  options.limits.handshake = kPatience;
  options.limits.first_request = kPatience;
  TestServer server(options);
  std::vector<TestClient> idle;
  for (int i = 0; i < 999; ++i) {
    support::ClientOptions from;
    from.source = "127.0.1." + std::to_string(i / 200 + 1);
    idle.emplace_back(server.port(), from);  // no handshake: the cheapest way to hold one
  }
  ASSERT_TRUE(server.MetricBecomes("connections", "999"));
  auto client = server.Connect();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(client.Ask(Post(kReview))->status, 200);
  }
  // One more than the cap: the oldest idle one goes, the one that had an answer stays.
  auto another = server.Connect();
  EXPECT_EQ(another.Ask(Post(kReview))->status, 200);
  EXPECT_TRUE(idle.front().WaitUntilClosed());
  EXPECT_EQ(client.Ask(Post(kReview))->status, 200);
  EXPECT_EQ(server.Metric("connections_refused_total{reason=\"evicted\"}"), "1");
}

TEST(Connections, OneAddressHoldsAQuarterAtMost) {
  auto options = TestServer::Options();
  options.max_connections = 8;
  TestServer server(options);
  support::ClientOptions from;
  from.source = "127.0.2.1";
  auto first = server.Connect(from);
  auto second = server.Connect(from);
  ASSERT_EQ(first.Ask(Post(kReview))->status, 200);
  ASSERT_EQ(second.Ask(Post(kReview))->status, 200);
  TestClient third(server.port(), from);
  EXPECT_TRUE(third.WaitUntilClosed());
  EXPECT_EQ(server.Metric("connections_refused_total{reason=\"address\"}"), "1");
  EXPECT_EQ(server.Connect().Ask(Post(kReview))->status, 200) << "another address is not concerned";
}

TEST(Connections, RunningOutOfDescriptorsIsSurvived) {
  auto options = TestServer::Options();
  options.limits.accept_backoff = milliseconds(5);
  TestServer server(options);
  auto before = server.Connect();
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  rlimit none = usual;
  none.rlim_cur = 3;  // those that are open stay so
  TestClient unaccepted(server.port(), {}, [&] { setrlimit(RLIMIT_NOFILE, &none); });
  EXPECT_TRUE(server.Logs("connections cannot be accepted"));
  EXPECT_EQ(before.Ask(Post(kReview))->status, 200) << "who is connected is served on";
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_TRUE(unaccepted.Handshake());
  EXPECT_EQ(unaccepted.Ask(Post(kReview))->status, 200);
  EXPECT_NE(server.Metric("connections_refused_total{reason=\"accept_error\"}"), "0");
}

}  // namespace
}  // namespace webhook
