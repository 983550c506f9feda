#include "kube/leadership.h"

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"

namespace kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kPath = "/apis/coordination.k8s.io/v1/namespaces/acr/leases/acr-admission-scan";

class LeadershipTest : public testing::Test {
 protected:
  Leadership Replica(const std::string& identity) {
    return {world_.api, {"acr", "acr-admission-scan", identity}, world_.clock, [this](base::LogLevel, std::string_view m) { log_ += m; }};
  }
  json Spec() const { return (*world_.kubernetes.Find(kPath))["spec"]; }
  void FailNext(int status, int times = 1) {
    world_.kubernetes.Fail([](const support::KubernetesCall&) { return true; }, {.status = status, .headers = {}, .body = ""}, times);
  }

  KubeWorld world_;
  std::string log_;
};

TEST_F(LeadershipTest, TheFirstMakesTheLeaseAndTheOthersWait) {
  Leadership first = Replica("first");
  Leadership second = Replica("second");
  EXPECT_FALSE(first.Leads());
  first.Tick();
  second.Tick();
  EXPECT_TRUE(first.Leads());
  EXPECT_FALSE(second.Leads());
  EXPECT_EQ(Spec()["holderIdentity"], "first");
  EXPECT_EQ(Spec()["leaseDurationSeconds"], 15);
  EXPECT_EQ(Spec()["renewTime"], "2026-11-23T12:00:00.000000Z");
  EXPECT_THAT(log_, HasSubstr("this replica holds the Lease acr-admission-scan now"));
}

TEST_F(LeadershipTest, WhoRenewsKeepsIt) {
  Leadership first = Replica("first");
  Leadership second = Replica("second");
  for (int i = 0; i < 100; ++i) {
    first.Tick();
    second.Tick();
    EXPECT_TRUE(first.Leads());
    EXPECT_FALSE(second.Leads());
    world_.clock.Advance(kRenewInterval);
  }
  EXPECT_EQ(Spec()["leaseTransitions"], 0);
  EXPECT_EQ(Spec()["acquireTime"], "2026-11-23T12:00:00.000000Z");
}

TEST_F(LeadershipTest, WhoCannotRenewStopsBeforeAnotherBegins) {
  Leadership first = Replica("first");
  Leadership second = Replica("second");
  first.Tick();
  second.Tick();
  world_.clock.Advance(kRenewDeadline);
  EXPECT_FALSE(first.Leads());
  second.Tick();
  EXPECT_FALSE(second.Leads());
  world_.clock.Advance(kLeaseDuration - kRenewDeadline);
  second.Tick();
  EXPECT_TRUE(second.Leads());
  EXPECT_EQ(Spec()["holderIdentity"], "second");
  EXPECT_EQ(Spec()["leaseTransitions"], 1);
  first.Tick();
  EXPECT_FALSE(first.Leads());
}

TEST_F(LeadershipTest, WallClocksDecideNothing) {
  Leadership first = Replica("first");
  Leadership second = Replica("second");
  first.Tick();
  second.Tick();
  world_.clock.Step(240h);
  second.Tick();
  EXPECT_FALSE(second.Leads());
  EXPECT_TRUE(first.Leads());
  world_.clock.Step(-480h);
  first.Tick();
  second.Tick();
  EXPECT_TRUE(first.Leads());
  EXPECT_FALSE(second.Leads());
}

TEST_F(LeadershipTest, WhoLeavesMakesRoomAtOnce) {
  Leadership first = Replica("first");
  Leadership second = Replica("second");
  first.Tick();
  second.Tick();
  first.GiveUp();
  EXPECT_FALSE(first.Leads());
  second.Tick();
  EXPECT_TRUE(second.Leads());
  first.GiveUp();  // it is not its any more
  EXPECT_EQ(Spec()["holderIdentity"], "second");
}

TEST_F(LeadershipTest, AnotherProcessOfTheSamePodWaits) {
  Leadership before = Replica("pod_1");
  before.Tick();
  Leadership after = Replica("pod_2");
  after.Tick();
  EXPECT_FALSE(after.Leads());
  world_.clock.Advance(kLeaseDuration);
  after.Tick();
  EXPECT_TRUE(after.Leads());
}

TEST_F(LeadershipTest, ALeaseThatLooksLikeNoneIsTakenOverAfterItsTime) {
  for (const char* spec : {R"({})", R"({"holderIdentity": 7})", R"({"holderIdentity": "x", "leaseDurationSeconds": -1})",
                           R"({"holderIdentity": "x", "leaseDurationSeconds": 99999999999, "leaseTransitions": "many"})"}) {
    world_.kubernetes.Put(kPath, {{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"}, {"spec", json::parse(spec)}});
    Leadership replica = Replica("replica");
    replica.Tick();
    world_.clock.Advance(10min);
    replica.Tick();
    EXPECT_TRUE(replica.Leads()) << spec;
  }
}

TEST_F(LeadershipTest, TransitionsThatNoNumberFollowsAreCountedAnew) {
  for (const char* transitions : {"2147483647", "9223372036854775807", "18446744073709551615", "-1"}) {
    const json spec = json::parse(std::string(R"({"holderIdentity": "", "leaseTransitions": )") + transitions + "}");
    world_.kubernetes.Put(kPath, {{"apiVersion", "coordination.k8s.io/v1"}, {"kind", "Lease"}, {"spec", spec}});
    Leadership replica = Replica("replica");
    replica.Tick();
    EXPECT_TRUE(replica.Leads()) << transitions;
    EXPECT_EQ(Spec()["leaseTransitions"], 1) << transitions;
  }
}

TEST_F(LeadershipTest, WhatIsNotAllowedIsToldWithWhatToDo) {
  world_.kubernetes.Forbid("create", "leases");
  Leadership replica = Replica("replica");
  replica.Tick();
  EXPECT_FALSE(replica.Leads());
  ASSERT_TRUE(replica.problem());
  EXPECT_THAT(*replica.problem(), HasSubstr("grant the verb create on leases.coordination.k8s.io"));
  world_.kubernetes.Allow("create", "leases");
  replica.Tick();
  EXPECT_TRUE(replica.Leads());
  EXPECT_FALSE(replica.problem());
}

TEST_F(LeadershipTest, AnUnreachableServerKeepsNobodyInOffice) {
  Leadership replica = Replica("replica");
  replica.Tick();
  FailNext(500, 100);
  for (auto passed = 0s; passed < kRenewDeadline; passed += 1s) {
    EXPECT_TRUE(replica.Leads());
    replica.Tick();
    world_.clock.Advance(1s);
  }
  EXPECT_FALSE(replica.Leads());
  ASSERT_TRUE(replica.problem());
}

TEST_F(LeadershipTest, TheHolderSaysHowLongItIsToBeWaitedFor) {
  for (const int seconds : {1, 60}) {
    world_.kubernetes.Put(kPath, {{"apiVersion", "coordination.k8s.io/v1"},
                                  {"kind", "Lease"},
                                  {"spec", {{"holderIdentity", "other"}, {"leaseDurationSeconds", seconds}, {"leaseTransitions", 3}}}});
    Leadership replica = Replica("replica");
    replica.Tick();
    world_.clock.Advance(std::chrono::seconds(seconds) - 1us);
    replica.Tick();
    EXPECT_FALSE(replica.Leads());
    world_.clock.Advance(1us);
    replica.Tick();
    EXPECT_TRUE(replica.Leads());
    EXPECT_EQ(Spec()["leaseTransitions"], 4);
  }
}

// Replicas that stop, come back as others, and meet errors, in any order.
class LeadershipSimulation : public LeadershipTest, public testing::WithParamInterface<unsigned> {};

TEST_P(LeadershipSimulation, NeverHasTwoLeadersAndNeverStaysWithout) {
  std::minstd_rand random(GetParam());
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  int born = 0;
  std::deque<Leadership> replicas;
  for (int i = 0; i < 3; ++i) {
    replicas.push_back(Replica("replica-" + std::to_string(born++)));
  }
  const auto leaders = [&] { return std::ranges::count_if(replicas, [](const Leadership& r) { return r.Leads(); }); };
  for (int step = 0; step < 2'000; ++step) {
    Leadership& replica = replicas[below(3)];
    switch (below(20)) {
      case 0:
        FailNext(503, 1 + static_cast<int>(below(8)));
        break;
      case 1:
        replica.GiveUp();
        break;
      case 2: {
        std::deque<Leadership> others;  // it dies without a word, and another takes its place
        const std::size_t dead = below(3);
        for (std::size_t i = 0; i < 3; ++i) {
          others.push_back(i == dead ? Replica("replica-" + std::to_string(born++)) : std::move(replicas[i]));
        }
        replicas.swap(others);
        break;
      }
      case 3:
        world_.kubernetes.Remove(kPath);
        world_.clock.Advance(kRenewDeadline);  // who led stops, as if the Lease had not been renewed: deleting it is a person's doing
        break;
      case 4:
        world_.client.LoseAnswers(1 + static_cast<int>(below(3)));
        break;
      default:
        replica.Tick();
    }
    world_.clock.Advance(std::chrono::milliseconds(below(3'000)));
    ASSERT_LE(leaders(), 1) << "step " << step;
    if (step % 500 == 499) {
      for (int calm = 0; calm < 20; ++calm) {
        for (Leadership& each : replicas) {
          each.Tick();
        }
        world_.clock.Advance(kRenewInterval);
      }
      ASSERT_EQ(leaders(), 1) << "step " << step;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, LeadershipSimulation, testing::Range(1U, 21U));

}  // namespace
}  // namespace kube
