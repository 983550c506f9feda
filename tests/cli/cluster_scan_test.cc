#include "cli/cluster_scan.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/keeper.h"
#include "tests/cli/cluster_world.h"
#include "tests/cli/running_world.h"
#include "tests/support/temp_folder.h"

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

  // Azure was read.
  void Learn(const std::vector<json>& bodies) {
    policy::Observations learned;
    for (const json& body : bodies) {
      learned.present.push_back({body["properties"]["loginServer"], body["name"], body["id"], world_.clock.Now(), body.dump()});
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
  replica->scan->Settle();
  replica->scan->Stop();
  const auto lease = world_.kubernetes.Find("/apis/coordination.k8s.io/v1/namespaces/acr/leases/acr-admission-scan");
  EXPECT_EQ(lease.value()["spec"]["holderIdentity"], "");
}

}  // namespace
}  // namespace cli
