// `serve` as a process that manages its certificate, against a model of the API server.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include "base/base64.h"
#include "tests/integration/program.h"
#include "tests/support/fake_kubernetes_server.h"
#include "tests/support/temp_folder.h"

namespace support {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSecret = "/api/v1/namespaces/acr/secrets/acr-admission-tls";
constexpr const char* kConfiguration = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/acr-admission";

TEST(ManagedServe, ServesWhatItMadeAndLeavesWhenItEnds) {
  FakeKubernetes kubernetes;
  FakeKubernetesServer server(kubernetes);
  kubernetes.SetToken("the-token");
  kubernetes.Put(kConfiguration, {{"webhooks",
                                   {{{"name", "images.acr-admission.io"},
                                     {"sideEffects", "NoneOnDryRun"},
                                     {"admissionReviewVersions", {"v1"}},
                                     {"clientConfig", {{"service", {{"name", "acr-admission"}, {"namespace", "acr"}}}}}}}}});
  TempFolder folder;
  folder.Write("ca.crt", server.ca_pem());
  folder.Write("registries.json", "[]");
  folder.Write("kubeconfig",
               "{apiVersion: v1, kind: Config, current-context: c, "
               "clusters: [{name: k, cluster: {server: \"https://127.0.0.1:" +
                   std::to_string(server.port()) +
                   "\", certificate-authority: ca.crt}}], users: [{name: u, user: {token: the-token}}], "
                   "contexts: [{name: c, context: {cluster: k, user: u, namespace: acr}}]}\n");
  folder.Write("config.yaml",
               "server: {address: \"127.0.0.1:0\", drainDelay: 0s}\nhealth: {address: \"127.0.0.1:0\"}\naudit: {database: audit.db}\n"
               "tls: {mode: managed, secret: acr-admission-tls, service: acr-admission, webhookConfiguration: acr-admission}\n"
               "inventory: {file: registries.json}\nkubernetes: {kubeconfig: kubeconfig}\n");
  Program program({"serve", "--config", folder / "config.yaml"});
  const Program::Ports ports = program.WaitForPorts();
  ASSERT_GT(ports.review, 0) << program.Err();
  ASSERT_TRUE(kubernetes.Find(kSecret)) << "made before it listened";
  const auto text = [&](const char* key) {
    return base::DecodeBase64((*kubernetes.Find(kSecret))["data"][key].get<std::string>()).value();
  };
  const auto bundle = (*kubernetes.Find(kConfiguration))["webhooks"][0]["clientConfig"]["caBundle"].get<std::string>();
  EXPECT_EQ(bundle, base::EncodeBase64(text("ca.crt")));
  folder.Write("bundle.crt", base::DecodeBase64(bundle).value());
  httplib::SSLClient client("acr-admission.acr.svc", ports.review);  // verifies as the API server does
  client.set_hostname_addr_map({{"acr-admission.acr.svc", "127.0.0.1"}});
  client.set_ca_cert_path(folder / "bundle.crt");
  const auto answer = client.Get("/");
  ASSERT_TRUE(answer) << httplib::to_string(answer.error());
  EXPECT_EQ(answer->status, 404);
  EXPECT_THAT(text("replicas"), HasSubstr("authority"));
  EXPECT_EQ(program.Terminate(), 0);
  EXPECT_FALSE((*kubernetes.Find(kSecret))["data"].contains("replicas")) << "nobody need wait for it";
  EXPECT_THAT(program.Err(), Not(HasSubstr("PRIVATE")));
}

}  // namespace
}  // namespace support
