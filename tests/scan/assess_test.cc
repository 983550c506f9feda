#include "scan/assess.h"

#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/policy/decision_world.h"
#include "tests/scan/scan_pods.h"

namespace scan {
namespace {

using policy::Effect;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr const char* kContoso = "contoso.azurecr.io";
constexpr const char* kFabrikam = "fabrikam.azurecr.io";

// contoso meets all, fabrikam has no private link.
class Assessed : public ::testing::Test {
 protected:
  Assessed() {
    world_.Know(kContoso, {policy::Compliant("customer-managed-key"), policy::Compliant("private-link")});
    world_.Know(kFabrikam, {policy::Compliant("customer-managed-key"), policy::NonCompliant("private-link")});
  }

  Assessment Run() const { return Assess(index_, world_.policy, world_.facts, world_.now); }
  Violations Of(const Outcome& outcome, std::size_t max = 100) const {
    return ViolationsOf(index_, outcome, world_.policy, world_.facts, world_.now, max);
  }

  policy::World world_;
  Index index_;
};

TEST_F(Assessed, NothingIsNothing) {
  const Assessment assessment = Run();
  EXPECT_THAT(assessment.workloads, IsEmpty());
  EXPECT_EQ(assessment.of_workloads, Tally());
}

TEST_F(Assessed, WorkloadsAreRefusedByTheirWorstPod) {
  index_.Put(MakePod("1", "shop", Owned("ReplicaSet", "cart-7d9f8c6b5d"), {"contoso.azurecr.io/cart:1"}));
  index_.Put(MakePod("2", "shop", Owned("ReplicaSet", "cart-6b5d7d9f8c"), {"fabrikam.azurecr.io/cart:2"}));
  index_.Put(MakePod("3", "shop", Owned("ReplicaSet", "cart-6b5d7d9f8c"), {"fabrikam.azurecr.io/cart:2"}));
  index_.Put(MakePod("4", "shop", Owned("StatefulSet", "db"), {"contoso.azurecr.io/db:1"}));
  const Assessment assessment = Run();
  ASSERT_EQ(assessment.workloads.size(), 2U);
  EXPECT_EQ(assessment.workloads[0].workload, (Workload{"shop", "Deployment", "cart"}));
  EXPECT_EQ(assessment.workloads[0].effect, Effect::kDeny);
  EXPECT_EQ(assessment.workloads[0].pods, 3);
  EXPECT_EQ(assessment.workloads[1].effect, Effect::kDisabled);
  EXPECT_EQ(assessment.pods, 4);
  EXPECT_EQ(assessment.of_workloads, (Tally{.refused = 1}));
  EXPECT_EQ(assessment.of_pods, (Tally{.refused = 2}));
  EXPECT_THAT(assessment.by_requirement, ElementsAre(Pair("private-link", Tally{.refused = 1})));
  EXPECT_THAT(assessment.by_registry, ElementsAre(Pair(kFabrikam, Tally{.refused = 1})));
  EXPECT_THAT(assessment.by_namespace, ElementsAre(Pair("shop", Tally{.refused = 1})));
}

TEST_F(Assessed, ViolationsSayWhatIsWrongWithWhat) {
  index_.Put(MakePod("1", "shop", Owned("StatefulSet", "db"), {"contoso.azurecr.io/db:1", "fabrikam.azurecr.io/agent"}));
  index_.Put(MakePod("2", "shop", Owned("StatefulSet", "db"), {"contoso.azurecr.io/db:2", "fabrikam.azurecr.io/agent"}));
  const Violations found = Of(Run().workloads.at(0));
  ASSERT_EQ(found.violations.size(), 1U) << "both pods name the image, and it is told once";
  const Violation& violation = found.violations[0];
  EXPECT_EQ(violation.effect, Effect::kDeny);
  EXPECT_EQ(violation.image, "fabrikam.azurecr.io/agent");
  EXPECT_EQ(violation.container, "c1");
  EXPECT_EQ(violation.field, "spec.containers[1].image");
  EXPECT_EQ(violation.registry, kFabrikam);
  EXPECT_EQ(violation.finding.requirement, "private-link");
  ASSERT_NE(violation.facts, nullptr);
  EXPECT_EQ(violation.facts->registry.login_server, kFabrikam);
}

TEST_F(Assessed, OfMoreThanAreKeptTheStrongestAre) {
  world_.policy.sources.push_back(policy::SourceFor("fabrikam.azurecr.io/soft", policy::SourceAction::kWarn));
  index_.Put(MakePod("1", "shop", {}, {"fabrikam.azurecr.io/soft", "fabrikam.azurecr.io/a", "fabrikam.azurecr.io/b"}));
  const Violations found = Of(Run().workloads.at(0), 2);
  ASSERT_EQ(found.violations.size(), 2U);
  EXPECT_EQ(found.violations[0].image, "fabrikam.azurecr.io/a");
  EXPECT_EQ(found.violations[1].image, "fabrikam.azurecr.io/b");
  EXPECT_EQ(found.omitted, 1U);
}

TEST_F(Assessed, ExemptionsAndCapsCount) {
  policy::Exemption exemption = world_.PrivateLinkExemption();
  exemption.namespaces = {"billing"};
  world_.Exempt(exemption);
  world_.policy.namespaces.emplace("sandbox", Effect::kWarn);
  for (const char* namespace_name : {"billing", "sandbox", "shop"}) {
    index_.Put(MakePod(namespace_name, namespace_name, {}, {"fabrikam.azurecr.io/x"}));
  }
  EXPECT_THAT(Run().by_namespace, ElementsAre(Pair("sandbox", Tally{.warned = 1}), Pair("shop", Tally{.refused = 1})));
  world_.now += std::chrono::hours(2);
  const Assessment later = Run();
  EXPECT_THAT(later.by_namespace,
              ElementsAre(Pair("billing", Tally{.refused = 1}), Pair("sandbox", Tally{.warned = 1}), Pair("shop", Tally{.refused = 1})));
  EXPECT_EQ(Of(later.workloads[0]).violations.at(0).expired_exemption, "billing");
}

TEST_F(Assessed, WhatTheDecisionFindsByItselfIsCountedByItsName) {
  index_.Put(MakePod("1", "shop", {}, {"docker.io/library/nginx", "wingtip.azurecr.io/x", "UPPER CASE"}));
  Pod strange = MakePod("2", "shop", {}, {});
  strange.problem = "spec.containers: expected an array";
  index_.Put(strange);
  const Assessment assessment = Run();
  EXPECT_THAT(assessment.by_requirement,
              ElementsAre(Pair("invalidReference", Tally{.refused = 1}), Pair("notUnderstood", Tally{.refused = 1}),
                          Pair("otherRegistries", Tally{.refused = 1}), Pair("unknownRegistry", Tally{.refused = 1})));
  EXPECT_THAT(assessment.by_registry, ElementsAre(Pair("", Tally{.refused = 2}), Pair("docker.io", Tally{.refused = 1}),
                                                  Pair("wingtip.azurecr.io", Tally{.refused = 1})));
  EXPECT_EQ(Of(assessment.workloads.at(1)).violations.at(0).finding.reason, "spec.containers: expected an array");
}

TEST_F(Assessed, StaticPodsAreAuditedAlone) {
  Pod pod = MakePod("1", "kube-system", {"Node", "n1", "n"}, {"fabrikam.azurecr.io/etcd"});
  pod.mirror = true;
  index_.Put(pod);
  EXPECT_EQ(Run().of_workloads, (Tally{.audited = 1}));
}

// Each pod decided by itself.
struct Naive {
  std::map<Workload, Effect> workloads;
  Tally pods;
  std::map<std::string, std::map<Workload, Effect>> requirements, registries;
};

Naive DecideEach(const std::vector<Pod>& pods, const policy::World& world) {
  Naive naive;
  for (const Pod& pod : pods) {
    policy::Admission admission;
    admission.operation = "CREATE";
    admission.kind = "Pod";
    admission.namespace_name = pod.namespace_name;
    admission.mirror_pod = pod.mirror;
    for (const PodImage& image : pod.images) {
      admission.images.push_back({.image = image.image, .container = image.container, .field = FieldOf(image.list, image.index)});
    }
    const Workload workload = pod.owner.kind.empty() ? Workload{pod.namespace_name, "Pod", pod.name}
                                                     : ResolveWorkload(pod.namespace_name, pod.owner, std::nullopt);
    const policy::Decision decision = policy::Decide(world.policy, world.facts, admission, world.now);
    Effect strongest = Effect::kDisabled;
    for (const policy::ImageDecision& image : decision.images) {
      strongest = std::max(strongest, image.effect);
      for (const policy::ImageFinding& finding : image.findings) {
        if (finding.effect != Effect::kDisabled) {
          Effect& of_requirement = naive.requirements[finding.finding->requirement][workload];
          of_requirement = std::max(of_requirement, finding.effect);
          Effect& of_registry = naive.registries[image.registry][workload];
          of_registry = std::max(of_registry, finding.effect);
        }
      }
    }
    naive.pods.Add(strongest, 1);
    Effect& of_workload = naive.workloads[workload];
    of_workload = std::max(of_workload, strongest);
  }
  return naive;
}

std::map<std::string, Tally, std::less<>> Counted(const std::map<std::string, std::map<Workload, Effect>>& effects) {
  std::map<std::string, Tally, std::less<>> counted;
  for (const auto& [name, workloads] : effects) {
    for (const auto& [workload, effect] : workloads) {
      counted[name].Add(effect, 1);
    }
  }
  return counted;
}

TEST_F(Assessed, IsWhatDecidingEveryPodGives) {
  world_.Know("northwind.azurecr.io",
              {policy::NonCompliant("customer-managed-key", Effect::kWarn), policy::Unknown("private-link", Effect::kAudit)});
  world_.policy.sources.push_back(policy::SourceFor("docker.io/library/**", policy::SourceAction::kAllow));
  world_.policy.sources.push_back(policy::SourceFor("docker.io/**", policy::SourceAction::kWarn));
  world_.policy.namespaces.emplace("ns1", Effect::kWarn);
  policy::Exemption exemption = world_.PrivateLinkExemption();
  exemption.namespaces = {"ns2"};
  exemption.images = {policy::Pattern("fabrikam.azurecr.io/w1")};
  world_.Exempt(exemption);
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const std::vector<std::string> hosts = {
        "contoso.azurecr.io/", "fabrikam.azurecr.io/", "northwind.azurecr.io/", "unknown.azurecr.io/", "ghcr.io/", "",
        "docker.io/other/",    "bad_host.io/"};
    std::vector<Pod> pods;
    Index index;
    for (int i = 0; i < 200; ++i) {
      const std::string name = "w" + std::to_string(random() % 6);
      std::vector<std::string> images(1 + random() % 3);
      for (std::string& image : images) {
        image = hosts[random() % hosts.size()] + name;
      }
      pods.push_back(MakePod(std::to_string(i), "ns" + std::to_string(random() % 4),
                             random() % 5 == 0 ? OwnerReference{} : Owned("StatefulSet", name), images));
      pods.back().mirror = random() % 10 == 0;
      ASSERT_TRUE(index.Put(pods.back()));
    }
    const Naive naive = DecideEach(pods, world_);
    const Assessment assessment = Assess(index, world_.policy, world_.facts, world_.now);
    std::map<Workload, Effect> workloads;
    Tally of_workloads;
    for (const Outcome& outcome : assessment.workloads) {
      workloads[outcome.workload] = outcome.effect;
      of_workloads.Add(outcome.effect, 1);
    }
    EXPECT_EQ(workloads, naive.workloads) << seed;
    EXPECT_EQ(assessment.of_workloads, of_workloads);
    EXPECT_EQ(assessment.of_pods, naive.pods) << seed;
    EXPECT_EQ(assessment.pods, 200);
    EXPECT_EQ(assessment.by_requirement, Counted(naive.requirements)) << seed;
    EXPECT_EQ(assessment.by_registry, Counted(naive.registries)) << seed;
  }
}

}  // namespace
}  // namespace scan
