// The keeper, and what is kept in the cluster, together.
#include "cli/cluster_state.h"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/cluster_world.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kPolicy = R"(apiVersion: acr-admission.io/v1
kind: RegistryPolicy
requirements:
  - definition: own
    effect: Deny
)";
constexpr std::string_view kDefinition =
    R"({"policyRule":{"if":{"allOf":[{"field":"type","equals":"Microsoft.ContainerRegistry/registries"},
    {"field":"Microsoft.ContainerRegistry/registries/adminUserEnabled","equals":true}]},"then":{"effect":"deny"}}})";

class ClusterStateTest : public ::testing::Test {
 protected:
  ClusterStateTest() {
    std::filesystem::create_directory(folder_ / "definitions");
    folder_.Write("definitions/own.json", kDefinition);
    folder_.Write("policy.yaml", kPolicy);
    kubernetes_.policy_config_map = "last-good";
    kubernetes_.inventory_secret = "shared";
    Restart();
  }

  // A process of its own, with all that the cluster keeps.
  void Restart() {
    state_.reset();
    keeper_ = std::make_unique<state::Keeper>(state::KeeperOptions{folder_ / "policy.yaml", folder_ / "definitions", ""}, world_.clock,
                                              world_.Log());
    state_ = std::make_unique<ClusterState>(*world_.cluster, kubernetes_, *keeper_, world_.clock, world_.Log());
  }
  base::Result<void> Start() { return keeper_->Start(state_->Beginnings()); }
  void Tick() {
    world_.clock.Advance(seconds(1));
    keeper_->Poll();
    state_->Run();
  }
  // Azure was read.
  void Learn(const std::string& name) {
    const nlohmann::json body = CompliantRegistry(name);
    policy::Observations learned;
    learned.present.push_back({name + ".azurecr.io", name, body["id"], world_.clock.Now(), body.dump()});
    learned.complete = true;
    keeper_->Offer(std::move(learned), nullptr);
    Tick();
  }
  std::string Known() const {
    std::string names;
    for (const auto& facts : keeper_->states().Current()->facts.Sorted()) {
      names += (names.empty() ? "" : " ") + facts->registry.name;
    }
    return names;
  }
  std::vector<std::string> Events() {
    std::vector<std::string> reasons;
    world_.cluster->Flush();
    for (const auto& event : world_.kubernetes.In("/apis/events.k8s.io/v1/namespaces/acr/events")) {
      reasons.push_back(event["reason"].get<std::string>() + " " + event["action"].get<std::string>());
    }
    std::sort(reasons.begin(), reasons.end());
    return reasons;
  }

  support::TempFolder folder_;
  ClusterWorld world_;
  KubernetesConfig kubernetes_;
  std::unique_ptr<state::Keeper> keeper_;
  std::unique_ptr<ClusterState> state_;
};

TEST_F(ClusterStateTest, AStartWithABadPolicyUsesTheLastGoodOneUntilTheFileIsGoodAgain) {
  ASSERT_TRUE(Start());
  Tick();
  const std::string digest = keeper_->status().policy_digest;
  Restart();
  folder_.Write("policy.yaml", "requirements: [");
  const auto started = Start();
  ASSERT_TRUE(started) << started.error().ToString();
  state::Status status = keeper_->status();
  EXPECT_TRUE(status.policy_last_good);
  EXPECT_EQ(status.policy_digest, digest);
  EXPECT_THAT(*status.policy_problem, HasSubstr("policy.yaml"));
  EXPECT_THAT(world_.log.back(), AllOf(HasSubstr("the last good one is in force"), HasSubstr("policy.yaml")));
  Tick();
  EXPECT_THAT(Events(), ElementsAre("PolicyRefused UseLastGoodPolicy"));
  folder_.Write("policy.yaml", std::string(kPolicy) + "cluster: x\n");
  Tick();
  EXPECT_TRUE(keeper_->status().policy_last_good) << "still bad";
  folder_.Write("policy.yaml", std::string(kPolicy) + "driftGrace: 1h\n");
  Tick();
  status = keeper_->status();
  EXPECT_FALSE(status.policy_last_good);
  EXPECT_FALSE(status.policy_problem);
  EXPECT_NE(status.policy_digest, digest);
  EXPECT_THAT(Events(), Contains("PolicyAccepted UsePolicy"));
}

TEST_F(ClusterStateTest, DefinitionsThatAreBadOrMissingAreAsBad) {
  ASSERT_TRUE(Start());
  Tick();
  folder_.Write("definitions/own.json", "{");
  Restart();
  ASSERT_TRUE(Start());
  EXPECT_TRUE(keeper_->status().policy_last_good);
  std::filesystem::remove_all(folder_ / "definitions");
  Restart();
  ASSERT_TRUE(Start());
  EXPECT_THAT(*keeper_->status().policy_problem, HasSubstr("definitions: cannot be listed"));
  EXPECT_EQ(keeper_->states().Current()->policy->requirements.at(0).name, "own") << "judged by what was kept of it";
}

TEST_F(ClusterStateTest, ABadReloadKeepsWhatIsInForceAndIsTold) {
  ASSERT_TRUE(Start());
  Tick();
  folder_.Write("policy.yaml", "requirements: [");
  Tick();
  EXPECT_FALSE(keeper_->status().policy_last_good);
  EXPECT_TRUE(keeper_->status().policy_problem);
  EXPECT_THAT(Events(), ElementsAre("PolicyRefused KeepPolicy"));
}

TEST_F(ClusterStateTest, NothingIsToldWhenAllIsWell) {
  ASSERT_TRUE(Start());
  Tick();
  Tick();
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(ClusterStateTest, WithoutAnyGoodPolicyTheStartFailsWithBothReasons) {
  folder_.Write("policy.yaml", "requirements: [");
  const auto why = [this] {
    Restart();
    const auto started = Start();
    return started ? std::string("none") : started.error().ToString();
  };
  EXPECT_THAT(why(), AllOf(HasSubstr("policy.yaml:"), HasSubstr("the last good policy: "), HasSubstr("404")));
  world_.client->SetUnreachable(true);
  EXPECT_THAT(why(), AllOf(HasSubstr("policy.yaml:"), HasSubstr("the last good policy: ")));
  world_.client->SetUnreachable(false);
  world_.kubernetes.Put("/api/v1/namespaces/acr/configmaps/last-good", {{"apiVersion", "v1"},
                                                                        {"kind", "ConfigMap"},
                                                                        {"metadata", {{"name", "last-good"}, {"namespace", "acr"}}},
                                                                        {"data", {{"policy.yaml", "kind: FromTheFuture\n"}}}});
  EXPECT_THAT(why(), AllOf(HasSubstr("policy.yaml:"), HasSubstr("the last good policy:1:")));
  kubernetes_.policy_config_map.clear();
  EXPECT_THAT(why(), AllOf(HasSubstr("policy.yaml:"), Not(HasSubstr("last good"))));
}

TEST_F(ClusterStateTest, AGoodStartAsksForNothing) {
  world_.client->SetUnreachable(true);
  ASSERT_TRUE(Start());
  EXPECT_EQ(world_.Failures("policy"), 0U);
}

TEST_F(ClusterStateTest, AStartWithoutAzureBeginsWithWhatReplicasShared) {
  ASSERT_TRUE(Start());
  Learn("contoso");
  Restart();
  ASSERT_TRUE(Start());
  EXPECT_TRUE(keeper_->status().primed);
  EXPECT_EQ(Known(), "contoso");
}

TEST_F(ClusterStateTest, WhenTheApiServerIsAwayAtTheStartItIsAskedAgain) {
  ASSERT_TRUE(Start());
  Learn("contoso");
  Restart();
  world_.client->SetUnreachable(true);
  ASSERT_TRUE(Start());
  EXPECT_FALSE(keeper_->status().primed);
  for (seconds passed{0}; passed < kReadAgain * 3; passed += seconds(1)) {
    Tick();
  }
  EXPECT_FALSE(keeper_->status().primed);
  world_.client->SetUnreachable(false);
  for (seconds passed{0}; passed <= kReadAgain; passed += seconds(1)) {
    Tick();
  }
  EXPECT_TRUE(keeper_->status().primed);
  EXPECT_EQ(Known(), "contoso");
}

TEST_F(ClusterStateTest, AtTheEndWhatIsKnownIsShared) {
  ASSERT_TRUE(Start());
  Learn("contoso");
  world_.clock.Advance(kLeastGainAtEnd);
  Learn("fabrikam");
  world_.clock.Advance(kLeastGainAtEnd);
  Learn("contoso");
  state_->Finish();
  state_->Run();
  Restart();
  ASSERT_TRUE(Start());
  EXPECT_EQ(Known(), "contoso fabrikam");
}

}  // namespace
}  // namespace cli
