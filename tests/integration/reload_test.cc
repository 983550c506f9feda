// Certificates and policies are replaced while requests are answered.
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using support::kCompliantImage;
using support::kNonCompliantImage;
using support::PodReview;
using support::Post;
using support::TestServer;

constexpr int kSwaps = 20;

// Clients that go on until told to stop, and count.
class Load {
 public:
  // `ask` returns whether all was well.
  explicit Load(const std::function<bool()>& ask) {
    for (int i = 0; i < 2; ++i) {
      clients_.emplace_back([this, ask] {
        while (!stop_) {
          ++(ask() ? answered_ : failed_);
        }
      });
    }
  }
  ~Load() { Stop(); }

  void Stop() {
    stop_ = true;
    for (auto& client : clients_) {
      if (client.joinable()) {
        client.join();
      }
    }
  }
  // Until `more` further requests were answered.
  void Await(int more) const {
    const int until = answered_ + more;
    while (answered_ < until && failed_ == 0) {
      std::this_thread::yield();
    }
  }

  int failed() const { return failed_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> answered_{0};
  std::atomic<int> failed_{0};
  std::vector<std::thread> clients_;
};

TEST(Reload, CertificatesUnderLoadFailNoRequest) {
  TestServer server;
  Load load([&] {
    try {
      const auto answer = server.Connect().Ask(Post(PodReview("u", kCompliantImage)));
      return answer && answer->status == 200;
    } catch (const std::runtime_error&) {
      return false;
    }
  });
  for (int i = 0; i < kSwaps; ++i) {
    const std::string fingerprint = server.PublishNewIdentity();
    EXPECT_EQ(server.Connect().ServerCertificate(), fingerprint) << "the next handshake has the new one";
    load.Await(2);
  }
  load.Stop();
  EXPECT_EQ(load.failed(), 0);
}

TEST(Reload, AnOpenConnectionOutlivesItsCertificate) {
  TestServer server;
  auto client = server.Connect();
  const std::string before = client.ServerCertificate();
  ASSERT_NE(server.PublishNewIdentity(), before);
  EXPECT_EQ(client.Ask(Post(PodReview("u", kCompliantImage)))->status, 200);
}

TEST(Reload, PoliciesUnderLoadFailNoRequestAndNeverMix) {
  TestServer server;
  const std::string kLenient = "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nmaxEffect: Audit\n";
  const auto strict = support::DefaultState();
  const auto lenient = support::DefaultState(kLenient);
  const auto ask = [&, request = Post(PodReview("u", kNonCompliantImage))](support::TestClient& client) {
    const auto answer = client.Ask(request);
    if (!answer || answer->status != 200) {
      return false;
    }
    const auto response = nlohmann::json::parse(answer->body)["response"];
    const std::string policy = response["auditAnnotations"]["policy"];
    return response["allowed"] == (policy == lenient->policy->digest) &&
           (policy == lenient->policy->digest || policy == strict->policy->digest);
  };
  Load load([&] {
    thread_local auto client = server.Connect();
    return ask(client);
  });
  for (int i = 0; i < kSwaps; ++i) {
    server.Publish(i % 2 == 0 ? lenient : strict);
    load.Await(20);
  }
  load.Stop();
  EXPECT_EQ(load.failed(), 0);
}

}  // namespace
}  // namespace webhook
