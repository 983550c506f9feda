#include "cli/running_follower.h"

#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/running.h"
#include "tests/cli/running_world.h"
#include "tests/kube/kube_world.h"

namespace cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const json kRollout = {{"kind", "Rollout"}, {"name", "green"}, {"uid", "r"}, {"controller", true}};

class RunningFollowerTest : public ::testing::Test {
 protected:
  void StepAll() {
    for (const auto what : {RunningFollower::kPods, RunningFollower::kReplicaSets, RunningFollower::kJobs}) {
      follower_.Step(what);
    }
  }
  std::multiset<std::string> Followed() const { return Told(follower_.index()); }
  // What the command would read now.
  std::multiset<std::string> Listed() {
    scan::Index index;
    std::istringstream in;
    std::ostringstream out;
    const Streams streams{in, out, out, Terminal{}, false};
    EXPECT_TRUE(ReadRunning(world_.api, {"", {"kube-system"}}, streams, [](std::chrono::milliseconds) {}, index));
    return Told(index);
  }
  void Refuse(const std::string& resource) {
    world_.kubernetes.Fail([resource](const support::KubernetesCall& call) { return call.type.resource == resource; }, {503, {}, ""});
  }

  kube::KubeWorld world_;
  RunningFollower follower_{world_.api, {"kube-system"}, world_.clock, 7};
};

TEST_F(RunningFollowerTest, IsCompleteWhenAllPodsWereListedAndTheOwnersTried) {
  Refuse("pods");
  Refuse("replicasets");
  StepAll();
  EXPECT_FALSE(follower_.is_complete());
  EXPECT_THAT(follower_.pods_problem().value(), HasSubstr("503"));
  EXPECT_THAT(follower_.owners_problem().value(), HasSubstr("503"));
  follower_.Step(RunningFollower::kPods);
  EXPECT_TRUE(follower_.is_complete()) << "names of Deployments can be guessed";
  EXPECT_FALSE(follower_.pods_problem());
}

TEST_F(RunningFollowerTest, WhatAReplicaSetIsMadeForIsKnownThoughItIsToldOfBeforeItsPods) {
  StepAll();
  const json set = PutReplicaSet(world_.kubernetes, "shop", "green-7d9f8c6b5d", kRollout);
  follower_.Step(RunningFollower::kReplicaSets);
  PutPod(world_.kubernetes, "shop", "green-7d9f8c6b5d-x", "a", set);
  follower_.Step(RunningFollower::kPods);
  EXPECT_THAT(Followed(), ElementsAre("1 of shop/Rollout/green run a"));
}

TEST_F(RunningFollowerTest, WhatTheNamesTellAlreadyIsReplacedByWhatIsSo) {
  const json set = PutReplicaSet(world_.kubernetes, "shop", "green-7d9f8c6b5d", kRollout);
  PutPod(world_.kubernetes, "shop", "green-7d9f8c6b5d-x", "a", set);
  StepAll();
  world_.kubernetes.Put(
      ReplicaSetPath("shop", "green-7d9f8c6b5d"),
      {{"metadata",
        {{"uid", set["uid"]}, {"ownerReferences", {{{"kind", "Deployment"}, {"name", "green"}, {"uid", "d"}, {"controller", true}}}}}}});
  StepAll();
  EXPECT_THAT(Followed(), ElementsAre("1 of shop/Deployment/green run a"));
}

TEST_F(RunningFollowerTest, PodsThatAreTheSameAsBeforeChangeNothing) {
  PutPod(world_.kubernetes, "shop", "one", "a");
  StepAll();
  const std::uint64_t version = follower_.index().version();
  PutPod(world_.kubernetes, "shop", "one", "a", nullptr, "Pending");
  StepAll();
  EXPECT_EQ(follower_.index().version(), version);
  PutPod(world_.kubernetes, "shop", "one", "b");
  StepAll();
  EXPECT_GT(follower_.index().version(), version);
  PutPod(world_.kubernetes, "shop", "one", "b", nullptr, "Succeeded");
  StepAll();
  EXPECT_THAT(Followed(), IsEmpty());
}

// Whatever happens, and whatever of it is not heard: in the end it is what a fresh list says.
TEST_F(RunningFollowerTest, EqualsAFreshListAfterAnything) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto any = [&](int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); };
    const auto name_of = [&](const char* prefix, int below) { return prefix + std::to_string(any(below)); };
    for (int step = 0; step < 60; ++step) {
      const std::string space = any(8) == 0 ? "kube-system" : name_of("space-", 2);
      const std::string pod = name_of("pod-", 6);
      const std::string set = name_of("set-7d9f8c6b5", 3);
      switch (any(9)) {
        case 0:
        case 1:
        case 2: {
          const auto owner = world_.kubernetes.Find(ReplicaSetPath(space, set));
          const json reference =
              owner ? json{{"kind", "ReplicaSet"}, {"name", set}, {"uid", (*owner)["metadata"]["uid"]}, {"controller", true}} : json();
          PutPod(world_.kubernetes, space, pod, name_of("contoso.azurecr.io/app:", 3), reference, any(5) == 0 ? "Failed" : "Running");
          break;
        }
        case 3:
          world_.kubernetes.Remove(PodPath(space, pod));
          break;
        case 4:
          if (!world_.kubernetes.Find(ReplicaSetPath(space, set))) {
            PutReplicaSet(world_.kubernetes, space, set,
                          any(2) == 0 ? json() : json{{"kind", "Rollout"}, {"name", "green"}, {"uid", "r"}, {"controller", true}});
          }
          break;
        case 5:
          world_.kubernetes.Compact();
          break;
        case 6:
          world_.client.LoseAnswers(1 + any(3));
          break;
        default:
          follower_.Step(static_cast<RunningFollower::What>(any(RunningFollower::kKinds)));
      }
    }
    world_.client.LoseAnswers(0);
    for (int i = 0; i < 3; ++i) {  // a version that is too old takes one more
      StepAll();
    }
    EXPECT_EQ(Followed(), Listed());
  }
}

}  // namespace
}  // namespace cli
