// The program with an identity and a configuration file, and nothing else: it reads Azure over TLS, decides, and tells no
// secret to anybody.
#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "tests/integration/live_world.h"
#include "tests/integration/program.h"
#include "tests/integration/program_client.h"
#include "tests/support/azure_inventory.h"
#include "tests/support/azure_login.h"
#include "tests/support/fake_azure_server.h"
#include "tests/support/registry_bodies.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AzureServe : public ::testing::Test {
 protected:
  AzureServe() {
    const TestCertificate certificate = MakeSelfSigned();
    folder_.Write("tls.crt", certificate.certificate_pem);
    folder_.Write("tls.key", certificate.key_pem);
    azure_.AddRegistry(TestSubscription(1), "platform", "contoso");
    azure_.AddRegistry(TestSubscription(2), "platform", "fabrikam", WithoutCustomerManagedKey());
  }

  // `credential`: the configuration's, without tenant and client.
  void Configure(const std::string& credential, const std::string& scope = "{}") {
    folder_.Write("config.yaml",
                  "server: {address: \"127.0.0.1:0\", drainDelay: 0s}\nhealth: {address: \"127.0.0.1:0\"}\n"
                  "tls: {certificate: tls.crt, key: tls.key}\naudit: {database: audit.db}\nlog: {level: debug}\n" +
                      AzureInventory(server_, application_, folder_, credential, scope));
  }
  void ConfigureSecret() { Configure("kind: clientSecret, clientSecretFile: secret"); }

  std::string Config() const { return folder_ / "config.yaml"; }
  std::string Read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  base::SystemClock clock_;
  const AzureApplication application_ = TestApplication();
  AzureWorld azure_{clock_};
  FakeAzureServer server_{azure_};
  TempFolder folder_;
};

TEST_F(AzureServe, DecidesByWhatAzureSaysAndFindsWhatIsNew) {
  ConfigureSecret();
  Program program({"serve", "--config", Config()});
  const Program::Ports ports = program.WaitForPorts();
  ASSERT_GT(ports.health, 0);
  WaitUntilReady(ports.health);
  EXPECT_TRUE(ReviewPod(ports.review, "contoso.azurecr.io/shop/cart:1.4")["allowed"]);
  const nlohmann::json denied = ReviewPod(ports.review, "fabrikam.azurecr.io/shop/cart:1.4");
  EXPECT_FALSE(denied["allowed"]);
  EXPECT_THAT(denied["status"]["message"].get<std::string>(), HasSubstr("customer-managed-key"));
  azure_.AddRegistry(TestSubscription(3), "platform", "wingtip");
  EXPECT_TRUE(ReviewPod(ports.review, "wingtip.azurecr.io/shop/cart:1.4")["allowed"]) << "it was made a moment ago";
  EXPECT_FALSE(ReviewPod(ports.review, "nobody.azurecr.io/shop/cart:1.4")["allowed"]);
  EXPECT_THAT(GetText(ports.health, "/metrics"),
              AllOf(HasSubstr("acr_admission_azure_reads_total{read=\"list\",result=\"ok\"} 3"), HasSubstr("acr_admission_registries 3")));
  EXPECT_EQ(program.Terminate(), 0);
  EXPECT_THAT(Read("inventory.saved"), HasSubstr("wingtip.azurecr.io")) << "saved at the end";
}

TEST_F(AzureServe, ReadsTheChildrenThatADefinitionAsksFor) {
  ConfigureSecret();
  folder_.Write("config.yaml", Read("config.yaml") + "policy: policy.yaml\ndefinitions: .\n");
  folder_.Write("policy.yaml",
                "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: tokens-disabled, effect: Deny}]\n");
  folder_.Write("tokens-disabled.json", R"({"properties": {"mode": "All", "policyRule": {"then": {"effect": "audit"}, "if": {"allOf": [
      {"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"},
      {"field": "Microsoft.ContainerRegistry/registries/tokens/status", "notEquals": "disabled"}]}}}})");
  azure_.PutChild(ChildBody(RegistryId(TestSubscription(1), "platform", "contoso"), "tokens", "ci", {{"status", "disabled"}}));
  azure_.PutChild(ChildBody(RegistryId(TestSubscription(2), "platform", "fabrikam"), "tokens", "ci", {{"status", "enabled"}}));
  Program program({"serve", "--config", Config()});
  const Program::Ports ports = program.WaitForPorts();
  WaitUntilReady(ports.health);
  EXPECT_TRUE(ReviewPod(ports.review, "contoso.azurecr.io/shop/cart:1.4")["allowed"]) << "read before it is denied, if not earlier";
  const nlohmann::json denied = ReviewPod(ports.review, "fabrikam.azurecr.io/shop/cart:1.4");
  EXPECT_FALSE(denied["allowed"]);
  EXPECT_THAT(denied["status"]["message"].get<std::string>(), AllOf(HasSubstr("tokens-disabled"), HasSubstr("enabled")));
  EXPECT_THAT(GetText(ports.health, "/metrics"), AllOf(HasSubstr("acr_admission_azure_reads_total{read=\"children\",result=\"ok\"}"),
                                                       HasSubstr("acr_admission_azure_registries_children_failing 0")));
  EXPECT_EQ(program.Terminate(), 0);
}

TEST_F(AzureServe, ARestartWithoutAzureServesWhatWasSaved) {
  ConfigureSecret();
  {
    Program program({"serve", "--config", Config()});
    WaitUntilReady(program.WaitForPorts().health);
    EXPECT_EQ(program.Terminate(), 0);
  }
  azure_.Fail(Every(), {.status = 503});
  Program program({"serve", "--config", Config()});
  const Program::Ports ports = program.WaitForPorts();
  WaitUntilReady(ports.health);
  EXPECT_TRUE(ReviewPod(ports.review, "contoso.azurecr.io/shop/cart:1.4")["allowed"]);
  EXPECT_FALSE(ReviewPod(ports.review, "fabrikam.azurecr.io/shop/cart:1.4")["allowed"]);
  EXPECT_EQ(program.Terminate(), 0);
}

// Everything that the program puts out, with everything that can go wrong with a credential.
TEST_F(AzureServe, NoSecretIsInAnyOutput) {
  std::string all;
  const auto run = [&](const std::vector<std::string>& arguments) {
    Program program(arguments);
    program.Wait();
    all += program.Out() + program.Err();
  };
  for (const char* credential : {"kind: clientSecret, clientSecretFile: secret", "kind: workloadIdentity, federatedTokenFile: token"}) {
    Configure(credential, "{subscriptions: [" + TestSubscription(1) + ", " + TestSubscription(2) + "]}");
    run({"validate", "--config", Config()});
    run({"registries", "--config", Config(), "--refresh", "-o", "json"});
    const int failure = azure_.Fail(AzureService::kLogin, 401);
    run({"registries", "--config", Config(), "--refresh"});
    azure_.Mend(failure);
    azure_.DenySubscription(TestSubscription(2));
    run({"registries", "--config", Config(), "--refresh"});
    Program program({"serve", "--config", Config()});
    const Program::Ports ports = program.WaitForPorts();
    WaitUntilReady(ports.health);
    all += ReviewPod(ports.review, "contoso.azurecr.io/shop/cart:1.4").dump() + ReviewPod(ports.review, "fabrikam.azurecr.io/a:1").dump();
    azure_.RevokeTokens();
    all += ReviewPod(ports.review, "nobody.azurecr.io/shop/cart:1.4").dump();
    all += GetText(ports.health, "/readyz") + GetText(ports.health, "/metrics");
    EXPECT_EQ(program.Terminate(), 0);
    all += program.Out() + program.Err() + Read("inventory.saved") + Read("audit.db") + Read("audit.db-wal");
    azure_.DenySubscription(TestSubscription(2), false);
  }
  EXPECT_THAT(all, AllOf(HasSubstr("contoso.azurecr.io"), HasSubstr("assign the role"), HasSubstr("401"))) << "it is what was meant";
  EXPECT_EQ(all.find(kSecretMarker), std::string::npos);
}

}  // namespace
}  // namespace support
