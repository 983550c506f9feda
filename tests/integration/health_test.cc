// Probes and metrics.
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using support::TestServer;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Health, IsAliveAndReady) {
  TestServer server;
  EXPECT_THAT(server.GetHealth("/livez"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\nok\n")));
  EXPECT_THAT(server.GetHealth("/readyz?verbose"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\nready\n")));
}

TEST(Health, SaysWhyItIsNotReady) {
  TestServer server;
  server.SetNotReady("the inventory was not read yet\n");
  server.SetNotes("an old policy is in force");
  EXPECT_THAT(server.GetHealth("/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 Service Unavailable\r\n"),
                    EndsWith("\r\n\r\nnot ready\nthe inventory was not read yet\nan old policy is in force\n")));
  EXPECT_THAT(server.GetHealth("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Health, NotesDoNotMakeItUnready) {
  TestServer server;
  server.SetNotes("the audit store fails: disk full");
  EXPECT_THAT(server.GetHealth("/readyz"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\nready\nthe audit store fails: disk full\n")));
}

TEST(Health, MetricsAreInTheTextFormat) {
  TestServer server;
  EXPECT_THAT(server.GetHealth("/metrics"), AllOf(HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                                                  HasSubstr("# TYPE acr_admission_decisions_total counter\n"),
                                                  HasSubstr("acr_admission_build_info{version=\"test\"} 1\n")));
}

TEST(Health, KnowsNothingElse) {
  TestServer server;
  EXPECT_THAT(server.GetHealth("/validate"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(server.GetHealth("/" + std::string(8000, 'x')), StartsWith("HTTP/1.1 400 "));
}

TEST(Health, ClientsThatSayNothingAreClosed) {
  auto options = TestServer::Options();
  options.limits.health_request = std::chrono::milliseconds(50);
  TestServer server(options);
  support::TestClient silent(server.health_port());
  EXPECT_TRUE(silent.WaitUntilClosed());
  EXPECT_THAT(server.GetHealth("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Health, AtTheCapTheOldestClientMakesRoomSoThatAProbeGetsIn) {
  auto options = TestServer::Options();
  options.limits.health_connections = 2;
  TestServer server(options);
  std::vector<support::TestClient> silent;
  for (int i = 0; i < 3; ++i) {
    silent.emplace_back(server.health_port());
  }
  EXPECT_TRUE(silent.front().WaitUntilClosed());
  EXPECT_THAT(server.GetHealth("/livez"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace webhook
