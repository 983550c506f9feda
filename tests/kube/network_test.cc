// The room over real sockets and TLS: what a pod and what a person with a kubeconfig have.
#include "kube/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "kube/api.h"
#include "kube/kubeconfig.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_kubernetes_server.h"
#include "tests/support/temp_folder.h"

namespace kube {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::chrono::milliseconds kAmple = std::chrono::seconds(60);

class NetworkTest : public ::testing::Test {
 protected:
  // Why a Secret of the cluster cannot be read with this configuration; "" when it can.
  std::string ErrorOf(const Config& config) {
    const auto client = MakeNetworkClient(config, "1.2.3", {}, clock_);
    if (!client) {
      return client.error().ToString();
    }
    Api api(config, **client, clock_);
    const auto secret = api.Get(Secrets("acr"), "tls", kAmple);
    return secret ? "" : secret.error().ToString();
  }

  // As the kubelet makes it, for this server.
  Config InCluster(const support::FakeKubernetesServer& server, const std::string& host) {
    folder_.Write("ca.crt", server.ca_pem());
    folder_.Write("namespace", "acr");
    const auto config = InClusterConfig(
        [&](const std::string& name) -> std::optional<std::string> {
          return name == "KUBERNETES_SERVICE_HOST"   ? std::optional(host)
                 : name == "KUBERNETES_SERVICE_PORT" ? std::optional(std::to_string(server.port()))
                                                     : std::nullopt;
        },
        folder_ / "");
    EXPECT_TRUE(config) << config.error().ToString();
    return config.value_or(Config{});
  }

  void SetUp() override { world_.Put("/api/v1/namespaces/acr/secrets/tls", {{"apiVersion", "v1"}, {"kind", "Secret"}}); }

  support::TempFolder folder_;
  support::FakeClock clock_;
  support::FakeKubernetes world_;
};

TEST_F(NetworkTest, APodReadsWithItsServiceAccountWhoseTokenIsRenewed) {
  const support::FakeKubernetesServer server(world_);
  const Config config = InCluster(server, "127.0.0.1");
  folder_.Write("token", "one");
  world_.SetToken("one");
  const auto client = MakeNetworkClient(config, "1.2.3", {}, clock_);
  ASSERT_TRUE(client) << client.error().ToString();
  Api api(config, **client, clock_);
  ASSERT_TRUE(api.Get(Secrets("acr"), "tls", kAmple));
  world_.SetToken("two");
  folder_.Write("token", "two");
  const auto renewed = api.Get(Secrets("acr"), "tls", kAmple);
  ASSERT_TRUE(renewed) << renewed.error().ToString();
  EXPECT_THAT(world_.calls(), SizeIs(3));
}

TEST_F(NetworkTest, Ipv6) {
  const support::FakeKubernetesServer server(world_, support::Loopback::kIpv6);
  folder_.Write("token", "one");
  world_.SetToken("one");
  EXPECT_EQ(ErrorOf(InCluster(server, "::1")), "");
}

TEST_F(NetworkTest, AnotherAuthorityIsNotBelieved) {
  const support::FakeKubernetesServer server(world_);
  Config config = InCluster(server, "127.0.0.1");
  folder_.Write("token", "one");
  folder_.Write("ca.crt", support::MakeCa().certificate_pem);
  EXPECT_THAT(ErrorOf(config), HasSubstr("its certificate is refused"));
  EXPECT_THAT(world_.calls(), SizeIs(0));
}

TEST_F(NetworkTest, AKubeconfigWithClientCertificate) {
  const support::FakeKubernetesServer server(world_);
  world_.SetToken("nobody's");
  const support::TestCertificate admin = server.MakeClient("admin");
  const auto write = [&](const std::string& user) {
    folder_.Write("config", "current-context: x\nclusters: [{name: c, cluster: {server: \"https://localhost:" +
                                std::to_string(server.port()) + "\", certificate-authority-data: " + base::EncodeBase64(server.ca_pem()) +
                                "}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {" + user + "}}]\n");
    const auto config = LoadKubeconfig(folder_ / "config");
    EXPECT_TRUE(config) << config.error().ToString();
    return config.value_or(Config{});
  };
  EXPECT_EQ(ErrorOf(write("client-certificate-data: " + base::EncodeBase64(admin.certificate_pem) +
                          ", client-key-data: " + base::EncodeBase64(admin.key_pem))),
            "");
  EXPECT_THAT(ErrorOf(write("")), HasSubstr("401 Unauthorized"));
  EXPECT_THAT(ErrorOf(write("client-certificate-data: " + base::EncodeBase64(admin.certificate_pem) +
                            ", client-key-data: " + base::EncodeBase64(support::MakeCa().key_pem))),
              HasSubstr("the client key is not the client certificate's"));
}

TEST_F(NetworkTest, AClientCertificateIsTheUserThatRolesAreAbout) {
  const support::FakeKubernetesServer server(world_);
  world_.Forbid("get", "secrets");
  const support::TestCertificate admin = server.MakeClient("anna");
  Config config;
  config.server = "https://localhost:" + std::to_string(server.port());
  config.ca_pem = server.ca_pem();
  config.client_certificate_pem = admin.certificate_pem;
  config.client_key_pem = admin.key_pem;
  EXPECT_THAT(ErrorOf(config), HasSubstr(R"(User "anna" cannot get resource "secrets")"));
}

}  // namespace
}  // namespace kube
