#include "cli/cluster_scan.h"

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/keeper.h"
#include "tests/cli/cluster_world.h"
#include "tests/cli/running_world.h"
#include "tests/support/kubernetes_status.h"

namespace cli {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A replica: what it follows is stepped by the test.
struct Replica {
  std::weak_ptr<RunningFollower> follower;
  std::unique_ptr<ClusterScan> scan;
};

class ClusterScanTest : public ::testing::Test {
 protected:
  ClusterScanTest() {
    EXPECT_TRUE(keeper_.Start());
    Learn({CompliantRegistry("contoso"), WithoutCustomerKey("fabrikam")});
    config_.excluded_namespaces = {"kube-system"};
    for (const char* space : {"shop", "bank"}) {
      world_.kubernetes.Put(std::string("/api/v1/namespaces/") + space, {{"kind", "Namespace"}});
    }
  }

  std::unique_ptr<Replica> MakeReplica(const std::string& name) {
    auto replica = std::make_unique<Replica>();
    ClusterScan::World world;
    world.state = [this] { return keeper_.states().Current(); };
    world.identity = name;
    world.follow = [this, made = replica.get()]() -> base::Result<std::shared_ptr<RunningFollower>> {
      auto follower = std::make_shared<RunningFollower>(world_.cluster->api(), config_.excluded_namespaces, world_.clock, 7);
      made->follower = follower;
      return follower;
    };
    replica->scan = std::make_unique<ClusterScan>(*world_.cluster, config_, std::move(world), world_.clock, world_.Log());
    return replica;
  }

  // Azure was read, and this is all that it has.
  void Learn(const std::vector<json>& bodies) {
    policy::Observations learned;
    for (const json& body : bodies) {
      learned.present.push_back({body["properties"]["loginServer"], body["name"], body["id"], world_.clock.Now(), body.dump()});
    }
    const auto known = keeper_.states().Current();
    for (const auto& [login_server, facts] : known->facts) {
      if (std::ranges::none_of(learned.present,
                               [&](const auto& registry) { return registry.login_server == facts->registry.login_server; })) {
        learned.gone.push_back({login_server, facts->registry.resource_id, world_.clock.Now()});
      }
    }
    learned.complete = true;
    keeper_.Offer(std::move(learned), nullptr);
    keeper_.Poll();
  }

  // A second, or more, for all replicas.
  void Tick(Replica& replica, int times = 1) {
    for (int i = 0; i < times; ++i) {
      world_.clock.Advance(seconds(1));
      if (const auto follower = replica.follower.lock()) {
        for (const auto what : {RunningFollower::kPods, RunningFollower::kReplicaSets, RunningFollower::kJobs}) {
          follower->Step(what);
        }
      }
      replica.scan->Step();
    }
  }
  std::vector<std::string> Calls(const std::string& word) const {
    std::vector<std::string> found;
    for (const std::string& call : world_.kubernetes.calls()) {
      if (call.find(word) != std::string::npos) {
        found.push_back(call);
      }
    }
    return found;
  }
  // Writes about what runs: Leases and Events are none.
  std::size_t Writes() const {
    const auto calls = world_.kubernetes.calls();
    return static_cast<std::size_t>(std::ranges::count_if(calls, [](const std::string& call) {
      return (call.starts_with("patch ") || call.starts_with("delete ")) &&
             (call.find("registrycompliances") != std::string::npos || call.find("reports") != std::string::npos);
    }));
  }
  void WriteEverything() {
    config_.reports = true;
    config_.registry_compliances = true;
  }
  json Compliance(const std::string& login_server) const {
    return world_.kubernetes.Find("/apis/acr-admission.io/v1alpha1/registrycompliances/" + login_server).value_or(json());
  }
  json Report(const std::string& space) const {
    return world_.kubernetes.Find("/apis/openreports.io/v1alpha1/namespaces/" + space + "/reports/acr-admission").value_or(json());
  }
  // Not served, until all faults are over.
  void TakeAway(const std::string& group, int times) {
    world_.kubernetes.Fail([group](const support::KubernetesCall& call) { return call.type.group == group; }, support::NotServed(), times);
  }
  std::vector<std::string> Events(const std::string& space) {
    world_.cluster->Flush();
    std::vector<std::string> told;
    for (const json& event : world_.kubernetes.In("/apis/events.k8s.io/v1/namespaces/" + space + "/events")) {
      told.push_back(event["type"].get<std::string>() + " " + event["reason"].get<std::string>() + " " +
                     event["regarding"]["kind"].get<std::string>() + "/" + event["regarding"]["name"].get<std::string>());
    }
    std::sort(told.begin(), told.end());
    return told;
  }
  static std::vector<std::string> Violations(const Replica& replica) {
    std::vector<std::string> told;
    for (const auto& [space, requirement, workloads] : replica.scan->Gauges().violations) {
      told.push_back(space + " " + requirement + " " + std::to_string(workloads));
    }
    return told;
  }

  ClusterWorld world_;
  ScanConfig config_;
  state::Keeper keeper_{state::KeeperOptions{"", "", ""}, world_.clock, world_.Log()};
};

TEST_F(ClusterScanTest, OneReplicaCountsWhatThePolicyWouldRefuse) {
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  PutPod(world_.kubernetes, "shop", "web", "contoso.azurecr.io/web:1");
  PutPod(world_.kubernetes, "kube-system", "dns", "fabrikam.azurecr.io/dns:1");
  const auto replica = MakeReplica("a");
  EXPECT_FALSE(replica->scan->Gauges().pods);
  Tick(*replica, 2);
  EXPECT_TRUE(replica->scan->leads());
  EXPECT_EQ(replica->scan->Gauges().pods, 2U);
  EXPECT_THAT(Violations(*replica), ElementsAre("shop customer-managed-key 1"));
  EXPECT_EQ(replica->scan->Gauges().last_success_seconds, std::chrono::duration<double>(world_.clock.Now().time_since_epoch()).count());
}

TEST_F(ClusterScanTest, OneTellsWhatAllSeeAndEverybodyWhereWhoLeadsCannotBeTold) {
  const auto leader = MakeReplica("a");
  const auto other = MakeReplica("b");
  EXPECT_TRUE(other->scan->tells());  // nobody has looked yet
  Tick(*leader, 2);
  Tick(*other, 2);
  EXPECT_TRUE(leader->scan->tells());
  EXPECT_FALSE(other->scan->tells());
  world_.kubernetes.Fail([](const support::KubernetesCall& call) { return call.type.resource == "leases"; }, {503, {}, ""});
  Tick(*other, 4);
  EXPECT_TRUE(other->scan->tells());
  Tick(*other, 4);
  EXPECT_FALSE(other->scan->tells());
}

TEST_F(ClusterScanTest, WhoDoesNotLeadListsNothing) {
  const auto leader = MakeReplica("a");
  Tick(*leader, 2);
  const std::size_t lists = Calls("list ").size();
  const auto other = MakeReplica("b");
  Tick(*other, 8);
  EXPECT_FALSE(other->scan->leads());
  EXPECT_FALSE(other->scan->Gauges().pods);
  EXPECT_THAT(Calls("list "), SizeIs(lists));
}

TEST_F(ClusterScanTest, AChangeIsJudgedAtOnceButNotMoreOftenThanEveryTenSeconds) {
  const auto replica = MakeReplica("a");
  Tick(*replica, 30);
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  Tick(*replica);
  EXPECT_THAT(Violations(*replica), SizeIs(1)) << "nothing was judged lately";
  PutPod(world_.kubernetes, "bank", "safe", "fabrikam.azurecr.io/safe:1");
  Tick(*replica, 9);
  EXPECT_THAT(Violations(*replica), SizeIs(1));
  Tick(*replica);
  EXPECT_THAT(Violations(*replica), SizeIs(2));
  world_.clock.Advance(seconds(10));
  Learn({CompliantRegistry("contoso"), CompliantRegistry("fabrikam")});
  Tick(*replica);
  EXPECT_THAT(Violations(*replica), IsEmpty());
}

TEST_F(ClusterScanTest, WhatDoesNotChangeIsJudgedAgainAfterAnHour) {
  const auto replica = MakeReplica("a");
  Tick(*replica, 2);
  const double judged = replica->scan->Gauges().last_success_seconds.value();
  Tick(*replica, 3599);
  EXPECT_EQ(replica->scan->Gauges().last_success_seconds, judged);
  Tick(*replica);
  EXPECT_EQ(replica->scan->Gauges().last_success_seconds, judged + 3600);
}

TEST_F(ClusterScanTest, NothingIsJudgedBeforeTheInventoryWasRead) {
  state::Keeper unread(state::KeeperOptions{"", "", ""}, world_.clock, world_.Log());
  ASSERT_TRUE(unread.Start());
  ClusterScan::World world;
  world.state = [&] {
    auto state = std::make_shared<state::State>(*unread.states().Current());
    state->primed = false;
    return state;
  };
  world.identity = "a";
  std::shared_ptr<RunningFollower> follower;
  world.follow = [&]() -> base::Result<std::shared_ptr<RunningFollower>> {
    return follower = std::make_shared<RunningFollower>(world_.cluster->api(), std::set<std::string>(), world_.clock, 7);
  };
  Replica replica{{}, std::make_unique<ClusterScan>(*world_.cluster, config_, world, world_.clock, world_.Log())};
  Tick(replica);
  replica.follower = follower;
  Tick(replica, 3);
  EXPECT_TRUE(follower->is_complete());
  EXPECT_FALSE(replica.scan->Gauges().last_success_seconds);
}

TEST_F(ClusterScanTest, ALeaderThatCannotReachTheApiServerStopsAndTheNextBeginsAnew) {
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  const auto first = MakeReplica("a");
  const auto second = MakeReplica("b");
  Tick(*first, 2);
  Tick(*second, 1);
  for (int i = 0; i < 20; ++i) {  // the first one alone is cut off: it is not stepped
    Tick(*second);
  }
  EXPECT_TRUE(second->scan->leads());
  EXPECT_THAT(Violations(*second), SizeIs(1));
  Tick(*first);
  EXPECT_FALSE(first->scan->leads());
  EXPECT_TRUE(first->follower.expired()) << "what it knew is dropped";
  EXPECT_THAT(Violations(*first), IsEmpty());
  EXPECT_FALSE(first->scan->Gauges().last_success_seconds);
}

TEST_F(ClusterScanTest, AStopLeavesTheLeaseToTheNextAtOnce) {
  const auto first = MakeReplica("a");
  const auto second = MakeReplica("b");
  Tick(*first, 2);
  first->scan->Finish();
  first->scan->Step();
  EXPECT_TRUE(first->follower.expired());
  Tick(*second, 4);
  EXPECT_TRUE(second->scan->leads());
  const std::size_t calls = world_.kubernetes.calls().size();
  first->scan->Step();
  EXPECT_THAT(world_.kubernetes.calls(), SizeIs(calls)) << "it asks for nothing any more";
}

TEST_F(ClusterScanTest, PodsThatCannotBeFollowedAreToldOfAndAreNoSuccess) {
  const auto replica = MakeReplica("a");
  Tick(*replica, 2);
  const double judged = replica->scan->Gauges().last_success_seconds.value();
  world_.kubernetes.Forbid("watch", "pods");
  Tick(*replica, 3);
  EXPECT_THAT(world_.log, Contains(HasSubstr("what runs in the cluster cannot be followed: ")));
  for (int i = 0; i < 1300; ++i) {
    world_.clock.Advance(seconds(3));
    replica->scan->Step();
  }
  EXPECT_EQ(replica->scan->Gauges().last_success_seconds, judged);
  world_.kubernetes.Allow("watch", "pods");
  Tick(*replica, 1);
  EXPECT_THAT(world_.log.back(), StartsWith("over: "));
}

TEST_F(ClusterScanTest, ALeaseThatMayNotBeReadIsCountedAndToldOnce) {
  world_.kubernetes.Forbid("get", "leases");
  const auto replica = MakeReplica("a");
  Tick(*replica, 9);
  EXPECT_FALSE(replica->scan->leads());
  EXPECT_EQ(world_.Failures("scan"), 3U);
  EXPECT_THAT(world_.log, SizeIs(1));
}

TEST_F(ClusterScanTest, TheThreadEndsWithTheLeaseGivenUp) {
  const auto replica = MakeReplica("a");
  Tick(*replica);
  replica->scan->Start();
  replica->scan->Finish();
  const auto holder = [this] {
    const auto lease = world_.kubernetes.Find("/apis/coordination.k8s.io/v1/namespaces/acr/leases/acr-admission-scan");
    return lease.value()["spec"]["holderIdentity"].get<std::string>();
  };
  while (!holder().empty()) {
    std::this_thread::yield();
  }
  replica->scan->Settle();
  replica->scan->Stop();
  EXPECT_TRUE(replica->follower.expired());
}

TEST_F(ClusterScanTest, EachRegistryHasAnObjectAndEachNamespaceAReport) {
  WriteEverything();
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  PutPod(world_.kubernetes, "shop", "web", "contoso.azurecr.io/web:1");
  PutPod(world_.kubernetes, "bank", "safe", "contoso.azurecr.io/safe:1");
  PutPod(world_.kubernetes, "kube-system", "dns", "fabrikam.azurecr.io/dns:1");
  const auto replica = MakeReplica("a");
  Tick(*replica, 2);
  const json fabrikam = Compliance("fabrikam.azurecr.io")["status"];
  EXPECT_EQ(fabrikam["conditions"][0]["status"], "False");
  EXPECT_EQ(fabrikam["conditions"][0]["message"], "does not meet customer-managed-key");
  EXPECT_EQ(fabrikam["workloads"], 1) << "what runs in kube-system is left out";
  EXPECT_EQ(Compliance("contoso.azurecr.io")["status"]["conditions"][0]["status"], "True");
  EXPECT_EQ(Compliance("contoso.azurecr.io")["status"]["workloads"], 2);
  const json shop = Report("shop");
  EXPECT_EQ(shop["summary"], (json{{"pass", 1}, {"fail", 1}, {"warn", 0}, {"error", 0}, {"skip", 0}}));
  ASSERT_THAT(shop["results"], SizeIs(1));
  EXPECT_EQ(shop["results"][0]["policy"], "customer-managed-key");
  EXPECT_EQ(shop["results"][0]["resources"][0]["name"], "cart");
  EXPECT_EQ(Report("bank")["summary"]["pass"], 1);
  EXPECT_TRUE(Report("kube-system").is_null());
  EXPECT_EQ(Writes(), 6U) << "two objects with their status, two reports";
}

TEST_F(ClusterScanTest, NothingIsWrittenWhenNothingChanges) {
  WriteEverything();
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  const auto first = MakeReplica("a");
  Tick(*first, 2);
  const std::size_t written = Writes();
  EXPECT_GT(written, 0U);
  for (int i = 0; i < 6; ++i) {  // registries are read again, pods change their phase
    Learn({CompliantRegistry("contoso"), WithoutCustomerKey("fabrikam")});
    PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1", nullptr, i % 2 == 0 ? "Pending" : "Running");
    Tick(*first, 15);
  }
  first->scan->Finish();
  first->scan->Step();
  const auto second = MakeReplica("b");
  Tick(*second, 20);
  EXPECT_TRUE(second->scan->leads());
  EXPECT_EQ(Writes(), written) << "nor by the next that leads";
  Tick(*second, 3700);
  EXPECT_EQ(Writes(), written);
}

TEST_F(ClusterScanTest, AVerdictThatTurnsIsOneWriteOfItsRegistryAndOneOfEachReport) {
  WriteEverything();
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  PutPod(world_.kubernetes, "bank", "safe", "contoso.azurecr.io/safe:1");
  const auto replica = MakeReplica("a");
  Tick(*replica, 20);
  const std::size_t written = Writes();
  Learn({CompliantRegistry("contoso"), CompliantRegistry("fabrikam")});
  Tick(*replica, 20);
  EXPECT_EQ(Writes(), written + 2);
  EXPECT_EQ(Compliance("fabrikam.azurecr.io")["status"]["conditions"][0]["status"], "True");
  EXPECT_EQ(Report("shop")["summary"]["fail"], 0);
}

TEST_F(ClusterScanTest, WhatIsGoneGoes) {
  WriteEverything();
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  const auto replica = MakeReplica("a");
  Tick(*replica, 20);
  ASSERT_FALSE(Report("shop").is_null());
  world_.kubernetes.Remove(PodPath("shop", "cart"));
  Learn({CompliantRegistry("contoso")});
  Tick(*replica, 20);
  EXPECT_TRUE(Report("shop").is_null());
  EXPECT_TRUE(Compliance("fabrikam.azurecr.io").is_null());
  EXPECT_FALSE(Compliance("contoso.azurecr.io").is_null());
}

TEST_F(ClusterScanTest, ReportsAreThoseOfTheOlderApiWhereOnlyThatIsInstalled) {
  config_.reports = true;
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  TakeAway("openreports.io", 1);
  const auto replica = MakeReplica("a");
  Tick(*replica, 2);
  EXPECT_TRUE(Report("shop").is_null());
  const auto report = world_.kubernetes.Find("/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports/acr-admission");
  EXPECT_EQ(report.value()["kind"], "PolicyReport");
}

TEST_F(ClusterScanTest, WithoutTheResourcesThereAreMetricsAloneAndTheyAreLookedForAgain) {
  WriteEverything();
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  for (const char* group : {"openreports.io", "wgpolicyk8s.io", "acr-admission.io"}) {
    TakeAway(group, 1);
  }
  const auto replica = MakeReplica("a");
  Tick(*replica, 599);
  EXPECT_THAT(Violations(*replica), SizeIs(1));
  EXPECT_EQ(Writes(), 0U);
  EXPECT_EQ(world_.Failures("scan"), 0U);
  Tick(*replica, 5);
  EXPECT_FALSE(Report("shop").is_null());
  EXPECT_FALSE(Compliance("fabrikam.azurecr.io").is_null());
}

TEST_F(ClusterScanTest, AtMostSoManyWritesAStep) {
  WriteEverything();
  std::vector<json> bodies;
  for (int i = 0; i < 90; ++i) {
    bodies.push_back(CompliantRegistry("r" + std::to_string(i)));
  }
  Learn(bodies);
  const auto replica = MakeReplica("a");
  std::size_t most = 0;
  for (int i = 0; i < 10; ++i) {
    const std::size_t before = Writes();
    Tick(*replica);
    most = std::max(most, Writes() - before);
  }
  EXPECT_LE(most, kMaxScanWrites + 1) << "an object and its status are not torn apart";
  EXPECT_THAT(world_.kubernetes.In("/apis/acr-admission.io/v1alpha1/registrycompliances"), SizeIs(90));
}

TEST_F(ClusterScanTest, WhatOneNamespaceRefusesKeepsNoOthersFromTheirReports) {
  config_.reports = true;
  PutPod(world_.kubernetes, "bank", "safe", "fabrikam.azurecr.io/safe:1");
  PutPod(world_.kubernetes, "shop", "cart", "fabrikam.azurecr.io/cart:1");
  world_.kubernetes.Fail([](const support::KubernetesCall& call) { return call.verb == "patch" && call.namespace_name == "bank"; },
                         {422, {}, R"({"kind":"Status","code":422,"reason":"Invalid","message":"no reports here"})"}, 3);
  const auto replica = MakeReplica("a");
  Tick(*replica, 10);
  EXPECT_FALSE(Report("shop").is_null());
  EXPECT_TRUE(Report("bank").is_null());
  EXPECT_THAT(world_.log, Contains(HasSubstr("reports cannot be kept: ")));
  EXPECT_EQ(world_.Failures("scan"), 1U) << "tried again after a pause";
  Tick(*replica, 100);
  EXPECT_FALSE(Report("bank").is_null());
  bool counted = false;
  for (const auto& [object, outcome, count] : replica->scan->Gauges().writes) {
    counted = counted || (object == "reports" && outcome == "failed" && count == 3);
  }
  EXPECT_TRUE(counted);
}

TEST_F(ClusterScanTest, DriftIsToldOnTheRegistryAndInEachNamespaceThatRunsFromIt) {
  WriteEverything();
  PutPod(world_.kubernetes, "shop", "cart", "contoso.azurecr.io/cart:1");
  PutPod(world_.kubernetes, "shop", "web", "contoso.azurecr.io/web:1");
  PutPod(world_.kubernetes, "bank", "safe", "contoso.azurecr.io/safe:1");
  PutPod(world_.kubernetes, "acr", "other", "fabrikam.azurecr.io/other:1");
  const auto replica = MakeReplica("a");
  Tick(*replica, 20);
  EXPECT_THAT(Events("shop"), IsEmpty()) << "what was so before is no news";
  Learn({WithoutCustomerKey("contoso"), WithoutCustomerKey("fabrikam")});
  Tick(*replica);
  EXPECT_THAT(Events("default"), ElementsAre("Warning RegistryDrifted RegistryCompliance/contoso.azurecr.io"));
  EXPECT_THAT(Events("shop"), ElementsAre("Warning RegistryDrifted Pod/cart"));
  EXPECT_THAT(Events("bank"), ElementsAre("Warning RegistryDrifted Pod/safe"));
  EXPECT_THAT(Events("acr"), IsEmpty());
  const json event = world_.kubernetes.In("/apis/events.k8s.io/v1/namespaces/default/events").at(0);
  EXPECT_EQ(event["regarding"]["uid"], Compliance("contoso.azurecr.io")["metadata"]["uid"]) << "so that kubectl describe shows it";
  EXPECT_THAT(event["note"].get<std::string>(), StartsWith("contoso.azurecr.io does not meet customer-managed-key any more: "));
  Tick(*replica, 40);
  EXPECT_THAT(Events("shop"), SizeIs(1));
  Learn({CompliantRegistry("contoso"), WithoutCustomerKey("fabrikam")});
  Tick(*replica);
  EXPECT_THAT(Events("bank"), ElementsAre("Normal RegistryMended Pod/safe", "Warning RegistryDrifted Pod/safe"));
}

TEST_F(ClusterScanTest, WhatTurnedBeforeAReplicaLedIsNoNewsToIt) {
  PutPod(world_.kubernetes, "shop", "cart", "contoso.azurecr.io/cart:1");
  const auto first = MakeReplica("a");
  const auto second = MakeReplica("b");
  Tick(*first, 2);
  Tick(*second, 1);
  Learn({WithoutCustomerKey("contoso"), WithoutCustomerKey("fabrikam")});
  Tick(*second, 30);
  EXPECT_TRUE(second->scan->leads());
  EXPECT_THAT(Violations(*second), SizeIs(1));
  EXPECT_THAT(Events("shop"), IsEmpty());
}

}  // namespace
}  // namespace cli
