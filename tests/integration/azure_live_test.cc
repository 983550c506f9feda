// What happens to decisions while Azure has a bad day, and while people change their registries. In simulated time.
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/confirmations.h"
#include "tests/integration/live_world.h"
#include "tests/support/registry_bodies.h"

namespace support {
namespace {

using policy::DecisionKind;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsNull;
using ::testing::NotNull;

const std::string kOne = TestSubscription(1);
const std::string kTwo = TestSubscription(2);

std::string ImageOf(const std::string& name) { return name + ".azurecr.io/shop/cart:1.4"; }

class AzureLive : public ::testing::Test {
 protected:
  std::string Add(const std::string& name, const std::string& subscription = kOne,
                  const nlohmann::json& properties = nlohmann::json::object()) {
    return world_.azure.AddRegistry(subscription, "platform", name, properties);
  }
  void StartWith(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      Add(name);
    }
    world_.Start();
    world_.RunFor(seconds(5));
  }

  LiveWorld world_;
};

TEST_F(AzureLive, ACompliantRegistryIsAdmittedAndOthersAreNot) {
  Add("contoso");
  Add("fabrikam", kTwo, WithoutCustomerManagedKey());
  world_.Start();
  EXPECT_EQ(world_.DecideAtOnce(ImageOf("contoso")), DecisionKind::kDenied) << "unknown until it was read";
  world_.RunFor(seconds(5));
  EXPECT_TRUE(world_.complete);
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_EQ(world_.Decide(ImageOf("fabrikam")), DecisionKind::kDenied);
}

TEST_F(AzureLive, ARefreshIsOneRequestForEachSubscription) {
  for (int i = 0; i < 300; ++i) {
    world_.azure.AddRegistry(TestSubscription(i), "platform", "registry" + std::to_string(i));
  }
  world_.Start();
  world_.RunFor(seconds(30));
  EXPECT_TRUE(world_.complete);
  EXPECT_EQ(world_.facts->size(), 300u);
  EXPECT_LE(world_.azure.Count(AzureService::kResourceManager) + world_.azure.Count(AzureService::kResourceGraph), 311u);
  world_.azure.ForgetRequests();
  world_.RunFor(seconds(65));
  EXPECT_LE(world_.azure.Count(AzureService::kResourceManager), 600u) << "each subscription once in each minute";
  EXPECT_GE(world_.azure.Count(AzureService::kResourceManager), 300u);
  EXPECT_EQ(world_.azure.Count(AzureService::kResourceGraph), 0u);
}

TEST_F(AzureLive, ARegistryMendedBetweenDenialAndRetryIsAdmittedAtTheRetry) {
  const std::string id = Add("contoso", kOne, WithOpenNetwork());
  world_.Start();
  world_.RunFor(seconds(10));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied);
  world_.azure.PutRegistry(RegistryBody(kOne, "platform", "contoso"));
  world_.clock.Advance(seconds(6));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
}

TEST_F(AzureLive, ARegistryMadeAMomentAgoIsFoundAtTheFirstTry) {
  StartWith({"contoso"});
  Add("fabrikam", kTwo);
  EXPECT_EQ(world_.Decide(ImageOf("fabrikam")), DecisionKind::kAllowed);
  world_.RunFor(minutes(3));
  EXPECT_LE(world_.AgeOf("fabrikam"), seconds(70)) << "its subscription is listed from now on";
}

TEST_F(AzureLive, ARegistryThatDriftsIsDeniedWithinTheRefresh) {
  StartWith({"contoso"});
  EXPECT_TRUE(world_.azure.ChangeRegistry(RegistryId(kOne, "platform", "contoso"), WithOpenNetwork()));
  world_.RunFor(seconds(70));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied);
}

TEST_F(AzureLive, ADayOfOutageKeepsDecidingAtTrueAgesAndCostsLittle) {
  StartWith({"contoso"});
  world_.azure.ForgetRequests();
  world_.azure.Fail(AzureService::kResourceManager, 503);
  world_.azure.Fail(AzureService::kResourceGraph, 503);
  world_.RunFor(hours(24));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_GE(world_.AgeOf("contoso"), hours(24));
  EXPECT_LE(world_.azure.Count(), 1000u) << "it backs off to one try in five minutes";
  world_.RunFor(hours(49));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied) << "the policy accepts 72 hours";
  world_.azure.MendAll();
  world_.clock.Advance(azure::kConfirmInterval);
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed) << "asked before it is denied";
  world_.RunFor(minutes(12));
  EXPECT_LE(world_.AgeOf("contoso"), seconds(70));
}

TEST_F(AzureLive, AnUnreachableLoginServiceIsAnOutageToo) {
  StartWith({"contoso"});
  world_.azure.RevokeTokens();
  const int failure = world_.azure.Fail(AzureService::kLogin, 500);
  world_.RunFor(minutes(10));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_GE(world_.AgeOf("contoso"), minutes(8));
  EXPECT_THAT(world_.inventory->status().problem.value_or(""), HasSubstr("no token"));
  world_.azure.Mend(failure);
  world_.RunFor(minutes(10));
  EXPECT_LE(world_.AgeOf("contoso"), seconds(70));
}

TEST_F(AzureLive, AThrottlingStormIsWaitedOut) {
  for (int i = 0; i < 40; ++i) {
    world_.azure.AddRegistry(TestSubscription(i % 8), "platform", "registry" + std::to_string(i));
  }
  world_.Start();
  world_.RunFor(seconds(10));
  world_.azure.Fail(EveryCallOf(AzureService::kResourceManager), {.status = 429, .retry_after = seconds(90)}, 40);
  world_.azure.Fail(EveryCallOf(AzureService::kResourceGraph), {.status = 429, .retry_after = seconds(30), .retry_after_as_date = true}, 4);
  world_.azure.Fail(EveryCallOf(AzureService::kLogin), {.status = 429, .retry_after = seconds(60)}, 4);
  world_.azure.RevokeTokens();
  for (int i = 0; i < 60; ++i) {
    world_.RunFor(seconds(20));
    world_.Decide(ImageOf("registry" + std::to_string(i % 40)));
    world_.Decide(ImageOf("nobody" + std::to_string(i)));
  }
  EXPECT_THAT(world_.azure.violations(), IsEmpty()) << "nothing is sent within a Retry-After";
  world_.RunFor(minutes(10));
  for (int i = 0; i < 40; ++i) {
    EXPECT_LE(world_.AgeOf("registry" + std::to_string(i)), seconds(70));
  }
}

TEST_F(AzureLive, SmallAllowancesAreNotOverdrawn) {
  LiveWorld::Options options;
  options.azure.reads = {20, 0.5};
  options.azure.graph_queries = 3;
  LiveWorld world(options);
  for (int i = 0; i < 30; ++i) {
    world.azure.AddRegistry(kOne, "platform", "registry" + std::to_string(i), i % 2 == 0 ? WithOpenNetwork() : nlohmann::json::object());
  }
  world.Start();
  for (int i = 0; i < 300; ++i) {
    world.RunFor(seconds(1));
    world.Decide(ImageOf("registry" + std::to_string(2 * (i % 15))));
    world.Decide(ImageOf("nobody" + std::to_string(i)));
  }
  EXPECT_THAT(world.azure.violations(), IsEmpty());
  EXPECT_LE(world.AgeOf("registry1"), minutes(5));
}

TEST_F(AzureLive, ATokenThatExpiresIsReplacedWithoutAnybodyNoticing) {
  LiveWorld::Options options;
  options.azure.token.expires_in = seconds(300);
  LiveWorld world(options);
  world.azure.AddRegistry(kOne, "platform", "contoso");
  world.Start();
  for (int i = 0; i < 60; ++i) {
    world.RunFor(minutes(1));
    EXPECT_LE(world.AgeOf("contoso"), seconds(70));
  }
  EXPECT_GE(world.azure.TokensHandedOut(), 12u);
  EXPECT_EQ(world.inventory->status().problem, std::nullopt);
}

TEST_F(AzureLive, TenThousandDenialsOfOneRegistryAreOneRequest) {
  Add("contoso", kOne, WithOpenNetwork());
  world_.Start();
  world_.RunFor(seconds(10));
  world_.azure.ForgetRequests();
  int done = 0;
  for (int i = 0; i < 10'000; ++i) {
    world_.inventory->Freshen({"contoso.azurecr.io"}, world_.clock.Monotonic() + seconds(1), [&] { ++done; });
    world_.clock.Advance(std::chrono::microseconds(100));
  }
  world_.RunFor(seconds(1));
  EXPECT_EQ(done, 10'000);
  EXPECT_LE(world_.azure.Count(AzureService::kResourceManager), 1u);
}

TEST_F(AzureLive, TenThousandDistinctUnknownHostsAreFewRequests) {
  StartWith({"contoso"});
  world_.azure.ForgetRequests();
  int done = 0;
  for (int i = 0; i < 10'000; ++i) {
    world_.inventory->Freshen({"nobody" + std::to_string(i) + ".azurecr.io"}, world_.clock.Monotonic() + seconds(1), [&] { ++done; });
    if (i % 100 == 0) {
      world_.RunFor(milliseconds(10));
    }
  }
  EXPECT_LE(world_.azure.Count(AzureService::kResourceGraph), 1u) << "one query in two seconds";
  world_.RunFor(seconds(60));
  EXPECT_EQ(done, 10'000);
  EXPECT_LE(world_.azure.Count(AzureService::kResourceGraph), 31u);
  EXPECT_LE(world_.azure.Count(AzureService::kResourceManager), 4u) << "refreshes alone";
  EXPECT_THAT(world_.azure.violations(), IsEmpty());
}

TEST_F(AzureLive, OneSubscriptionLostLeavesTheOthersFresh) {
  Add("contoso", kOne);
  Add("fabrikam", kTwo);
  world_.Start();
  world_.RunFor(seconds(5));
  world_.azure.DenySubscription(kTwo);
  world_.RunFor(hours(1));
  EXPECT_LE(world_.AgeOf("contoso"), seconds(70));
  EXPECT_GE(world_.AgeOf("fabrikam"), minutes(58));
  EXPECT_EQ(world_.Decide(ImageOf("fabrikam")), DecisionKind::kAllowed) << "kept at its true age";
  const auto status = world_.inventory->status();
  EXPECT_EQ(status.failing, 1u);
  EXPECT_THAT(status.problem.value_or(""), HasSubstr("assign the role"));
  EXPECT_THAT(status.problem.value_or(""), HasSubstr("correlation id"));
}

TEST_F(AzureLive, ARoleNarrowedWithoutASignIsAnAlarmAndLosesNothing) {
  StartWith({"contoso", "fabrikam"});
  world_.azure.DenyRegistry(RegistryId(kOne, "platform", "fabrikam"));
  world_.RunFor(hours(1));
  ASSERT_THAT(world_.Find("fabrikam"), NotNull());
  EXPECT_GE(world_.AgeOf("fabrikam"), minutes(58));
  EXPECT_LE(world_.AgeOf("contoso"), seconds(70));
  EXPECT_EQ(world_.inventory->status().forbidden, 1u);
  EXPECT_THAT(world_.inventory->status().problem.value_or(""), HasSubstr("fabrikam.azurecr.io"));
  world_.azure.DenyRegistry(RegistryId(kOne, "platform", "fabrikam"), false);
  world_.RunFor(minutes(3));
  EXPECT_LE(world_.AgeOf("fabrikam"), seconds(70));
  EXPECT_EQ(world_.inventory->status().problem, std::nullopt);
}

TEST_F(AzureLive, ADeletedRegistryIsUnknownAfterTheNextListThoughResourceGraphIsHoursBehind) {
  AzureSettings settings = world_.azure.settings();
  settings.graph_lag = hours(30);
  StartWith({"contoso"});
  world_.azure.SetSettings(settings);
  world_.azure.DeleteRegistry(RegistryId(kOne, "platform", "contoso"));
  world_.RunFor(seconds(70));
  EXPECT_THAT(world_.Find("contoso"), IsNull());
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied);
}

TEST_F(AzureLive, ANameTakenByAnotherTenantIsUnknown) {
  StartWith({"contoso"});
  world_.azure.DeleteRegistry(RegistryId(kOne, "platform", "contoso"));  // and made anew elsewhere, where nobody of us sees it
  world_.RunFor(seconds(70));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied);
  EXPECT_THAT(world_.Find("contoso"), IsNull());
}

TEST_F(AzureLive, ARegistryThatMovesToAnotherGroupStaysKnown) {
  StartWith({"contoso"});
  world_.azure.DeleteRegistry(RegistryId(kOne, "platform", "contoso"));
  world_.azure.AddRegistry(kOne, "moved", "contoso");
  for (int i = 0; i < 12; ++i) {
    world_.RunFor(seconds(10));
    EXPECT_EQ(world_.DecideAtOnce(ImageOf("contoso")), DecisionKind::kAllowed);
  }
}

TEST_F(AzureLive, ADeletedSubscriptionTakesItsRegistriesAlong) {
  Add("contoso", kOne);
  Add("fabrikam", kTwo);
  world_.Start();
  world_.RunFor(seconds(5));
  world_.azure.DeleteSubscription(kTwo);
  world_.RunFor(minutes(5));
  EXPECT_THAT(world_.Find("fabrikam"), IsNull());
  EXPECT_THAT(world_.Find("contoso"), NotNull());
}

TEST_F(AzureLive, ARestartWithEverythingDownServesWhatWasSavedAtItsTrueAge) {
  StartWith({"contoso"});
  world_.azure.Fail(Every(), {.status = 503});
  world_.RunFor(hours(2));
  const auto age = world_.AgeOf("contoso");
  world_.Start(*world_.facts);
  world_.RunFor(minutes(10));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_GE(world_.AgeOf("contoso"), age + minutes(10));
  EXPECT_FALSE(world_.complete);
  world_.azure.MendAll();
  world_.RunFor(minutes(15));
  EXPECT_TRUE(world_.complete);
  EXPECT_LE(world_.AgeOf("contoso"), seconds(70));
}

TEST_F(AzureLive, ARegistryDeletedWhileNobodyLookedIsUnknownSoonAfterARestart) {
  StartWith({"contoso"});
  const policy::Facts saved = *world_.facts;
  world_.azure.DeleteRegistry(RegistryId(kOne, "platform", "contoso"));
  world_.clock.Advance(hours(1));
  world_.Start(saved);
  world_.RunFor(seconds(10));
  EXPECT_THAT(world_.Find("contoso"), IsNull());
}

TEST_F(AzureLive, ManagementGroupsAreTheScope) {
  LiveWorld::Options options;
  options.scope.management_groups = {"platform"};
  LiveWorld world(options);
  world.azure.AddRegistry(kOne, "platform", "contoso");
  world.azure.AddRegistry(kTwo, "platform", "fabrikam");
  world.azure.SetManagementGroup("platform", {kOne});
  world.Start();
  world.RunFor(minutes(2));
  EXPECT_THAT(world.Find("contoso"), NotNull());
  EXPECT_THAT(world.Find("fabrikam"), IsNull());
  EXPECT_EQ(world.Decide(ImageOf("fabrikam")), DecisionKind::kDenied) << "also when it is looked up";
}

// ---- Azure Policy's own states

constexpr const char* kPrivateLink = "e8eef0a8-67cf-4eb4-9386-14b0e78733d4";

LiveWorld::Options WithStates(const std::string& source) {
  LiveWorld::Options options;
  options.policy =
      "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: private-link, source: " + source + "}]\n";
  options.compliance_states = true;
  return options;
}

TEST(AzureLiveStates, ADisagreementIsSeenAndDecidesNothing) {
  LiveWorld world(WithStates("registry"));
  const std::string id = world.azure.AddRegistry(kOne, "Platform", "Contoso");
  world.azure.PutPolicyState(
      {.resource_id = id, .definition = kPrivateLink, .state = "NonCompliant", .timestamp = world.clock.Now() - hours(3)});
  world.Start();
  world.RunFor(minutes(20));
  const policy::Finding& finding = world.facts->Find("contoso.azurecr.io")->verdict.at(0);
  EXPECT_EQ(finding.result, policy::FindingResult::kCompliant);
  EXPECT_TRUE(policy::DisagreesWithAzure(finding));
  EXPECT_EQ(world.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_THAT(world.azure.violations(), IsEmpty());
}

TEST(AzureLiveStates, DecideWhereTheRequirementSaysSo) {
  LiveWorld world(WithStates("azurePolicy"));
  const auto put = [&](const std::string& name, const std::string& state) {
    world.azure.PutPolicyState({.resource_id = RegistryId(kOne, "platform", name),
                                .definition = kPrivateLink,
                                .state = state,
                                .timestamp = world.clock.Now() - hours(30)});
  };
  for (const char* name : {"compliant", "noncompliant", "exempt", "conflicting", "unassigned"}) {
    world.azure.AddRegistry(kOne, "platform", name);
  }
  put("compliant", "Compliant");
  put("noncompliant", "NonCompliant");
  put("exempt", "Exempt");
  put("conflicting", "Conflict");
  world.Start();
  EXPECT_EQ(world.DecideAtOnce(ImageOf("compliant")), DecisionKind::kDenied);
  world.RunFor(seconds(10));
  EXPECT_EQ(world.Decide(ImageOf("compliant")), DecisionKind::kAllowed);
  EXPECT_EQ(world.Decide(ImageOf("noncompliant")), DecisionKind::kDenied);
  EXPECT_EQ(world.Decide(ImageOf("exempt")), DecisionKind::kAllowed);
  EXPECT_EQ(world.Decide(ImageOf("conflicting")), DecisionKind::kDenied);
  EXPECT_EQ(world.Decide(ImageOf("unassigned")), DecisionKind::kDenied);
  put("noncompliant", "Compliant");
  world.RunFor(minutes(20));
  EXPECT_EQ(world.Decide(ImageOf("noncompliant")), DecisionKind::kAllowed);
}

TEST(AzureLiveStates, ThatCannotBeReadAnyMoreHoldAsLongAsThePolicyAcceptsAndDisturbNothing) {
  LiveWorld world(WithStates("azurePolicy"));
  world.azure.PutPolicyState({.resource_id = world.azure.AddRegistry(kOne, "platform", "contoso"), .definition = kPrivateLink});
  world.Start();
  world.RunFor(seconds(10));
  world.azure.Fail(AzureService::kPolicyInsights, 503);
  world.RunFor(hours(71));
  EXPECT_EQ(world.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_LE(world.AgeOf("contoso"), seconds(70));
  world.RunFor(hours(2));
  EXPECT_EQ(world.Decide(ImageOf("contoso")), DecisionKind::kDenied);
  EXPECT_LE(world.AgeOf("contoso"), seconds(70));
  world.azure.MendAll();
  world.RunFor(minutes(10));
  EXPECT_EQ(world.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
}

TEST(AzureLiveStates, AreNotAskedForUnlessTheConfigurationSaysSo) {
  LiveWorld::Options options = WithStates("azurePolicy");
  options.compliance_states = false;
  LiveWorld world(options);
  world.azure.PutPolicyState({.resource_id = world.azure.AddRegistry(kOne, "platform", "contoso"), .definition = kPrivateLink});
  world.Start();
  world.RunFor(hours(1));
  EXPECT_EQ(world.azure.Count(AzureService::kPolicyInsights), 0u);
  EXPECT_EQ(world.Decide(ImageOf("contoso")), DecisionKind::kDenied);
  EXPECT_THAT(world.Find("contoso")->verdict.at(0).reason, HasSubstr("inventory.complianceStates"));
}

}  // namespace
}  // namespace support
