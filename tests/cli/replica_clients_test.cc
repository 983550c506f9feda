#include "cli/replica_clients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loopback_server.h"
#include "tests/support/scripted_http.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace cli {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr milliseconds kAmple = std::chrono::seconds(60);

std::string TokenOf(const http::Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (name == "Authorization") {
      return value;
    }
  }
  return "";
}

// ---- without a network

class ReplicaClientsTest : public testing::Test {
 protected:
  class Client final : public AddressClient {
   public:
    Client(support::ScriptedHttp::Answer answer, int& stopped) : http_(std::move(answer)), stopped_(stopped) {}
    http::Client& client() override { return http_; }
    void Stop() override { ++stopped_; }

   private:
    support::ScriptedHttp http_;
    int& stopped_;
  };

  ReplicaClientsTest() {
    EXPECT_TRUE(base::WriteFileAtomically(token_file_, "first"));
    kube::Config config;
    config.token_file = token_file_;
    token_ = std::make_unique<kube::BearerToken>(config, clock_);
    ReplicaClients::Options options;
    options.server_name = "acr-admission.acr.svc";
    options.port = 8443;
    options.trust = [this]() -> base::Result<http::TlsSettings> { return http::TlsSettings{.ca_pem = authority_}; };
    options.make = [this](const std::string& address, const http::TlsSettings& trust) -> base::Result<std::unique_ptr<AddressClient>> {
      made_.push_back(address + " " + trust.ca_pem);
      return std::make_unique<Client>(
          [this](const http::Request& request) {
            seen_.push_back(request);
            return answer_(request);
          },
          stopped_);
    };
    clients_ = std::make_unique<ReplicaClients>(std::move(options), *token_);
  }

  base::Result<http::Response> Get(const std::string& address) { return clients_->Get(address, "/audit/v1/decisions", 1000, kAmple); }

  const support::TempFolder folder_;
  const std::string token_file_ = folder_ / "token";
  support::FakeClock clock_;
  std::unique_ptr<kube::BearerToken> token_;
  std::string authority_ = "one";
  support::ScriptedHttp::Answer answer_ = [](const http::Request&) { return support::JsonResponse(200, "{}"); };
  std::vector<std::string> made_;
  std::vector<http::Request> seen_;
  int stopped_ = 0;
  std::unique_ptr<ReplicaClients> clients_;
};

TEST_F(ReplicaClientsTest, AsksTheNameAtTheAddress) {
  ASSERT_TRUE(clients_->Begin({"10.0.0.1"}));
  ASSERT_TRUE(Get("10.0.0.1"));
  EXPECT_THAT(made_, ElementsAre("10.0.0.1 one"));
  ASSERT_THAT(seen_, SizeIs(1));
  EXPECT_EQ(seen_[0].url, "https://acr-admission.acr.svc:8443/audit/v1/decisions");
  EXPECT_EQ(TokenOf(seen_[0]), "Bearer first");
  EXPECT_FALSE(seen_[0].use_proxy);
  EXPECT_EQ(seen_[0].max_response_bytes, 1000U);
}

TEST_F(ReplicaClientsTest, KeepsAClientWhileItsAddressIsThere) {
  ASSERT_TRUE(clients_->Begin({"10.0.0.1", "10.0.0.2"}));
  ASSERT_TRUE(Get("10.0.0.1"));
  ASSERT_TRUE(Get("10.0.0.2"));
  ASSERT_TRUE(clients_->Begin({"10.0.0.2"}));
  ASSERT_TRUE(Get("10.0.0.2"));
  ASSERT_TRUE(clients_->Begin({"10.0.0.1", "10.0.0.2"}));
  ASSERT_TRUE(Get("10.0.0.1"));
  EXPECT_THAT(made_, ElementsAre("10.0.0.1 one", "10.0.0.2 one", "10.0.0.1 one"));
}

TEST_F(ReplicaClientsTest, BeginsAnewWhenTheAuthorityChanges) {
  ASSERT_TRUE(clients_->Begin({"10.0.0.1"}));
  ASSERT_TRUE(Get("10.0.0.1"));
  authority_ = "two";
  ASSERT_TRUE(clients_->Begin({"10.0.0.1"}));
  ASSERT_TRUE(Get("10.0.0.1"));
  EXPECT_THAT(made_, ElementsAre("10.0.0.1 one", "10.0.0.1 two"));
}

TEST_F(ReplicaClientsTest, ATokenThatIsRefusedIsReadAgainAndSentOnceMore) {
  answer_ = [this](const http::Request& request) {
    if (TokenOf(request) == "Bearer first") {
      EXPECT_TRUE(base::WriteFileAtomically(token_file_, "second"));
    }
    return support::JsonResponse(401, "{}");
  };
  ASSERT_TRUE(clients_->Begin({"10.0.0.1"}));
  const auto response = Get("10.0.0.1");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 401);
  ASSERT_THAT(seen_, SizeIs(2));
  EXPECT_EQ(TokenOf(seen_[1]), "Bearer second");
  // The same again would be of no use.
  seen_.clear();
  ASSERT_TRUE(Get("10.0.0.1"));
  EXPECT_THAT(seen_, SizeIs(1));
}

TEST_F(ReplicaClientsTest, WithoutATokenNobodyIsAsked) {
  ASSERT_TRUE(base::WriteFileAtomically(token_file_, ""));
  const auto response = Get("10.0.0.1");
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr(token_file_));
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(ReplicaClientsTest, StopsAll) {
  ASSERT_TRUE(Get("10.0.0.1"));
  ASSERT_TRUE(Get("10.0.0.2"));
  clients_->Stop();
  EXPECT_EQ(stopped_, 2);
  EXPECT_FALSE(Get("10.0.0.1"));
  EXPECT_FALSE(Get("10.0.0.3"));
  EXPECT_THAT(seen_, SizeIs(2));
}

// ---- over TLS

class NetworkAddressClientsTest : public testing::Test {
 protected:
  struct Served {
    int requests = 0;
    std::string head;
  };

  // What one GET to a replica that shows this certificate comes to.
  base::Result<http::Response> Get(const support::TestCertificate& certificate, const std::string& believed, Served* served = nullptr) {
    Served ignored;
    served = served == nullptr ? &ignored : served;
    const support::LoopbackServer server([&](support::Peer& peer, int) {
      if (peer.StartTls(certificate)) {
        served->head = peer.ReadRequest();
        ++served->requests;
        peer.Send(support::Answer(200, "{}"));
      }
    });
    kube::Config config;
    config.token = "token";
    kube::BearerToken token(config, clock_);
    ReplicaClients::Options options;
    options.server_name = "acr-admission.acr.svc";
    options.port = server.port();
    options.trust = [&]() -> base::Result<http::TlsSettings> {
      return http::TlsSettings{.ca_pem = believed, .system = http::SystemTrust::kNotUsed};
    };
    options.make = NetworkAddressClients(clock_);
    ReplicaClients clients(std::move(options), token);
    EXPECT_TRUE(clients.Begin({"127.0.0.1"}));
    return clients.Get("127.0.0.1", "/audit/v1/decisions", 1000, kAmple);
  }

  static support::TestCertificate For(const support::TestCertificate& ca, const std::string& name) {
    support::CertificateOptions options;
    options.dns = {name};
    return support::MakeLeaf(ca, options);
  }

  support::FakeClock clock_;
  const support::TestCertificate ca_ = support::MakeCa("ours");
};

TEST_F(NetworkAddressClientsTest, TheNameIsVerifiedThoughTheAddressIsConnectedTo) {
  Served served;
  const auto response = Get(For(ca_, "acr-admission.acr.svc"), ca_.certificate_pem, &served);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_THAT(served.head, HasSubstr("Host: acr-admission.acr.svc"));
}

TEST_F(NetworkAddressClientsTest, AnotherNameOrAuthorityIsRefusedBeforeTheTokenIsSent) {
  Served served;
  EXPECT_FALSE(Get(For(ca_, "other.acr.svc"), ca_.certificate_pem, &served));
  const auto other = support::MakeCa("others'");
  EXPECT_FALSE(Get(For(other, "acr-admission.acr.svc"), ca_.certificate_pem, &served));
  EXPECT_EQ(served.head, "");
}

}  // namespace
}  // namespace cli
