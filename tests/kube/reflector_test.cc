#include "kube/reflector.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string PodPath(const std::string& name, const std::string& namespace_name = "default") {
  return "/api/v1/namespaces/" + namespace_name + "/pods/" + name;
}

// Keeps versions by uid, as an index of pods would.
struct Copy {
  std::map<std::string, std::string> known;
  std::set<std::string> listed;
  std::vector<std::string> calls;

  ReflectorCallbacks Callbacks() {
    return {.begin_list =
                [this] {
                  listed.clear();
                  calls.emplace_back("begin");
                },
            .put =
                [this](const json& object) {
                  known[object["metadata"]["uid"]] = object["metadata"]["resourceVersion"];
                  listed.insert(object["metadata"]["uid"].get<std::string>());
                  calls.push_back("put " + object["metadata"]["name"].get<std::string>());
                },
            .removed =
                [this](const json& object) {
                  known.erase(object["metadata"]["uid"].get<std::string>());
                  calls.push_back("removed " + object["metadata"]["name"].get<std::string>());
                },
            .end_list =
                [this] {
                  std::erase_if(known, [this](const auto& entry) { return !listed.contains(entry.first); });
                  calls.emplace_back("end");
                }};
  }
};

class ReflectorTest : public testing::Test {
 protected:
  void PutPod(const std::string& name, const std::string& image = "a") {
    world_.kubernetes.Put(PodPath(name), {{"apiVersion", "v1"}, {"kind", "Pod"}, {"spec", {{"image", image}}}});
  }
  std::vector<std::string> TakeCalls() { return std::exchange(copy_.calls, {}); }
  void Refuse(const std::string& verb, int status, int times = 1) {
    world_.kubernetes.Fail([verb](const support::KubernetesCall& call) { return call.verb == verb; }, {status, {}, ""}, times);
  }

  KubeWorld world_;
  Copy copy_;
  Reflector reflector_{world_.api, {"", "v1", "pods", ""}, {}, copy_.Callbacks(), world_.clock, 7};
};

TEST_F(ReflectorTest, ListsThenWatches) {
  PutPod("one");
  EXPECT_FALSE(reflector_.is_complete());
  EXPECT_EQ(reflector_.Step(), milliseconds(0));
  EXPECT_TRUE(reflector_.is_complete());
  EXPECT_THAT(TakeCalls(), ElementsAre("begin", "put one", "end"));
  PutPod("two");
  PutPod("one", "b");
  world_.kubernetes.Remove(PodPath("two"));
  EXPECT_EQ(reflector_.Step(), kWatchSpacing);
  EXPECT_THAT(TakeCalls(), ElementsAre("put two", "put one", "removed two"));
  EXPECT_EQ(reflector_.Step(), kWatchSpacing);
  EXPECT_THAT(TakeCalls(), IsEmpty());
}

TEST_F(ReflectorTest, AWatchGoesOnFromABookmark) {
  reflector_.Step();
  world_.kubernetes.Put("/api/v1/namespaces/acr/configmaps/other", {{"kind", "ConfigMap"}});
  reflector_.Step();  // nothing but the bookmark, behind what happened elsewhere
  world_.kubernetes.Compact();
  TakeCalls();
  world_.kubernetes.Put("/api/v1/namespaces/acr/configmaps/other", {{"kind", "ConfigMap"}, {"data", {}}});
  reflector_.Step();
  EXPECT_EQ(reflector_.error()->kind, ApiError::Kind::kExpired);
  reflector_.Step();
  EXPECT_THAT(TakeCalls(), ElementsAre("begin", "end"));
}

TEST_F(ReflectorTest, AVersionThatIsTooOldMeansANewList) {
  PutPod("one");
  reflector_.Step();
  world_.kubernetes.Remove(PodPath("one"));
  PutPod("two");
  world_.kubernetes.Compact();
  TakeCalls();
  EXPECT_GT(reflector_.Step(), milliseconds(0));
  EXPECT_THAT(TakeCalls(), IsEmpty());
  reflector_.Step();
  EXPECT_THAT(TakeCalls(), ElementsAre("begin", "put two", "end"));
  EXPECT_EQ(copy_.known.size(), 1U);
}

TEST_F(ReflectorTest, ABrokenWatchGoesOnBehindWhatCame) {
  reflector_.Step();
  for (int i = 0; i < 10; ++i) {
    PutPod("pod-" + std::to_string(i));
  }
  TakeCalls();
  world_.client.LoseAnswers(1);
  EXPECT_GT(reflector_.Step(), milliseconds(0));
  const std::vector<std::string> first = TakeCalls();
  EXPECT_FALSE(first.empty());
  EXPECT_LT(first.size(), 10U);
  reflector_.Step();
  EXPECT_EQ(first.size() + TakeCalls().size(), 10U);  // each once
}

TEST_F(ReflectorTest, AWatchThatFailsAgainAtTheSamePlaceBeginsWithAList) {
  reflector_.Step();
  PutPod("one");
  TakeCalls();
  Refuse("watch", 500, 2);
  reflector_.Step();
  reflector_.Step();
  EXPECT_THAT(TakeCalls(), IsEmpty());
  reflector_.Step();
  EXPECT_THAT(TakeCalls(), ElementsAre("begin", "put one", "end"));
}

TEST_F(ReflectorTest, AListDoesNotMendAWatch) {
  reflector_.Step();
  world_.kubernetes.Forbid("watch", "pods");
  milliseconds last{0};
  for (int i = 0; i < 30; ++i) {
    const milliseconds pause = reflector_.Step();
    ASSERT_TRUE(reflector_.error()) << i;
    EXPECT_EQ(reflector_.error()->kind, ApiError::Kind::kForbidden);
    last = std::max(last, pause);
  }
  EXPECT_GE(last, kLongestPause / 2);
  EXPECT_LE(std::ranges::count(TakeCalls(), "begin"), 16);
  world_.kubernetes.Allow("watch", "pods");
  while (reflector_.Step() == milliseconds(0)) {  // it may be a list's turn
  }
  EXPECT_FALSE(reflector_.error());
}

TEST_F(ReflectorTest, AListThatBreaksBeginsAnew) {
  PutPod("one");
  Refuse("list", 500);
  reflector_.Step();
  ASSERT_TRUE(reflector_.error());
  EXPECT_FALSE(reflector_.is_complete());
  EXPECT_THAT(TakeCalls(), ElementsAre("begin"));
  reflector_.Step();
  EXPECT_FALSE(reflector_.error());
  EXPECT_THAT(TakeCalls(), ElementsAre("begin", "put one", "end"));
}

TEST_F(ReflectorTest, PausesGrowAndEndWithASuccess) {
  Refuse("list", 503, 12);
  milliseconds before{0};
  for (int i = 0; i < 12; ++i) {
    const milliseconds pause = reflector_.Step();
    EXPECT_GE(pause, std::min(kFirstPause * (1 << std::min(i, 10)), kLongestPause) / 2);
    EXPECT_LE(pause, std::min(kFirstPause * (1 << std::min(i, 10)), kLongestPause));
    before = pause;
  }
  EXPECT_GE(before, kLongestPause / 2);
  reflector_.Step();
  Refuse("watch", 503);
  EXPECT_LE(reflector_.Step(), kFirstPause);
}

TEST_F(ReflectorTest, TheServersRetryAfterIsKept) {
  world_.kubernetes.Fail([](const support::KubernetesCall&) { return true; }, {429, {{"Retry-After", "90"}}, ""});
  EXPECT_GE(reflector_.Step(), std::chrono::seconds(90));
}

// Whatever happens, the copy is what a fresh list would bring as soon as a Step has gone well.
class ReflectorSimulation : public ReflectorTest, public testing::WithParamInterface<unsigned> {};

TEST_P(ReflectorSimulation, TheCopyIsWhatAListWouldBring) {
  const auto is_right = [this] {
    std::map<std::string, std::string> expected;
    for (const json& pod : world_.kubernetes.In("/api/v1/namespaces/default/pods")) {
      expected[pod["metadata"]["uid"]] = pod["metadata"]["resourceVersion"];
    }
    return copy_.known == expected;
  };
  int right = 0;
  std::minstd_rand random(GetParam());
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int step = 0; step < 1'000; ++step) {
    const std::string name = "pod-" + std::to_string(below(700));  // more than a page
    switch (below(16)) {
      case 0:
        world_.kubernetes.Compact();
        break;
      case 1:
        world_.client.LoseAnswers(1 + static_cast<int>(below(3)));
        break;
      case 2:
        Refuse(below(2) == 0 ? "list" : "watch", 503, 1 + static_cast<int>(below(2)));
        break;
      case 3:
      case 4:
        world_.kubernetes.Remove(PodPath(name));
        break;
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        reflector_.Step();
        if (!reflector_.error()) {
          ASSERT_TRUE(is_right()) << "step " << step;
          ++right;
        }
        break;
      default:
        for (unsigned i = 0; i <= below(20); ++i) {
          PutPod("pod-" + std::to_string(below(700)), std::to_string(below(5)));
        }
    }
  }
  EXPECT_GT(right, 10);
  for (int calm = 0; calm < 100 && (calm == 0 || reflector_.error()); ++calm) {
    reflector_.Step();
  }
  EXPECT_FALSE(reflector_.error());
  EXPECT_TRUE(is_right());
}
INSTANTIATE_TEST_SUITE_P(Seeds, ReflectorSimulation, testing::Range(1U, 11U));

}  // namespace
}  // namespace kube
