#include "cli/last_good_policy.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/cluster_world.h"
#include "tests/support/kubernetes_status.h"

namespace cli {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kPath = "/api/v1/namespaces/acr/configmaps/last-good";

std::shared_ptr<const state::PolicyTexts> Texts(const std::string& policy) {
  return std::make_shared<const state::PolicyTexts>(state::PolicyTexts{policy, {{"my own.json", "{}"}}});
}

// What a replica does from second to second.
struct Replica {
  explicit Replica(ClusterWorld& world) : policy(*world.cluster, "last-good", world.clock, world.Log()) {}
  void Tick() { policy.Keep(good); }

  LastGoodPolicy policy;
  std::shared_ptr<const state::PolicyTexts> good;
};

class LastGoodPolicyTest : public ::testing::Test {
 protected:
  LastGoodPolicyTest() {  // as the chart makes it
    Put(json::object());
  }
  void Put(const json& data) {
    json object = {{"apiVersion", "v1"},
                   {"kind", "ConfigMap"},
                   {"metadata", {{"name", "last-good"}, {"namespace", "acr"}, {"labels", {{"helm.sh/chart", "c"}}}}}};
    if (!data.empty()) {
      object["data"] = data;
    }
    world_.kubernetes.Put(kPath, object);
  }
  std::string Held() const {
    const auto object = world_.kubernetes.Find(kPath);
    return object && object->contains("data") ? object->at("data").value("policy.yaml", "none") : "none";
  }
  void Pass(std::chrono::seconds time, std::initializer_list<Replica*> replicas) {
    for (seconds passed{0}; passed < time; passed += seconds(1)) {
      world_.clock.Advance(seconds(1));
      for (Replica* const replica : replicas) {
        replica->Tick();
      }
    }
  }
  std::size_t Writes() const {
    const auto calls = world_.kubernetes.calls();
    return static_cast<std::size_t>(
        std::count_if(calls.begin(), calls.end(), [](const std::string& call) { return !call.starts_with("get "); }));
  }

  ClusterWorld world_;
  Replica a_{world_};
  Replica b_{world_};
};

TEST_F(LastGoodPolicyTest, IsKeptAtOnceWhereNothingIs) {
  a_.good = Texts("one");
  a_.Tick();
  EXPECT_EQ(Held(), "one");
  EXPECT_EQ((*world_.kubernetes.Find(kPath))["metadata"]["labels"]["helm.sh/chart"], "c");
  const auto read = b_.policy.Read();
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(*read, *Texts("one"));
}

TEST_F(LastGoodPolicyTest, AnotherReplacesItOnceEveryReplicaMustHaveIt) {
  a_.good = Texts("one");
  a_.Tick();
  a_.good = Texts("two");
  Pass(kSettle, {&a_});
  EXPECT_EQ(Held(), "one");
  Pass(seconds(1), {&a_});
  EXPECT_EQ(Held(), "two");
}

// The volume of a pod that starts may be two minutes behind.
TEST_F(LastGoodPolicyTest, AReplicaWithAStaleVolumeNeverPutsTheOlderPolicyBack) {
  a_.good = Texts("one");
  Pass(kSettle * 2, {&a_});
  a_.good = Texts("two");  // seen by `a` at once
  for (seconds passed{0}; passed < kSettle * 3; passed += seconds(1)) {
    if (passed == seconds(30)) {  // `b` starts with the older one, and sees the newer late
      b_.good = Texts("one");
    } else if (passed == std::chrono::minutes(2)) {
      b_.good = Texts("two");
    }
    const std::string before = Held();
    Pass(seconds(1), {&a_, &b_});
    ASSERT_FALSE(before == "two" && Held() == "one") << passed.count() << " s after the change";
  }
  EXPECT_EQ(Held(), "two");
}

TEST_F(LastGoodPolicyTest, IsNotWrittenWhenItIsTheSame) {
  a_.good = Texts("one");
  b_.good = Texts("one");
  Pass(std::chrono::hours(1), {&a_, &b_});
  EXPECT_EQ(Writes(), 1U);
  a_.good = Texts("one");  // the file was touched
  Pass(std::chrono::hours(1), {&a_, &b_});
  EXPECT_EQ(Writes(), 1U);
}

TEST_F(LastGoodPolicyTest, ReplicasWithDifferentFilesDoNotFightOverIt) {
  a_.good = Texts("one");
  b_.good = Texts("two");
  Pass(std::chrono::hours(2), {&a_, &b_});
  EXPECT_LE(Writes(), 3U);
}

TEST_F(LastGoodPolicyTest, ARefusedPolicyIsNotKept) {
  Pass(kSettle * 2, {&a_});
  EXPECT_EQ(Held(), "none");
  EXPECT_THAT(world_.kubernetes.calls(), IsEmpty());
}

TEST_F(LastGoodPolicyTest, APolicyThatIsRefusedAmidSettlingDoesNotReplace) {
  a_.good = Texts("one");
  a_.Tick();
  a_.good = Texts("two");
  Pass(kSettle / 2, {&a_});
  a_.good = nullptr;  // a newer replica's file, which this one cannot read
  Pass(kSettle * 3, {&a_});
  EXPECT_EQ(Held(), "one");
}

TEST_F(LastGoodPolicyTest, WhoWritesSecondLooksAgain) {
  a_.good = Texts("one");
  b_.good = Texts("one");
  world_.kubernetes.Fail([](const support::KubernetesCall& call) { return call.verb == "update"; },
                         support::Status(409, "Conflict", "the object has been modified"));
  a_.Tick();
  EXPECT_EQ(Held(), "none");
  b_.Tick();
  Pass(kKeepRetry, {&a_});
  EXPECT_EQ(Held(), "one");
  EXPECT_EQ(world_.Failures("policy"), 0U) << "a conflict is none";
}

TEST_F(LastGoodPolicyTest, IsMadeAgainWhenItWasDeletedOrEmptied) {
  a_.good = Texts("one");
  Pass(kSettle * 2, {&a_});
  world_.kubernetes.Remove(kPath);
  Pass(kLookAgain, {&a_});
  EXPECT_EQ(Held(), "one");
  EXPECT_EQ((*world_.kubernetes.Find(kPath))["metadata"]["labels"], Cluster::Labels());
  Put(json::object());
  Pass(kLookAgain, {&a_});
  EXPECT_EQ(Held(), "one");
}

TEST_F(LastGoodPolicyTest, WhatCannotBeWrittenIsSaidOnceAndTriedAgain) {
  world_.kubernetes.Forbid("update", "configmaps");
  a_.good = Texts("one");
  Pass(kKeepRetry * 4, {&a_});
  EXPECT_THAT(world_.log, SizeIs(1));
  EXPECT_THAT(world_.log[0], AllOf(HasSubstr("cannot be kept"), HasSubstr("configmaps")));
  EXPECT_EQ(world_.Failures("policy"), 4U);
  world_.kubernetes.Allow("update", "configmaps");
  Pass(kKeepRetry, {&a_});
  EXPECT_EQ(Held(), "one");
}

TEST_F(LastGoodPolicyTest, IsNeverLargerThanAConfigMapTakes) {
  a_.good = Texts("one");
  a_.Tick();
  a_.good = Texts(std::string(kMaxKeptBytes, 'x'));
  Pass(kSettle * 3, {&a_});
  EXPECT_EQ(Held(), "one");
  EXPECT_EQ(world_.Failures("policy"), 1U);
  EXPECT_THAT(world_.log, Contains(HasSubstr("is not kept as the last good one")).Times(1));
}

TEST_F(LastGoodPolicyTest, SaysWhyThereIsNone) {
  const auto why = [this] {
    const auto read = a_.policy.Read();
    return read ? std::string("none") : read.error().ToString();
  };
  EXPECT_THAT(why(), HasSubstr("ConfigMap acr/last-good holds none yet"));
  Put({{"policy.yaml", "a"}, {"definitions.json", "[1]"}});
  EXPECT_THAT(why(), HasSubstr("definitions.json is no object of texts"));
  Put({{"policy.yaml", "a"}, {"definitions.json", "{"}});
  EXPECT_THAT(why(), HasSubstr("ConfigMap acr/last-good: definitions.json:1:"));
  Put({{"policy.yaml", "a"}, {"definitions.json", R"({"a.json":1})"}});
  EXPECT_THAT(why(), HasSubstr("definitions.json is no object of texts"));
  world_.kubernetes.Forbid("get", "configmaps");
  EXPECT_THAT(why(), HasSubstr("403"));
  world_.kubernetes.Remove(kPath);
  world_.kubernetes.Allow("get", "configmaps");
  EXPECT_THAT(why(), HasSubstr("404"));
  world_.client->SetUnreachable(true);
  EXPECT_NE(why(), "none");
}

}  // namespace
}  // namespace cli
