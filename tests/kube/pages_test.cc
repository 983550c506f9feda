#include "kube/pages.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"
#include "tests/support/kubernetes_status.h"
#include "tests/support/scripted_http.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = ApiError::Kind;

bool Continues(const support::KubernetesCall& call) { return call.query.contains("continue"); }

class Pages : public ::testing::Test {
 protected:
  // So many pods, in two namespaces.
  void Put(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      world_.kubernetes.Put("/api/v1/namespaces/" + std::string(i % 2 == 0 ? "shop" : "acr") + "/pods/p" + std::to_string(i),
                            json{{"apiVersion", "v1"}, {"kind", "Pod"}, {"spec", {{"nodeName", "n"}}}});
    }
  }
  ApiResult<std::string> Read(const std::string& namespace_name = "", bool metadata_only = false) {
    return ReadPages(world_.api, Pods(namespace_name), {.metadata_only = metadata_only},
                     {.begin =
                          [this] {
                            ++begun_;
                            taken_.clear();
                          },
                      .take =
                          [this](std::vector<json> items) {
                            largest_ = std::max(largest_, items.size());
                            std::move(items.begin(), items.end(), std::back_inserter(taken_));
                          }},
                     [this](milliseconds time) { waits_.push_back(time); });
  }
  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const json& pod : taken_) {
      names.insert(pod["metadata"]["namespace"].get<std::string>() + "/" + pod["metadata"]["name"].get<std::string>());
    }
    return names;
  }

  KubeWorld world_;
  int begun_ = 0;
  std::vector<json> taken_;
  std::size_t largest_ = 0;
  std::vector<milliseconds> waits_;
};

TEST_F(Pages, AreOfAllNamespacesOrOne) {
  Put(2 * kPageSize + 1);
  const auto version = Read();
  ASSERT_TRUE(version) << version.error().ToString();
  EXPECT_NE(*version, "");
  EXPECT_THAT(Names(), SizeIs(2 * kPageSize + 1));
  EXPECT_EQ(largest_, kPageSize);
  EXPECT_EQ(begun_, 1);
  EXPECT_THAT(waits_, IsEmpty());
  ASSERT_TRUE(Read("shop"));
  EXPECT_THAT(Names(), SizeIs(kPageSize + 1));
  EXPECT_THAT(Names(), Each(::testing::StartsWith("shop/")));
}

TEST_F(Pages, MayBeOfMetadataAlone) {
  Put(1);
  ASSERT_TRUE(Read("", true));
  ASSERT_THAT(taken_, SizeIs(1));
  EXPECT_EQ(taken_[0]["metadata"]["name"], "p0");
  EXPECT_FALSE(taken_[0].contains("spec"));
}

TEST_F(Pages, OfMetadataAreFollowedByAWatchOfMetadata) {
  Put(1);
  const auto version = Read("", true);
  ASSERT_TRUE(version);
  Put(2);
  std::vector<json> seen;
  const auto watched = world_.api.Watch(Pods(""), {.metadata_only = true}, *version, seconds(1), [&](const WatchEvent& event) {
    seen.push_back(event.object);
    return true;
  });
  ASSERT_TRUE(watched) << watched.error().ToString();
  ASSERT_THAT(seen, ::testing::Not(IsEmpty()));
  EXPECT_EQ(seen[0]["metadata"]["name"], "p0");
  EXPECT_FALSE(seen[0].contains("spec"));
}

TEST_F(Pages, OfAServerThatKnowsNoSuchListAreWhole) {
  support::ScriptedHttp http([](const http::Request&) { return support::JsonResponse(200, "{\"items\":[]}"); });
  Api api(FakeConfig(), http, world_.clock);
  ASSERT_TRUE(api.List(Pods(""), {.metadata_only = true}, "", kDeadline));
  EXPECT_EQ(http.requests().at(0).headers.at(0).second,
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json");
}

TEST_F(Pages, ThatExpireAreReadFromTheBeginningAgain) {
  Put(3 * kPageSize);
  world_.kubernetes.Fail(Continues, support::ExpiredStatus(), kMaxBeginnings - 1);
  ASSERT_TRUE(Read());
  EXPECT_EQ(begun_, kMaxBeginnings);
  EXPECT_THAT(taken_, SizeIs(3 * kPageSize)) << "each once";
  EXPECT_THAT(Names(), SizeIs(3 * kPageSize));
}

TEST_F(Pages, ThatAlwaysExpireHaveAnEnd) {
  Put(2 * kPageSize);
  world_.kubernetes.Fail(Continues, support::ExpiredStatus(), 1000);
  const auto version = Read();
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().kind, Kind::kExpired);
  EXPECT_EQ(begun_, kMaxBeginnings);
}

TEST_F(Pages, AreAskedForAgainAsTheServerWantsIt) {
  Put(kPageSize + 1);
  http::Response busy = support::Status(429, "TooManyRequests", "wait");
  busy.headers.emplace_back("Retry-After", "7");
  world_.kubernetes.Fail(Continues, busy, 2);
  ASSERT_TRUE(Read());
  EXPECT_THAT(waits_, ElementsAre(seconds(7), seconds(7)));
  EXPECT_THAT(Names(), SizeIs(kPageSize + 1));
  EXPECT_EQ(begun_, 1);
}

TEST_F(Pages, ThatFailAreAskedForSmaller) {
  Put(kPageSize);
  world_.client.LoseAnswers(2);
  ASSERT_TRUE(Read());
  EXPECT_THAT(waits_, ElementsAre(kFirstPagePause, 2 * kFirstPagePause));
  EXPECT_EQ(largest_, kPageSize / 4);
  EXPECT_THAT(Names(), SizeIs(kPageSize));
}

TEST_F(Pages, ThatNeverComeHaveAnEnd) {
  world_.client.SetUnreachable(true);
  EXPECT_EQ(Read().error().kind, Kind::kUnavailable);
  EXPECT_THAT(waits_, SizeIs(kMaxPageTries - 1));
}

TEST_F(Pages, ThatAreForbiddenAreNotAskedForAgain) {
  world_.kubernetes.Forbid("list", "pods");
  const auto version = Read();
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().kind, Kind::kForbidden);
  EXPECT_THAT(version.error().remedy, HasSubstr("grant the verb list on pods"));
  EXPECT_THAT(waits_, IsEmpty());
}

}  // namespace
}  // namespace kube
