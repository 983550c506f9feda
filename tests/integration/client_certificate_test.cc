// TLS: versions, protocols and client certificates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/test_server.h"

namespace webhook {
namespace {

using support::ClientOptions;
using support::kCompliantImage;
using support::PodReview;
using support::Post;
using support::TestClient;
using support::TestServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kReview = PodReview("u", kCompliantImage);

TEST(Tls, SpeaksTwoVersions) {
  TestServer server;
  for (const auto& [version, name] : {std::pair(TLS1_3_VERSION, "TLSv1.3"), std::pair(TLS1_2_VERSION, "TLSv1.2")}) {
    ClientOptions options;
    options.most_tls_version = version;
    auto client = server.Connect(options);
    EXPECT_EQ(client.Protocol(), name);
    EXPECT_EQ(client.Ask(Post(kReview))->status, 200);
  }
  ClientOptions old;
  old.most_tls_version = TLS1_1_VERSION;
  EXPECT_THROW(server.Connect(old), std::runtime_error);
  EXPECT_TRUE(server.MetricBecomes("tls_handshake_failures_total", "1"));
}

TEST(Tls, PlainHttpIsNoHandshake) {
  TestServer server;
  TestClient client(server.port());
  client.SendPlain("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.WaitUntilClosed());
  EXPECT_TRUE(server.MetricBecomes("tls_handshake_failures_total", "1"));
}

TEST(Tls, WithoutAnIdentityHandshakesFailUntilThereIsOne) {
  TestServer server(TestServer::Options(), nullptr, false);
  EXPECT_THAT(server.GetHealth("/readyz"), HasSubstr("there is no serving certificate"));
  server.SetNotReady("certificate: the Secret was not read yet");
  EXPECT_THAT(server.GetHealth("/readyz"), HasSubstr("the Secret was not read yet")) << "the reason, where one is known";
  server.SetNotReady("");
  for (int i = 0; i < 3; ++i) {
    TestClient client(server.port());
    EXPECT_FALSE(client.Handshake());
  }
  EXPECT_TRUE(server.MetricBecomes("tls_handshake_failures_total", "3"));
  server.PublishNewIdentity();
  EXPECT_EQ(server.Connect().Ask(Post(kReview))->status, 200);
}

class ClientCertificate : public ::testing::Test {
 protected:
  static webhook::ServerOptions Trusting(const support::TestCertificate& ca) {
    auto options = TestServer::Options();
    options.client_ca_pem = ca.certificate_pem;
    return options;
  }

  static std::optional<support::Answer> Ask(const TestServer& server, const support::TestCertificate* certificate) {
    ClientOptions options;
    options.certificate = certificate;
    return server.Connect(options).Ask(Post(kReview));
  }

  const support::TestCertificate ca = support::MakeCa();
  TestServer server{Trusting(ca)};
};

TEST_F(ClientCertificate, OfTheConfiguredAuthorityIsTrusted) {
  support::CertificateOptions options = support::ForLoopback();
  options.common_name = "kube-apiserver";
  const auto certificate = support::MakeLeaf(ca, options);
  EXPECT_EQ(Ask(server, &certificate)->status, 200);
  EXPECT_THAT(server.Recorded("clientCertificate"), ElementsAre(HasSubstr("CN=kube-apiserver")));
}

TEST_F(ClientCertificate, OfAnotherAuthorityIsAnsweredByA401) {
  const auto certificate = support::MakeLeaf(support::MakeCa());
  EXPECT_EQ(Ask(server, &certificate)->status, 401);
  EXPECT_TRUE(server.CommittedUids().empty());
}

TEST_F(ClientCertificate, ThatHasExpiredIsAnsweredByA401) {
  support::CertificateOptions options = support::ForLoopback();
  options.not_before = -std::chrono::hours(48);
  options.not_after = -std::chrono::hours(24);
  const auto certificate = support::MakeLeaf(ca, options);
  EXPECT_EQ(Ask(server, &certificate)->status, 401);
}

TEST_F(ClientCertificate, MissingIsAnsweredByA401) {
  EXPECT_EQ(Ask(server, nullptr)->status, 401);
  EXPECT_EQ(server.Metric("refused_requests_total{reason=\"unauthorized\"}"), "1");
}

TEST(ClientCa, ThatCannotBeReadStopsTheStart) {
  auto options = TestServer::Options();
  for (const std::string& pem : {std::string("nonsense"), support::MakeCa().certificate_pem + "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    options.client_ca_pem = pem;
    EXPECT_THROW(TestServer server(options), std::runtime_error) << pem;
  }
}

}  // namespace
}  // namespace webhook
