// What many clients can make the others wait for.
#include <algorithm>
#include <future>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using support::TestClient;
using support::TestServer;

const std::string kQuery = "GET /audit/v1/summary HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer eyJ.eyJ.c2ln\r\n\r\n";

TEST(Fairness, ARequestWaitsForOneHandshakeAndNotForAllThatAreThere) {
  constexpr int kHandshakes = 40;
  std::vector<TestClient> crowd;
  std::promise<void> held;
  std::promise<void> go_on;
  std::promise<std::ptrdiff_t> shaken;
  // Called on the io thread: the first query holds it up, the second, in the middle of a request, looks at what came before it.
  int queries = 0;
  auto options = TestServer::Options();
  options.threads = 1;
  TestServer server(options, nullptr, /*with_identity=*/true, [&](const AuditRequest&, const std::function<void(AuditAnswer)>& done) {
    if (queries++ == 0) {
      held.set_value();
      go_on.get_future().wait();
    } else {
      shaken.set_value(std::ranges::count_if(crowd, &TestClient::HasInput));
    }
    done({.body = "{}\n"});
  });

  auto holding = server.Connect();
  auto asking = server.Connect();
  ASSERT_EQ(asking.Ask(support::Post("{}"))->status, 400) << "both ends of its handshake are done";
  for (int i = 0; i < kHandshakes; ++i) {
    crowd.emplace_back(server.port());
  }
  ASSERT_TRUE(server.MetricBecomes("connections", std::to_string(kHandshakes + 2)));
  holding.Send(kQuery);
  held.get_future().wait();
  for (auto& client : crowd) {
    client.BeginHandshake();
  }
  asking.Send(kQuery);
  go_on.set_value();

  EXPECT_LE(shaken.get_future().get(), 2);
  EXPECT_EQ(asking.Read().value().status, 200);
  for (auto& client : crowd) {
    EXPECT_TRUE(client.Handshake()) << "each gets its turn";
  }
}

}  // namespace
}  // namespace webhook
