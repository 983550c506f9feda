// Managed certificates over a model of the API server: what is written where, as whom, and what is left alone.
#include "cli/serving_identity.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "certs/x509.h"
#include "tests/cli/cluster_world.h"
#include "tests/support/kubernetes_status.h"

namespace cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kSecret = "/api/v1/namespaces/acr/secrets/acr-admission-tls";
constexpr const char* kConfiguration = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/acr-admission";
constexpr const char* kEvents = "/apis/events.k8s.io/v1/namespaces/acr/events";

json Webhook(const std::string& name, const std::string& service, const std::string& namespace_name = "acr") {
  return {{"name", name},
          {"sideEffects", "NoneOnDryRun"},
          {"admissionReviewVersions", {"v1"}},
          {"failurePolicy", "Fail"},
          {"clientConfig", {{"service", {{"name", service}, {"namespace", namespace_name}, {"path", "/validate"}}}}}};
}

class ServingIdentityTest : public ::testing::Test {
 protected:
  ServingIdentityTest() {
    world_.client->TellTime(&world_.clock);
    world_.kubernetes.Put(
        kSecret,
        {{"apiVersion", "v1"}, {"kind", "Secret"}, {"type", "Opaque"}, {"metadata", {{"labels", {{"helm.sh/chart", "acr-admission"}}}}}});
    PutConfiguration();
  }

  void PutConfiguration() {
    world_.kubernetes.Put(kConfiguration,
                          {{"apiVersion", "admissionregistration.k8s.io/v1"},
                           {"kind", "ValidatingWebhookConfiguration"},
                           {"webhooks",
                            {Webhook("images.acr-admission.io", "acr-admission"), Webhook("workloads.acr-admission.io", "acr-admission"),
                             Webhook("another.service", "another"), Webhook("another.namespace", "acr-admission", "default")}}});
  }

  static TlsConfig Managed() {
    TlsConfig tls;
    tls.managed = ManagedTlsConfig{.secret = "acr-admission-tls", .service = "acr-admission", .webhook_configuration = "acr-admission"};
    return tls;
  }
  std::unique_ptr<ServingIdentity> Load() {
    auto identity = std::make_unique<ServingIdentity>(Managed(), world_.cluster.get(), world_.clock, world_.Log());
    EXPECT_TRUE(identity->Load());
    return identity;
  }
  std::string CaBundle(std::size_t entry) {
    const json client = (*world_.kubernetes.Find(kConfiguration))["webhooks"][entry]["clientConfig"];
    return client.contains("caBundle") ? base::DecodeBase64(client["caBundle"].get<std::string>()).value_or("bad") : "";
  }
  std::string SecretText(const char* key) {
    return base::DecodeBase64((*world_.kubernetes.Find(kSecret))["data"][key].get<std::string>()).value();
  }
  static Health HealthOf(const ServingIdentity& identity) {
    Health health;
    health.state.primed = true;
    identity.Tell(health);
    return health;
  }
  static webhook::Gauges::Certificates GaugesOf(const ServingIdentity& identity) {
    webhook::Gauges gauges;
    identity.Tell(gauges);
    return gauges.certificates.value();
  }

  ClusterWorld world_;
};

TEST_F(ServingIdentityTest, AuthoritiesAreKnownOnceThereAreSome) {
  const ServingIdentity identity(Managed(), world_.cluster.get(), world_.clock, world_.Log());
  EXPECT_FALSE(identity.Authorities());
  EXPECT_THAT(ReadAuthorities(*world_.cluster, "acr-admission-tls").error().message, HasSubstr("holds no certificate authority yet"));
  EXPECT_THAT(ReadAuthorities(*world_.cluster, "other").error().message, HasSubstr("holds no certificate authority yet"));
  world_.kubernetes.Put(kSecret, {{"apiVersion", "v1"}, {"kind", "Secret"}, {"data", {{"ca.crt", base::EncodeBase64("garbage")}}}});
  EXPECT_THAT(ReadAuthorities(*world_.cluster, "acr-admission-tls").error().message, HasSubstr("the Secret acr-admission-tls: "));
}

TEST_F(ServingIdentityTest, FillsTheChartsSecretAndTheCaBundleOfItsOwnEntriesAlone) {
  const auto identity = Load();
  ASSERT_NE(identity->identities().Current(), nullptr);
  EXPECT_EQ(CaBundle(0), SecretText("ca.crt"));
  EXPECT_EQ(CaBundle(1), SecretText("ca.crt"));
  EXPECT_EQ(identity->Authorities().value(), SecretText("ca.crt"));
  EXPECT_EQ(ReadAuthorities(*world_.cluster, "acr-admission-tls").value(), SecretText("ca.crt"));
  EXPECT_EQ(CaBundle(2), "");
  EXPECT_EQ(CaBundle(3), "");
  const json secret = *world_.kubernetes.Find(kSecret);
  EXPECT_EQ(secret["metadata"]["labels"]["helm.sh/chart"], "acr-admission") << "what others keep there is left alone";
  const json entry = (*world_.kubernetes.Find(kConfiguration))["webhooks"][0];
  EXPECT_EQ(entry["failurePolicy"], "Fail");
  EXPECT_THAT(certs::DnsNamesOf(identity->identities().Current()->leaf.get()),
              ElementsAre("acr-admission.acr.svc", "acr-admission", "acr-admission.acr", "acr-admission.acr.svc.cluster.local"));
}

TEST_F(ServingIdentityTest, LooksEachTimeUntilItIsReadyAndEveryTenSecondsAfterThat) {
  world_.kubernetes.Forbid("get", "secrets");
  const auto identity = Load();
  EXPECT_THAT(HealthOf(*identity).certificate_not_ready, HasSubstr("forbidden"));
  world_.kubernetes.Allow("get", "secrets");
  identity->PollWhenDue();
  EXPECT_NE(identity->identities().Current(), nullptr) << "no wait for the next ten seconds";

  world_.clock.Advance(certs::kPropagation);
  identity->PollWhenDue();
  EXPECT_EQ(HealthOf(*identity).certificate_not_ready, "");
  const std::size_t calls = world_.kubernetes.calls().size();
  world_.clock.Advance(certs::kPollInterval - std::chrono::seconds(1));
  identity->PollWhenDue();
  EXPECT_EQ(world_.kubernetes.calls().size(), calls);
  world_.clock.Advance(std::chrono::seconds(1));
  identity->PollWhenDue();
  EXPECT_GT(world_.kubernetes.calls().size(), calls);
}

TEST_F(ServingIdentityTest, MakesADeletedSecretAgainWithLabels) {
  const auto identity = Load();
  world_.kubernetes.Remove(kSecret);
  EXPECT_TRUE(identity->Load());
  ASSERT_TRUE(world_.kubernetes.Find(kSecret));
  EXPECT_EQ((*world_.kubernetes.Find(kSecret))["metadata"]["labels"], json({{"app.kubernetes.io/part-of", "acr-admission"}}))
      << "any that the chart writes otherwise would be a conflict for the next helm upgrade";
  EXPECT_EQ(GaugesOf(*identity).repairs[4].label, "secret_missing");
  EXPECT_EQ(GaugesOf(*identity).repairs[4].count, 1U);
}

TEST_F(ServingIdentityTest, NeverMakesAConfigurationAndSaysThatThereIsNone) {
  world_.kubernetes.Remove(kConfiguration);
  const auto identity = Load();
  EXPECT_FALSE(world_.kubernetes.Find(kConfiguration));
  EXPECT_EQ(GaugesOf(*identity).configuration_present, false);
  EXPECT_THAT(ReadinessNotes(HealthOf(*identity)), HasSubstr("nothing is checked"));
  EXPECT_EQ(NotReady(HealthOf(*identity)), "") << "nobody calls, and nobody is refused";
  PutConfiguration();
  EXPECT_TRUE(identity->Load());
  EXPECT_EQ(CaBundle(0), SecretText("ca.crt"));
  EXPECT_EQ(GaugesOf(*identity).configuration_present, true);
}

TEST_F(ServingIdentityTest, AConfigurationThatIsDeletedBetweenReadingAndWritingStaysDeleted) {
  ClusterTrustBundle trust(*world_.cluster, "acr-admission", "acr-admission");
  const auto read = trust.Read();
  ASSERT_TRUE(read && *read);
  world_.kubernetes.Remove(kConfiguration);
  EXPECT_EQ(trust.Write(**read, "pem").value(), certs::Outcome::kConflict);
  EXPECT_FALSE(world_.kubernetes.Find(kConfiguration));
}

TEST_F(ServingIdentityTest, OfTwoThatWriteOneMeetsAConflict) {
  ClusterIdentityStore one(*world_.cluster, "acr-admission-tls");
  ClusterIdentityStore other(*world_.cluster, "acr-admission-tls");
  const auto loaded = one.Load();
  ASSERT_TRUE(loaded && loaded->stored);
  ASSERT_TRUE(other.Load());
  EXPECT_EQ(one.Swap(loaded->stored->version, {{"a", "1"}}).value(), certs::Outcome::kDone);
  EXPECT_EQ(other.Swap(loaded->stored->version, {{"a", "2"}}).value(), certs::Outcome::kConflict);
  EXPECT_EQ(SecretText("a"), "1");
  world_.kubernetes.Remove(kSecret);
  EXPECT_EQ(other.Swap(loaded->stored->version, {{"a", "2"}}).value(), certs::Outcome::kConflict);
  ASSERT_TRUE(one.Load() && other.Load());
  EXPECT_EQ(one.Swap(std::nullopt, {{"a", "3"}}).value(), certs::Outcome::kDone);
  EXPECT_EQ(other.Swap(std::nullopt, {{"a", "4"}}).value(), certs::Outcome::kConflict);
  ClusterTrustBundle trust(*world_.cluster, "acr-admission", "acr-admission");
  const auto read = trust.Read();
  ASSERT_TRUE(trust.Write(**read, "pem"));
  EXPECT_EQ(trust.Write(**read, "late").value(), certs::Outcome::kConflict);
  EXPECT_EQ(CaBundle(0), "pem");
}

TEST_F(ServingIdentityTest, ReadsTheApiServersTime) {
  support::FakeClock theirs(world_.clock.Now() + std::chrono::hours(30));
  world_.client->TellTime(&theirs);
  const auto identity = Load();
  EXPECT_GT(identity->identities().Current()->not_before, world_.clock.Now());
  EXPECT_THAT(ReadinessNotes(HealthOf(*identity)), HasSubstr("clock differs from the API server's by 108000 s"));
}

TEST_F(ServingIdentityTest, IsNotReadyAndSaysWhyWhileTheApiServerIsAway) {
  world_.client->SetUnreachable(true);
  const auto identity = Load();
  EXPECT_EQ(identity->identities().Current(), nullptr);
  EXPECT_THAT(NotReady(HealthOf(*identity)), HasSubstr("connection refused"));
  EXPECT_EQ(ReadinessNotes(HealthOf(*identity)), "") << "no older one serves, and it was said already";
  EXPECT_EQ(world_.Failures("certificates"), 2U);
  world_.client->SetUnreachable(false);
  EXPECT_TRUE(identity->Load());
  EXPECT_NE(identity->identities().Current(), nullptr);
}

TEST_F(ServingIdentityTest, SaysWhatToGrant) {
  world_.kubernetes.Forbid("update", "secrets");
  const auto identity = Load();
  EXPECT_THAT(NotReady(HealthOf(*identity)), HasSubstr("grant the verb update on secrets in namespace acr"));
  world_.kubernetes.Allow("update", "secrets");
  world_.kubernetes.Forbid("patch", "validatingwebhookconfigurations");
  EXPECT_TRUE(identity->Load());
  EXPECT_THAT(NotReady(HealthOf(*identity)), HasSubstr("grant the verb patch on validatingwebhookconfigurations"));
  world_.kubernetes.Allow("patch", "validatingwebhookconfigurations");
  EXPECT_TRUE(identity->Load());
  world_.clock.Advance(certs::kPropagation);
  EXPECT_TRUE(identity->Load());
  ASSERT_EQ(NotReady(HealthOf(*identity)), "");
  world_.kubernetes.Forbid("get", "secrets");
  EXPECT_TRUE(identity->Load());
  EXPECT_EQ(NotReady(HealthOf(*identity)), "") << "once ready, the API server makes it unready no more";
  EXPECT_THAT(ReadinessNotes(HealthOf(*identity)), StartsWith("certificate: failed to read the Secret"));
}

TEST_F(ServingIdentityTest, TellsInEventsWhatHappened) {
  const auto identity = Load();
  world_.cluster->Flush();
  ASSERT_FALSE(world_.kubernetes.In(kEvents).empty());
  const json event = world_.kubernetes.In(kEvents).at(0);
  EXPECT_EQ(event["reason"], "CertificateIssued");
  EXPECT_EQ(event["type"], "Normal");
}

TEST_F(ServingIdentityTest, WhatIsDeletedWhileItStopsStaysDeletedAndItsEntryIsRemoved) {
  const auto identity = Load();
  world_.clock.Advance(std::chrono::seconds(10));
  EXPECT_TRUE(identity->Load());
  EXPECT_THAT(SecretText("replicas"), HasSubstr(world_.cluster->pod().name));
  identity->Settle();
  identity->Leave();
  EXPECT_FALSE((*world_.kubernetes.Find(kSecret))["data"].contains("replicas"));
  world_.kubernetes.Remove(kSecret);
  EXPECT_TRUE(identity->Load());
  EXPECT_FALSE(world_.kubernetes.Find(kSecret));
}

}  // namespace
}  // namespace cli
