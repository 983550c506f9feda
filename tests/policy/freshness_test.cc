#include "policy/freshness.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/decision_world.h"

namespace policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

std::vector<std::string> Needed(const World& world) { return NeedsFresh(world.Decide(), world.now); }

// A registry that was observed `age` ago.
void KnowSince(World& world, std::chrono::microseconds age, std::string login_server, Verdict verdict) {
  RegistryFacts known;
  known.registry.login_server = std::move(login_server);
  known.registry.observed = world.now - age;
  known.verdict = std::move(verdict);
  world.facts.Add(std::make_shared<const RegistryFacts>(std::move(known)));
}

TEST(Freshness, ADenialOnOldFactsAsksForItsRegistry) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/shop/cart:1");
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

TEST(Freshness, WhatCouldNotBeToldIsAskedForToo) {
  World world;
  world.Know("contoso.azurecr.io", {Unknown("private-link")});
  world.Use("contoso.azurecr.io/shop/cart:1");
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

TEST(Freshness, NothingIsAskedForWhereNothingIsDenied) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link", Effect::kWarn), NonCompliant("customer-managed-key", Effect::kAudit)});
  world.Use("contoso.azurecr.io/shop/cart:1");
  EXPECT_THAT(Needed(world), IsEmpty());
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
  world.policy.max_effect = Effect::kWarn;
  EXPECT_THAT(Needed(world), IsEmpty());
  world.policy.max_effect = Effect::kDeny;
  world.Exempt(world.PrivateLinkExemption());
  EXPECT_THAT(Needed(world), IsEmpty());
}

TEST(Freshness, ChildrenAreAskedForTooWhereTheyAreOldOrWereNeverRead) {
  World world;
  RegistryFacts known;
  known.registry.login_server = "contoso.azurecr.io";
  known.registry.observed = world.now - 1s;
  known.verdict = {NonCompliant("repository-scoped-token-disabled")};
  world.Use("contoso.azurecr.io/shop/cart:1");
  const auto needed_with = [&](std::optional<std::chrono::seconds> age, bool lacks) {
    known.children_observed = age ? std::optional(world.now - *age) : std::nullopt;
    known.lacks_children = lacks;
    world.facts.Add(std::make_shared<const RegistryFacts>(known));
    return Needed(world);
  };
  EXPECT_THAT(needed_with(2s, false), IsEmpty());
  EXPECT_THAT(needed_with(10s, false), ElementsAre("contoso.azurecr.io"));
  EXPECT_THAT(needed_with(2s, true), ElementsAre("contoso.azurecr.io"));
}

TEST(Freshness, WhatAzurePolicySaysDoesNotChangeByAsking) {
  World world;
  world.Use("contoso.azurecr.io/shop/cart:1");
  Finding finding = NonCompliant("private-link");
  finding.source = FindingSource::kAzurePolicy;
  world.Know("contoso.azurecr.io", {finding});
  EXPECT_THAT(Needed(world), IsEmpty());
  finding.effect = Effect::kWarn;
  world.Know("contoso.azurecr.io", {finding, NonCompliant("customer-managed-key")});
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

TEST(Freshness, FactsAreFreshForFiveSecondsAndNeverFromTheFuture) {
  World world;
  world.Use("contoso.azurecr.io/shop/cart:1");
  for (const auto& [age, fresh] : std::vector<std::pair<std::chrono::microseconds, bool>>{
           {-1us, false}, {-1h, false}, {0us, true}, {5s, true}, {5s + 1us, false}, {72h, false}}) {
    KnowSince(world, age, "contoso.azurecr.io", {NonCompliant("private-link")});
    EXPECT_EQ(Needed(world).empty(), fresh) << age.count();
  }
}

TEST(Freshness, AnUnknownRegistryIsAlwaysAskedFor) {
  World world;
  world.Use("contoso.azurecr.io/shop/cart:1");
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
  world.policy.sources.push_back(SourceFor("contoso.azurecr.io/**", SourceAction::kAllow));
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
  world.policy.unknown_registry = Effect::kWarn;
  EXPECT_THAT(Needed(world), IsEmpty());
}

TEST(Freshness, AStaleVerdictIsAskedFor) {
  World world;
  KnowSince(world, world.policy.stale_after + 1s, "contoso.azurecr.io", {Compliant("private-link")});
  world.Use("contoso.azurecr.io/shop/cart:1");
  ASSERT_EQ(world.Kind(), DecisionKind::kDenied);
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

TEST(Freshness, EachRegistryIsAskedForOnceInTheOrderOfTheImages) {
  World world;
  world.Know("b.azurecr.io", {NonCompliant("private-link")});
  world.Know("fine.azurecr.io", {Compliant("private-link")});
  for (const char* image :
       {"b.azurecr.io/x", "a.azurecr.io/x", "fine.azurecr.io/x", "b.azurecr.io/y", "a.westeurope.geo.azurecr.io/x", "c.azurecr.io/x"}) {
    world.Use(image);
  }
  EXPECT_THAT(Needed(world), ElementsAre("b.azurecr.io", "a.azurecr.io", "c.azurecr.io"));
}

TEST(Freshness, AnAliasIsAskedForByItsLoginServer) {
  World world;
  world.policy.aliases["images.contoso.com"] = "contoso.azurecr.io";
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("images.contoso.com/shop/cart:1");
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

// Beside an image whose denial fresher facts could turn.
class FreshnessBeside : public ::testing::Test {
 protected:
  FreshnessBeside() {
    world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
    world.Use("contoso.azurecr.io/shop/cart:1");
  }
  World world;
};

TEST_F(FreshnessBeside, AFreshDenialStands) {
  KnowSince(world, 1s, "fresh.azurecr.io", {NonCompliant("private-link")});
  world.Use("fresh.azurecr.io/x");
  EXPECT_THAT(Needed(world), IsEmpty());
}

TEST_F(FreshnessBeside, FreshFactsThatDoNotDenyAreInNobodysWay) {
  KnowSince(world, 1s, "fresh.azurecr.io", {NonCompliant("private-link", Effect::kWarn)});
  world.Use("fresh.azurecr.io/x");
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

TEST_F(FreshnessBeside, ASourceRuleThatDeniesStands) {
  world.policy.sources.push_back(SourceFor("docker.io/**", SourceAction::kDeny));
  world.Use("nginx");
  EXPECT_THAT(Needed(world), IsEmpty());
}

TEST_F(FreshnessBeside, ASourceRuleThatWarnsIsInNobodysWay) {
  world.policy.sources.push_back(SourceFor("docker.io/**", SourceAction::kWarn));
  world.Use("nginx");
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

TEST_F(FreshnessBeside, ASourceRuleThatDeniesAnAcrStands) {
  world.Know("banned.azurecr.io", {Compliant("private-link")});
  world.policy.sources.push_back(SourceFor("banned.azurecr.io/**", SourceAction::kDeny));
  world.Use("banned.azurecr.io/x");
  EXPECT_THAT(Needed(world), IsEmpty());
}

TEST_F(FreshnessBeside, OtherRegistriesThatAreDeniedStand) {
  world.Use("quay.io/x");
  EXPECT_THAT(Needed(world), IsEmpty());
  world.policy.other_registries = Effect::kAudit;
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

TEST_F(FreshnessBeside, AReferenceThatIsRefusedStands) {
  world.Use("contoso.azurecr.io/UPPER");
  EXPECT_THAT(Needed(world), IsEmpty());
}

TEST_F(FreshnessBeside, AShapeThatIsNotUnderstoodStands) {
  world.admission.problem = "spec.containers: expected an array";
  EXPECT_THAT(Needed(world), IsEmpty());
}

TEST_F(FreshnessBeside, AnImageThatRunsAlreadyIsNotAskedFor) {
  world.Use("old.azurecr.io/x").in_old_object = true;
  EXPECT_THAT(Needed(world), ElementsAre("contoso.azurecr.io"));
}

}  // namespace
}  // namespace policy
