#include "scan/standing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scan/usage.h"
#include "tests/policy/decision_world.h"
#include "tests/scan/scan_pods.h"

namespace scan {
namespace {

using policy::Effect;
using policy::FindingResult;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr const char* kContoso = "contoso.azurecr.io";
constexpr const char* kFabrikam = "fabrikam.azurecr.io";

class Standings : public ::testing::Test {
 protected:
  Standings() {
    world_.Know(kContoso, {policy::Compliant("customer-managed-key"), policy::Compliant("private-link")});
    world_.Know(kFabrikam, {policy::Unknown("customer-managed-key", Effect::kAudit), policy::NonCompliant("private-link")});
  }

  std::vector<Standing> Run() const {
    const Assessment assessment = Assess(index_, world_.policy, world_.facts, world_.now);
    return StandingsOf(index_, assessment, world_.policy, world_.facts, world_.now);
  }

  policy::World world_;
  Index index_;
};

TEST_F(Standings, WhatMeetsThePolicyHasNone) {
  index_.Put(MakePod("1", "shop", Owned("StatefulSet", "db"), {"contoso.azurecr.io/db:1"}));
  EXPECT_THAT(Run(), IsEmpty());
}

TEST_F(Standings, OneForEachNamespaceRequirementAndRegistry) {
  for (const char* space : {"shop", "bank"}) {
    for (const char* name : {"db", "cache"}) {
      index_.Put(MakePod(std::string(space) + name, space, Owned("StatefulSet", name),
                         {"fabrikam.azurecr.io/a:1", "fabrikam.azurecr.io/b:1", "contoso.azurecr.io/c:1"}));
    }
  }
  const std::vector<Standing> standings = Run();
  ASSERT_THAT(standings, SizeIs(4));
  EXPECT_EQ(standings[0].namespace_name, "bank");
  EXPECT_EQ(standings[0].requirement, "private-link");
  EXPECT_EQ(standings[0].effect, Effect::kDeny);
  EXPECT_EQ(standings[0].result, FindingResult::kNonCompliant);
  EXPECT_EQ(standings[0].registry, kFabrikam);
  EXPECT_EQ(standings[0].why, "privateEndpointConnections[*] where status is Approved is 0 (expected at least 1)");
  EXPECT_EQ(standings[0].remedy, "az acr update --name contoso --public-network-enabled false");
  EXPECT_EQ(standings[0].workload_count, 2);
  EXPECT_THAT(standings[0].workloads, ElementsAre(Workload{"bank", "StatefulSet", "cache"}, Workload{"bank", "StatefulSet", "db"}));
  EXPECT_EQ(standings[1].requirement, "customer-managed-key");
  EXPECT_EQ(standings[1].result, FindingResult::kUnknown);
  EXPECT_EQ(standings[1].why, "the body has no member \"encryption\"");
  EXPECT_EQ(standings[2].namespace_name, "shop");
}

TEST_F(Standings, ADecisionsOwnFindingsStandToo) {
  index_.Put(MakePod("1", "shop", Owned("StatefulSet", "db"), {"nobody.azurecr.io/db:1"}));
  const std::vector<Standing> standings = Run();
  ASSERT_THAT(standings, SizeIs(1));
  EXPECT_EQ(standings[0].requirement, "unknownRegistry");
  EXPECT_EQ(standings[0].registry, "nobody.azurecr.io");
  EXPECT_NE(standings[0].why, "");
}

TEST_F(Standings, NamesSomeWorkloadsAndCountsAll) {
  for (int i = 10; i < 60; ++i) {
    index_.Put(MakePod(std::to_string(i), "shop", Owned("StatefulSet", "db-" + std::to_string(i)), {"fabrikam.azurecr.io/db:1"}));
  }
  const std::vector<Standing> standings = Run();
  ASSERT_FALSE(standings.empty());
  EXPECT_EQ(standings[0].workload_count, 50);
  EXPECT_THAT(standings[0].workloads, SizeIs(kMaxNamedWorkloads));
  EXPECT_EQ(standings[0].workloads[0].name, "db-10");
}

TEST_F(Standings, UsageCountsEveryNameOfARegistry) {
  world_.policy.aliases = {{"images.contoso.com", kContoso}};
  index_.Put(MakePod("1", "shop", Owned("StatefulSet", "db"), {"contoso.azurecr.io/db:1"}));
  index_.Put(MakePod("2", "shop", Owned("StatefulSet", "db"), {"contoso.azurecr.io/db:1"}));
  index_.Put(MakePod("3", "shop", Owned("StatefulSet", "cache"), {"images.contoso.com/cache:1", "contoso.azurecr.io/db:1"}));
  index_.Put(MakePod("4", "bank", Owned("CronJob", "sweep"), {"contoso.westeurope.geo.azurecr.io/sweep:1", "docker.io/library/nginx"}));
  index_.Put(MakePod("5", "bank", Owned("CronJob", "hub"), {"nginx"}));
  const auto usages = UsageOf(index_, world_.policy);
  ASSERT_THAT(usages, ElementsAre(Pair(kContoso, ::testing::_)));
  const Usage& usage = usages.at(kContoso);
  EXPECT_EQ(usage.workloads, 3);
  EXPECT_EQ(usage.pods, 4);
  EXPECT_THAT(usage.namespaces,
              ElementsAre(Pair("bank", Workload{"bank", "CronJob", "sweep"}), Pair("shop", Workload{"shop", "StatefulSet", "cache"})));
}

TEST(CountByNamespace, KeepsTheLargestAndAddsUpTheOthers) {
  const auto standing = [](std::string space, std::string requirement, std::string registry, std::int64_t workloads) {
    return Standing{.namespace_name = std::move(space),
                    .requirement = std::move(requirement),
                    .registry = std::move(registry),
                    .workload_count = workloads};
  };
  const std::vector<Standing> standings = {standing("a", "x", kContoso, 2), standing("a", "x", kFabrikam, 3),
                                           standing("b", "x", kContoso, 1), standing("b", "y", kContoso, 4),
                                           standing("c", "x", kContoso, 2)};
  EXPECT_THAT(CountByNamespace(standings, 5), ElementsAre(NamespaceViolations{"a", "x", 5}, NamespaceViolations{"b", "x", 1},
                                                          NamespaceViolations{"b", "y", 4}, NamespaceViolations{"c", "x", 2}));
  EXPECT_THAT(CountByNamespace(standings, 2),
              ElementsAre(NamespaceViolations{"a", "x", 5}, NamespaceViolations{"b", "y", 4}, NamespaceViolations{"other", "x", 3}));
}

}  // namespace
}  // namespace scan
