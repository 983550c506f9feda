// The program in a cluster: what it keeps there, over TLS, and what a start makes of it.
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/clock.h"
#include "tests/integration/live_world.h"
#include "tests/integration/program.h"
#include "tests/integration/program_client.h"
#include "tests/support/azure_inventory.h"
#include "tests/support/azure_login.h"
#include "tests/support/fake_azure_server.h"
#include "tests/support/fake_kubernetes_server.h"
#include "tests/support/registry_bodies.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace support {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSecret = "/api/v1/namespaces/acr/secrets/shared";
constexpr const char* kConfigMap = "/api/v1/namespaces/acr/configmaps/last-good";
constexpr const char* kEvents = "/apis/events.k8s.io/v1/namespaces/acr/events";
constexpr std::string_view kPolicy = R"(apiVersion: acr-admission.io/v1
kind: RegistryPolicy
requirements:
  - definition: customer-managed-key
    effect: Deny
)";

class KubernetesServe : public ::testing::Test {
 protected:
  KubernetesServe() {
    const TestCertificate certificate = MakeSelfSigned();
    folder_.Write("tls.crt", certificate.certificate_pem);
    folder_.Write("tls.key", certificate.key_pem);
    folder_.Write("policy.yaml", kPolicy);
    folder_.Write("kubeconfig", json{{"current-context", "c"},
                                     {"clusters",
                                      {{{"name", "c"},
                                        {"cluster",
                                         {{"server", "https://127.0.0.1:" + std::to_string(api_server_.port())},
                                          {"certificate-authority-data", base::EncodeBase64(api_server_.ca_pem())}}}}}},
                                     {"users", {{{"name", "c"}, {"user", {{"token", "the-token"}}}}}},
                                     {"contexts", {{{"name", "c"}, {"context", {{"cluster", "c"}, {"user", "c"}, {"namespace", "acr"}}}}}}}
                                    .dump());
    kubernetes_.SetToken("the-token");
    azure_.AddRegistry(TestSubscription(1), "platform", "contoso");
    azure_.AddRegistry(TestSubscription(1), "platform", "fabrikam", WithoutCustomerManagedKey());
    Configure("config.yaml", "a");
  }

  // Replicas share all but what a pod has of its own.
  void Configure(const std::string& name, const std::string& replica, const std::string& audit = "") {
    std::string inventory = AzureInventory(azure_server_, application_, folder_);
    inventory.replace(inventory.find("inventory.saved"), 15, replica + ".saved\n  primeTimeout: 1h");
    folder_.Write(name,
                  "server: {address: \"127.0.0.1:0\", drainDelay: 0s}\nhealth: {address: \"127.0.0.1:0\"}\n"
                  "tls: {certificate: tls.crt, key: tls.key}\npolicy: policy.yaml\naudit: {database: " +
                      replica + ".db" + audit +
                      "}\n"
                      "kubernetes: {kubeconfig: kubeconfig, inventorySecret: shared, policyConfigMap: last-good}\n" +
                      inventory);
  }

  std::vector<std::string> Serve(const std::string& config = "config.yaml") const { return {"serve", "--config", folder_ / config}; }

  static bool Allows(int port, const std::string& image) { return ReviewPod(port, image)["allowed"] == true; }
  void WaitUntilKept(const char* path) {
    while (!kubernetes_.Find(path)) {
      std::this_thread::yield();
    }
  }

  base::SystemClock clock_;
  const AzureApplication application_ = TestApplication();
  AzureWorld azure_{clock_};
  FakeAzureServer azure_server_{azure_};
  FakeKubernetes kubernetes_;
  FakeKubernetesServer api_server_{kubernetes_};
  TempFolder folder_;
};

TEST_F(KubernetesServe, AStartWithABadPolicyDecidesByTheLastGoodOne) {
  {
    Program program(Serve());
    WaitUntilReady(program.WaitForPorts().health);
    WaitUntilKept(kConfigMap);
    EXPECT_EQ(program.Terminate(), 0);
  }
  folder_.Write("policy.yaml", "requirements: [");
  Program program(Serve());
  const Program::Ports ports = program.WaitForPorts();
  WaitUntilReady(ports.health);
  EXPECT_TRUE(Allows(ports.review, "contoso.azurecr.io/shop/cart:1.4"));
  EXPECT_FALSE(Allows(ports.review, "fabrikam.azurecr.io/shop/cart:1.4"));
  EXPECT_THAT(GetText(ports.health, "/readyz"), AllOf(HasSubstr("policy: the last good one"), HasSubstr("policy.yaml:1:")));
  EXPECT_THAT(GetText(ports.health, "/metrics"), HasSubstr("acr_admission_policy_last_good 1\n"));
  while (kubernetes_.In(kEvents).empty()) {
    std::this_thread::yield();
  }
  const json event = kubernetes_.In(kEvents).at(0);
  EXPECT_EQ(event["reason"], "PolicyRefused");
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_THAT(event["note"].get<std::string>(), HasSubstr("policy.yaml:1:"));
  folder_.Write("policy.yaml", kPolicy);
  while (GetText(ports.health, "/metrics").find("acr_admission_policy_last_good 0\n") == std::string::npos) {
    std::this_thread::yield();
  }
  EXPECT_THAT(GetText(ports.health, "/readyz"), Not(HasSubstr("policy:")));
  EXPECT_EQ(program.Terminate(), 0);
}

TEST_F(KubernetesServe, WhatRunsIsTold) {
  std::ofstream(folder_ / "config.yaml", std::ios::app) << "scan: {registryCompliances: true, reports: true}\n";
  const json spec = {{"containers", {{{"name", "c"}, {"image", "fabrikam.azurecr.io/shop/cart:1.4"}}}}};
  kubernetes_.Put("/api/v1/namespaces/shop/pods/cart", {{"kind", "Pod"}, {"spec", spec}});
  Program program(Serve());
  const Program::Ports ports = program.WaitForPorts();
  WaitUntilReady(ports.health);
  WaitUntilKept("/apis/acr-admission.io/v1alpha1/registrycompliances/fabrikam.azurecr.io");
  WaitUntilKept("/apis/openreports.io/v1alpha1/namespaces/shop/reports/acr-admission");
  EXPECT_THAT(GetText(ports.health, "/metrics"),
              AllOf(HasSubstr("acr_admission_scan_leader 1\n"), HasSubstr("acr_admission_running_violations{namespace=\"shop\"")));
  EXPECT_EQ(program.Terminate(), 0);
}

TEST_F(KubernetesServe, WithoutALastGoodPolicyABadOneIsTheEnd) {
  folder_.Write("policy.yaml", "requirements: [");
  Program program(Serve());
  EXPECT_EQ(program.Wait(), 2);
  EXPECT_THAT(program.Err(), AllOf(HasSubstr("policy.yaml:1:"), HasSubstr("the last good policy: the API server answered 404")));
}

TEST_F(KubernetesServe, AClusterThatWasStoppedBeginsWithItsSecretWhileAzureIsAway) {
  {
    Program program(Serve());
    WaitUntilReady(program.WaitForPorts().health);
    WaitUntilKept(kSecret);
    EXPECT_EQ(program.Terminate(), 0);
  }
  std::filesystem::remove(folder_ / "a.saved");  // the pod's scratch volume went with it
  azure_.Fail(Every(), {.status = 503});
  {
    Program program(Serve());
    const Program::Ports ports = program.WaitForPorts();
    WaitUntilReady(ports.health);
    EXPECT_TRUE(Allows(ports.review, "contoso.azurecr.io/shop/cart:1.4"));
    EXPECT_FALSE(Allows(ports.review, "fabrikam.azurecr.io/shop/cart:1.4"));
    EXPECT_EQ(program.Terminate(), 0);
  }
  // The API server cannot be asked yet either: a start does not wait for it, and is ready when it can.
  std::filesystem::remove(folder_ / "a.saved");
  kubernetes_.Forbid("get", "secrets");
  Program program(Serve());
  const Program::Ports ports = program.WaitForPorts();
  EXPECT_THAT(GetText(ports.health, "/readyz"), HasSubstr("inventory: not read yet"));
  kubernetes_.Allow("get", "secrets");
  WaitUntilReady(ports.health);
  EXPECT_TRUE(Allows(ports.review, "contoso.azurecr.io/shop/cart:1.4"));
  EXPECT_EQ(program.Terminate(), 0);
}

TEST_F(KubernetesServe, TheAuditLogIsReadByWhomTheClusterLets) {
  kubernetes_.AddUser("admin-token", {{"username", "admin"}, {"uid", "1"}, {"groups", json::array()}}, {"https://kubernetes.default.svc"});
  kubernetes_.AddUser("anna-token", {{"username", "anna"}, {"uid", "2"}, {"groups", json::array()}}, {"https://kubernetes.default.svc"});
  kubernetes_.Grant("admin", "list decisions");
  kubernetes_.Grant("admin", "get decisions");
  kubernetes_.Grant("anna", "list decisions in elsewhere");
  kubernetes_.Grant("anna", "get decisions in elsewhere");
  Configure("config.yaml", "a", ", api: true");
  Program program(Serve());
  const Program::Ports ports = program.WaitForPorts();
  WaitUntilReady(ports.health);
  EXPECT_FALSE(Allows(ports.review, "fabrikam.azurecr.io/shop/cart:1.4"));
  const auto ask = [&](const std::string& target, const std::string& token) { return AskAuditLog(ports.review, target, token); };

  const auto [status, page] = ask("decisions?decision=denied&since=1h", "admin-token");
  ASSERT_EQ(status, 200) << page;
  ASSERT_EQ(page["decisions"].size(), 1u);
  EXPECT_EQ(page["next"], nullptr);
  const json& record = page["decisions"][0];
  const std::string uid = record["uid"];
  EXPECT_EQ(ask("decisions/" + uid, "admin-token"), std::pair(200, record));
  EXPECT_EQ(ask("summary", "admin-token").second["hours"][0]["denied"], 1);
  EXPECT_EQ(ask("decisions?scope=replica", "admin-token").second["sequences"], json::array({1}));
  EXPECT_EQ(ask("decisions?cursor=0123456789abcdef0123456789abcdef.1", "admin-token").first, 400) << "of another log";

  EXPECT_EQ(ask("decisions", "anna-token").first, 403);
  EXPECT_EQ(ask("decisions?namespace=" + record["namespace"].get<std::string>(), "anna-token").first, 403);
  EXPECT_EQ(ask("decisions?namespace=elsewhere", "anna-token").second["decisions"], json::array());
  EXPECT_EQ(ask("decisions/" + uid, "anna-token").first, 404);
  EXPECT_EQ(ask("decisions", "nobodys-token").first, 401);
  EXPECT_THAT(GetText(ports.health, "/metrics"), AllOf(HasSubstr("acr_admission_kubernetes_failures_total{what=\"audit_api\"} 0\n"),
                                                       HasSubstr("audit_api_requests_total{endpoint=\"decisions\",code=\"4xx\"} 4\n")));
  kubernetes_.Forbid("create", "tokenreviews");
  EXPECT_EQ(ask("decisions", "another-token").first, 503);
  EXPECT_THAT(GetText(ports.health, "/metrics"), HasSubstr("acr_admission_kubernetes_failures_total{what=\"audit_api\"} 1\n"));
  EXPECT_EQ(program.Terminate(), 0);
  EXPECT_THAT(program.Err(), AllOf(HasSubstr("audit API: whether a caller may read the audit log is not known"), Not(HasSubstr("-token"))));
  EXPECT_THAT(program.Out(), Not(HasSubstr("-token")));
}

TEST_F(KubernetesServe, ReplicasThatStartTogetherShareBoth) {
  Configure("b.yaml", "b");
  Program a(Serve());
  Program b(Serve("b.yaml"));
  const Program::Ports a_ports = a.WaitForPorts();
  const Program::Ports b_ports = b.WaitForPorts();
  WaitUntilReady(a_ports.health);
  WaitUntilReady(b_ports.health);
  WaitUntilKept(kSecret);
  WaitUntilKept(kConfigMap);
  for (const int port : {a_ports.health, b_ports.health}) {
    EXPECT_THAT(GetText(port, "/metrics"), AllOf(HasSubstr("acr_admission_kubernetes_failures_total{what=\"inventory\"} 0\n"),
                                                 HasSubstr("acr_admission_kubernetes_failures_total{what=\"policy\"} 0\n")));
  }
  EXPECT_EQ((*kubernetes_.Find(kConfigMap))["data"]["policy.yaml"], std::string(kPolicy));
  EXPECT_EQ(a.Terminate(), 0);
  EXPECT_EQ(b.Terminate(), 0);
  EXPECT_THAT(a.Err() + b.Err(), Not(HasSubstr("the-token")));
}

}  // namespace
}  // namespace support
