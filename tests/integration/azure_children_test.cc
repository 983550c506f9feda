// Decisions that rest on the children of registries, while Azure has a bad day and people change them. In simulated time.
#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/live_world.h"
#include "tests/support/azure_children.h"
#include "tests/support/registry_bodies.h"

namespace support {
namespace {

using policy::DecisionKind;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::NotNull;

const std::string kOne = TestSubscription(1);

constexpr const char* kTokensDisabled = R"({"allOf": [
    {"field": "type", "equals": "Microsoft.ContainerRegistry/registries/tokens"},
    {"field": "Microsoft.ContainerRegistry/registries/tokens/status", "notEquals": "disabled"}]})";

constexpr const char* kPolicy = "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: tokens-disabled}]\n";
constexpr const char* kOtherPolicy =
    "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: [{definition: customer-managed-key}]\n";

std::string ImageOf(const std::string& name) { return name + ".azurecr.io/shop/cart:1.4"; }

class AzureChildrenLive : public ::testing::Test {
 protected:
  static LiveWorld::Options Options() {
    LiveWorld::Options options;
    options.policy = kPolicy;
    options.definitions = {{"tokens-disabled", kTokensDisabled}};
    return options;
  }

  void PutToken(const std::string& registry, const std::string& status) {
    world_.azure.PutChild(ChildBody(RegistryId(kOne, "platform", registry), "tokens", "ci", {{"status", status}}));
  }
  void Add(const std::string& registry, const std::string& token_status) {
    world_.azure.AddRegistry(kOne, "platform", registry);
    PutToken(registry, token_status);
  }
  std::size_t ListsRead() const {
    std::size_t count = 0;
    for (const AzureRequest& request : world_.azure.Requests()) {
      count += request.operation == AzureOperation::kListChildren ? 1 : 0;
    }
    return count;
  }
  const policy::Finding& Finding(const std::string& registry) const { return world_.Find(registry)->verdict.at(0); }

  LiveWorld world_{Options()};
};

TEST_F(AzureChildrenLive, DecideOnceTheyAreRead) {
  Add("contoso", "disabled");
  Add("fabrikam", "enabled");
  world_.azure.AddRegistry(kOne, "platform", "adatum");
  world_.Start();
  world_.RunFor(seconds(10));
  EXPECT_EQ(world_.DecideAtOnce(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_EQ(world_.DecideAtOnce(ImageOf("adatum")), DecisionKind::kAllowed) << "it has none";
  EXPECT_EQ(world_.Decide(ImageOf("fabrikam")), DecisionKind::kDenied);
  EXPECT_EQ(Finding("fabrikam").result, policy::FindingResult::kNonCompliant);
}

TEST_F(AzureChildrenLive, ARegistryMadeAMomentAgoIsJudgedByThemAtTheFirstTry) {
  world_.Start();
  world_.RunFor(seconds(10));
  Add("contoso", "disabled");
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
}

TEST_F(AzureChildrenLive, ATokenThatIsEnabledIsSeenWithinTheIntervalAndOneThatIsMendedAtTheNextTry) {
  Add("contoso", "disabled");
  world_.Start();
  world_.RunFor(minutes(1));
  PutToken("contoso", "enabled");
  world_.RunFor(minutes(12));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied);
  PutToken("contoso", "disabled");
  world_.clock.Advance(seconds(6));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
}

TEST_F(AzureChildrenLive, AreAskedForWhileThePolicyNeedsThem) {
  Add("contoso", "disabled");
  world_.SetPolicy(kOtherPolicy);
  world_.Start();
  world_.RunFor(hours(1));
  EXPECT_EQ(ListsRead(), 0u);
  world_.SetPolicy(kPolicy);
  world_.RunFor(seconds(65));
  EXPECT_EQ(ListsRead(), 1u);
  EXPECT_EQ(world_.DecideAtOnce(ImageOf("contoso")), DecisionKind::kAllowed);
  world_.SetPolicy(kOtherPolicy);
  world_.RunFor(hours(1));
  EXPECT_EQ(ListsRead(), 1u);
}

TEST_F(AzureChildrenLive, ThatMayNotBeReadAreUnknownWithThePermissionThatIsMissing) {
  Add("contoso", "disabled");
  world_.azure.Fail(EveryListOf("tokens"), {.status = 403});
  world_.Start();
  world_.RunFor(minutes(1));
  ASSERT_THAT(world_.Find("contoso"), NotNull());
  EXPECT_EQ(Finding("contoso").result, policy::FindingResult::kUnknown);
  EXPECT_THAT(Finding("contoso").reason, HasSubstr("Microsoft.ContainerRegistry/registries/tokens/read"));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied);
  EXPECT_EQ(world_.inventory->status().children_failing, 1u);
  world_.azure.MendAll();
  world_.clock.Advance(seconds(6));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed) << "read before it is denied";
}

TEST_F(AzureChildrenLive, ThatCannotBeReadAnyMoreStayInForceAtTheirAge) {
  Add("contoso", "disabled");
  world_.Start();
  world_.RunFor(minutes(1));
  world_.azure.Fail(EveryListOf("tokens"), {.status = 503});
  world_.RunFor(hours(71));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
  EXPECT_LE(world_.AgeOf("contoso"), seconds(70)) << "no list of registries waits for them";
  EXPECT_LE(ListsRead(), 71u * 15) << "it backs off";
  world_.RunFor(hours(2));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kDenied) << "the policy accepts 72 hours";
  world_.azure.MendAll();
  world_.RunFor(minutes(10));
  EXPECT_EQ(world_.Decide(ImageOf("contoso")), DecisionKind::kAllowed);
}

TEST_F(AzureChildrenLive, AThrottlingStormIsWaitedOut) {
  for (int i = 0; i < 40; ++i) {
    Add("registry" + std::to_string(i), "disabled");
  }
  world_.Start();
  world_.RunFor(seconds(3));
  world_.azure.Fail(EveryCallOf(AzureService::kResourceManager), {.status = 429, .retry_after = seconds(90)}, 10);
  for (int i = 0; i < 60; ++i) {
    world_.RunFor(seconds(20));
    world_.Decide(ImageOf("registry" + std::to_string(i % 40)));
  }
  EXPECT_THAT(world_.azure.violations(), IsEmpty()) << "nothing is sent within a Retry-After";
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(world_.Decide(ImageOf("registry" + std::to_string(i))), DecisionKind::kAllowed) << i;
  }
}

TEST_F(AzureChildrenLive, EachRegistryCostsARequestInTenMinutes) {
  for (int i = 0; i < 200; ++i) {
    Add("registry" + std::to_string(i), "disabled");
  }
  world_.Start();
  world_.RunFor(minutes(2));
  world_.azure.ForgetRequests();
  world_.RunFor(minutes(10));
  EXPECT_THAT(ListsRead(), AllOf(Ge(180u), Le(240u)));
  EXPECT_LE(world_.azure.Count(AzureService::kResourceManager), 240u + 11 * 2) << "and the lists: two pages each minute";
  EXPECT_EQ(world_.inventory->status().problem.value_or(""), "");
}

TEST_F(AzureChildrenLive, ARegistryThatIsDeletedIsNoTrouble) {
  Add("contoso", "disabled");
  Add("fabrikam", "disabled");
  world_.Start();
  world_.RunFor(minutes(1));
  world_.azure.DeleteRegistry(RegistryId(kOne, "platform", "contoso"));
  for (int i = 0; i < 30; ++i) {
    world_.RunFor(minutes(1));
    EXPECT_EQ(world_.inventory->status().children_failing, 0u);
  }
  EXPECT_EQ(world_.DecideAtOnce(ImageOf("fabrikam")), DecisionKind::kAllowed);
}

}  // namespace
}  // namespace support
