#include "kube/object_set.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"

namespace kube {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kRoot = "/apis/acr-admission.io/v1alpha1/registrycompliances";

using Wanted = std::map<ObjectSet::Key, json>;

json Compliance(const std::string& name, int workloads) {
  return {{"apiVersion", "acr-admission.io/v1alpha1"},
          {"kind", "RegistryCompliance"},
          {"metadata", {{"name", name}, {"labels", {{"app.kubernetes.io/managed-by", "acr-admission"}}}}},
          {"status", {{"workloads", workloads}, {"conditions", {{{"type", "Compliant"}, {"status", "True"}}}}}}};
}

json Report(const std::string& namespace_name, int fail) {
  return {{"apiVersion", "openreports.io/v1alpha1"},
          {"kind", "Report"},
          {"metadata",
           {{"name", "acr-admission"}, {"namespace", namespace_name}, {"labels", {{"app.kubernetes.io/managed-by", "acr-admission"}}}}},
          {"summary", {{"fail", fail}}}};
}

class ObjectSetTest : public testing::Test {
 protected:
  ObjectSet Compliances() {
    return {world_.api,
            {.collection = {"acr-admission.io", "v1alpha1", "registrycompliances", ""},
             .label_selector = "app.kubernetes.io/managed-by=acr-admission",
             .manager = "acr-admission",
             .has_status = true}};
  }
  ObjectSet Reports() {
    return {world_.api,
            {.collection = {"openreports.io", "v1alpha1", "reports", ""},
             .label_selector = "app.kubernetes.io/managed-by=acr-admission",
             .manager = "acr-admission"}};
  }
  static Wanted Two() {
    return {{{"", "a.azurecr.io"}, Compliance("a.azurecr.io", 1)}, {{"", "b.azurecr.io"}, Compliance("b.azurecr.io", 2)}};
  }
  std::size_t Calls() const { return world_.kubernetes.calls().size(); }
  json Status(const std::string& name) const { return (*world_.kubernetes.Find(kRoot + ("/" + name)))["status"]; }

  KubeWorld world_;
};

TEST_F(ObjectSetTest, MakesWhatIsMissingWithItsStatus) {
  ObjectSet set = Compliances();
  ASSERT_TRUE(set.Load());
  const auto progress = set.Bring(Two(), 100);
  EXPECT_EQ(progress.written, 4U);
  EXPECT_EQ(progress.left, 0U);
  EXPECT_FALSE(progress.error);
  EXPECT_EQ(Status("a.azurecr.io")["workloads"], 1);
  EXPECT_EQ(Status("b.azurecr.io")["workloads"], 2);
  EXPECT_EQ((*set.Find({"", "a.azurecr.io"}))["status"]["workloads"], 1);
}

TEST_F(ObjectSetTest, WritesNothingWhereNothingDiffersAlsoAfterAnotherWrote) {
  ObjectSet first = Compliances();
  ASSERT_TRUE(first.Load());
  first.Bring(Two(), 100);
  ObjectSet second = Compliances();
  ASSERT_TRUE(second.Load());
  const std::size_t before = Calls();
  EXPECT_EQ(first.Bring(Two(), 100).written, 0U);
  EXPECT_EQ(second.Bring(Two(), 100).written, 0U);
  EXPECT_EQ(Calls(), before);
}

TEST_F(ObjectSetTest, AChangedStatusIsOneRequest) {
  ObjectSet set = Compliances();
  ASSERT_TRUE(set.Load());
  set.Bring(Two(), 100);
  Wanted wanted = Two();
  wanted[{"", "b.azurecr.io"}]["status"]["workloads"] = 7;
  const std::size_t before = Calls();
  EXPECT_EQ(set.Bring(wanted, 100).written, 1U);
  EXPECT_EQ(Calls(), before + 1);
  EXPECT_EQ(Status("b.azurecr.io")["workloads"], 7);
}

TEST_F(ObjectSetTest, WhatIsNotWantedGoesAndWhatIsNotOursStays) {
  json other = Compliance("other.azurecr.io", 1);
  other["metadata"].erase("labels");
  world_.kubernetes.Put(std::string(kRoot) + "/other.azurecr.io", other);
  ObjectSet set = Compliances();
  ASSERT_TRUE(set.Load());
  set.Bring(Two(), 100);
  Wanted wanted = Two();
  wanted.erase({"", "a.azurecr.io"});
  EXPECT_EQ(set.Bring(wanted, 100).written, 1U);
  EXPECT_FALSE(world_.kubernetes.Find(std::string(kRoot) + "/a.azurecr.io"));
  EXPECT_TRUE(world_.kubernetes.Find(std::string(kRoot) + "/other.azurecr.io"));
}

TEST_F(ObjectSetTest, AtMostSoManyRequestsAndTheRestNextTime) {
  Wanted wanted;
  for (int i = 10; i < 60; ++i) {
    const std::string space = "team-" + std::to_string(i);
    world_.kubernetes.Put("/api/v1/namespaces/" + space, {{"kind", "Namespace"}});
    wanted[{space, "acr-admission"}] = Report(space, i);
  }
  ObjectSet set = Reports();
  ASSERT_TRUE(set.Load());
  auto progress = set.Bring(wanted, 20);
  EXPECT_EQ(progress.written, 20U);
  EXPECT_EQ(progress.left, 30U);
  progress = set.Bring(wanted, 40);
  EXPECT_EQ(progress.written, 30U);
  EXPECT_EQ(progress.left, 0U);
  progress = set.Bring({}, 45);
  EXPECT_EQ(progress.written, 45U);
  EXPECT_EQ(progress.left, 5U);
}

TEST_F(ObjectSetTest, AFailureEndsThisTimeAndNothingIsForgotten) {
  ObjectSet set = Compliances();
  ASSERT_TRUE(set.Load());
  world_.kubernetes.Forbid("patch", "registrycompliances/status");
  auto progress = set.Bring(Two(), 100);
  ASSERT_TRUE(progress.error);
  EXPECT_THAT(progress.error->ToString(), HasSubstr("registrycompliances/status"));
  EXPECT_EQ(progress.left, 2U);
  world_.kubernetes.Allow("patch", "registrycompliances/status");
  progress = set.Bring(Two(), 100);
  EXPECT_FALSE(progress.error);
  EXPECT_EQ(progress.left, 0U);
  EXPECT_EQ(Status("a.azurecr.io")["workloads"], 1);
}

TEST_F(ObjectSetTest, WhatIsRefusedOfOneObjectAloneKeepsNoOtherFromBeingWritten) {
  ObjectSet set = Compliances();
  ASSERT_TRUE(set.Load());
  const auto of_a = [](const support::KubernetesCall& call) { return call.verb == "patch" && call.name == "a.azurecr.io"; };
  world_.kubernetes.Fail(of_a, {422, {}, R"({"kind":"Status","code":422,"reason":"Invalid","message":"not this one"})"});
  auto progress = set.Bring(Two(), 100);
  EXPECT_EQ(progress.failed, 1U);
  EXPECT_EQ(progress.left, 1U);
  EXPECT_THAT(progress.error->ToString(), HasSubstr("not this one"));
  EXPECT_EQ(Status("b.azurecr.io")["workloads"], 2);
  progress = set.Bring(Two(), 100);
  EXPECT_EQ(progress.failed, 0U);
  EXPECT_EQ(Status("a.azurecr.io")["workloads"], 1);
}

TEST_F(ObjectSetTest, AnObjectThatSomebodyDeletedIsMadeAnew) {
  ObjectSet set = Compliances();
  ASSERT_TRUE(set.Load());
  set.Bring(Two(), 100);
  world_.kubernetes.Remove(std::string(kRoot) + "/a.azurecr.io");
  Wanted wanted = Two();
  wanted[{"", "a.azurecr.io"}]["status"]["workloads"] = 9;
  EXPECT_TRUE(set.Bring(wanted, 100).error);
  EXPECT_FALSE(set.Bring(wanted, 100).error);
  EXPECT_EQ(Status("a.azurecr.io")["workloads"], 9);
}

TEST_F(ObjectSetTest, WhatTheServerKeepsOtherwiseIsNotWrittenAgainAndAgain) {
  ObjectSet set = Reports();
  ASSERT_TRUE(set.Load());
  // A schema that knows no `summary` prunes it.
  world_.kubernetes.Fail(
      [](const support::KubernetesCall& call) { return call.apply; },
      {200, {}, R"({"apiVersion": "openreports.io/v1alpha1", "kind": "Report", "metadata": {"name": "acr-admission"}})"});
  const Wanted wanted = {{{"default", "acr-admission"}, Report("default", 3)}};
  EXPECT_EQ(set.Bring(wanted, 100).written, 1U);
  const std::size_t before = Calls();
  EXPECT_EQ(set.Bring(wanted, 100).written, 0U);
  EXPECT_EQ(Calls(), before);
}

TEST_F(ObjectSetTest, WhatAnotherWroteMeanwhileIsNotOverwritten) {
  ObjectSet first = Compliances();
  ObjectSet second = Compliances();
  ASSERT_TRUE(first.Load());
  first.Bring(Two(), 100);
  ASSERT_TRUE(second.Load());
  Wanted later = Two();
  later[{"", "a.azurecr.io"}]["status"]["workloads"] = 5;
  EXPECT_FALSE(second.Bring(later, 100).error);
  Wanted stale = Two();
  stale[{"", "a.azurecr.io"}]["status"]["workloads"] = 4;
  const auto progress = first.Bring(stale, 100);
  ASSERT_TRUE(progress.error);
  EXPECT_EQ(progress.error->kind, ApiError::Kind::kConflict);
  EXPECT_EQ(first.Bring({}, 100).error->kind, ApiError::Kind::kConflict);  // nor deleted
  EXPECT_EQ(Status("a.azurecr.io")["workloads"], 5);
  ASSERT_TRUE(first.Load());
  EXPECT_FALSE(first.Bring(stale, 100).error);
  EXPECT_EQ(Status("a.azurecr.io")["workloads"], 4);
}

// Whatever fails in between, in the end there is what is wanted, and nothing else.
TEST_F(ObjectSetTest, InTheEndThereIsWhatIsWanted) {
  std::minstd_rand random(7);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  ObjectSet set = Compliances();
  ASSERT_TRUE(set.Load());
  Wanted wanted;
  for (int step = 0; step < 500; ++step) {
    const std::string name = "r" + std::to_string(below(20)) + ".azurecr.io";
    if (below(3) == 0) {
      wanted.erase({"", name});
    } else {
      wanted[{"", name}] = Compliance(name, static_cast<int>(below(3)));
    }
    if (below(5) == 0) {
      world_.kubernetes.Fail([](const support::KubernetesCall&) { return true; }, {503, {}, ""}, 1 + static_cast<int>(below(3)));
    }
    if (below(7) == 0) {
      world_.client.LoseAnswers(1);
    }
    if (const auto progress = set.Bring(wanted, 1 + below(5)); progress.error && progress.error->kind == ApiError::Kind::kConflict) {
      (void)set.Load();
    }
  }
  for (int calm = 0; calm < 20; ++calm) {
    (void)set.Load();
    set.Bring(wanted, 100);
  }
  std::map<std::string, json> there;
  for (const json& object : world_.kubernetes.In(kRoot)) {
    there[object["metadata"]["name"]] = object["status"]["workloads"];
  }
  std::map<std::string, json> expected;
  for (const auto& [key, object] : wanted) {
    expected[key.second] = object["status"]["workloads"];
  }
  EXPECT_EQ(there, expected);
}

}  // namespace
}  // namespace kube
