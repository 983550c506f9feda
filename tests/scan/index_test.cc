#include "scan/index.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scan/scan_pods.h"

namespace scan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const OwnerReference kCart = Owned("ReplicaSet", "cart-7d9f8c6b5d");

// All that the index tells, as text: equal for equal indexes, whatever their ids.
std::multiset<std::string> Told(const Index& index) {
  std::multiset<std::string> told;
  for (const Group& group : index.Groups()) {
    const Workload workload = index.WorkloadOf(group.owner);
    std::string line = workload.namespace_name + "/" + workload.kind + "/" + workload.name + " x" + std::to_string(group.pods);
    const policy::Admission admission = index.AdmissionOf(group.shape);
    line += " in " + std::string(admission.namespace_name) + (admission.mirror_pod ? " mirror" : "") + " " + admission.problem;
    for (const policy::ImageUse& use : admission.images) {
      line += " " + std::string(use.container) + "@" + use.field.ToString() + "=" + std::string(use.image);
    }
    told.insert(std::move(line));
  }
  for (const std::string_view host : index.Hosts()) {
    std::string line = "host " + std::string(host) + ":";
    for (const std::string_view image : index.ImagesOf(host)) {
      line += " " + std::string(image);
    }
    told.insert(std::move(line));
  }
  return told;
}

TEST(Index, CountsPodsThatAreTheSameTogether) {
  Index index;
  EXPECT_TRUE(index.Put(MakePod("1", "shop", kCart, {"contoso.azurecr.io/cart:1"})));
  EXPECT_TRUE(index.Put(MakePod("2", "shop", kCart, {"contoso.azurecr.io/cart:1"})));
  EXPECT_TRUE(index.Put(MakePod("3", "shop", Owned("StatefulSet", "db"), {"contoso.azurecr.io/cart:1"})));
  EXPECT_EQ(index.sizes().pods, 3U);
  EXPECT_EQ(index.sizes().groups, 2U);
  EXPECT_EQ(index.sizes().shapes, 1U) << "what is decided is the same for both workloads";
  const std::vector<Group> groups = index.Groups();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].pods + groups[1].pods, 3U);
  const policy::Admission admission = index.AdmissionOf(groups[0].shape);
  EXPECT_EQ(admission.namespace_name, "shop");
  EXPECT_EQ(admission.operation, "CREATE");
  EXPECT_EQ(admission.kind, "Pod");
  ASSERT_EQ(admission.images.size(), 1U);
  EXPECT_EQ(admission.images[0].field.ToString(), "spec.containers[0].image");
}

TEST(Index, TellsTheImagesOfARegistry) {
  Index index;
  index.Put(MakePod("1", "shop", kCart, {"contoso.azurecr.io/cart:1", "Contoso.azurecr.io:443/cart:2", "nginx"}));
  index.Put(MakePod("2", "shop", {}, {"fabrikam.azurecr.io/x", "no image"}));
  EXPECT_THAT(index.Hosts(), ElementsAre("", "contoso.azurecr.io", "docker.io", "fabrikam.azurecr.io"));
  EXPECT_THAT(index.ImagesOf("contoso.azurecr.io"), ElementsAre("Contoso.azurecr.io:443/cart:2", "contoso.azurecr.io/cart:1"));
  EXPECT_THAT(index.ImagesOf("nowhere"), IsEmpty());
  EXPECT_EQ(index.ShapesOf({"docker.io", "contoso.azurecr.io", "nowhere"}).size(), 1U);
  EXPECT_EQ(index.ShapesOf({"contoso.azurecr.io", "fabrikam.azurecr.io"}).size(), 2U);
  EXPECT_THAT(index.ShapesOf({"nowhere"}), IsEmpty());
}

TEST(Index, ForgetsAPodThatHasFinished) {
  Index index;
  Pod pod = MakePod("1", "shop", kCart, {"a.azurecr.io/x"});
  index.Put(pod);
  pod.finished = true;
  EXPECT_TRUE(index.Put(pod));
  EXPECT_EQ(index.sizes(), Index::Sizes());
  EXPECT_TRUE(index.Put(pod));
  EXPECT_EQ(index.sizes(), Index::Sizes()) << "one that was never known is not there either";
}

TEST(Index, KnowsWhoseAReplicaSetIsWhileItsPodsRun) {
  Index index;
  index.SetParent("shop", kCart, {"Deployment", "early", ""});
  EXPECT_EQ(index.sizes(), Index::Sizes()) << "nothing runs that is its";
  index.Put(MakePod("1", "shop", kCart, {"a.azurecr.io/x"}));
  EXPECT_EQ(index.WorkloadOf(index.Groups()[0].owner), (Workload{"shop", "Deployment", "cart"})) << "by its name";
  index.SetParent("shop", kCart, {"Rollout", "cart-canary", ""});
  EXPECT_EQ(index.WorkloadOf(index.Groups()[0].owner), (Workload{"shop", "Rollout", "cart-canary"}));
  index.SetParent("shop", kCart, {});
  EXPECT_EQ(index.WorkloadOf(index.Groups()[0].owner), (Workload{"shop", "ReplicaSet", kCart.name}));
  index.SetParent("other", kCart, {"Deployment", "else", ""});
  EXPECT_EQ(index.WorkloadOf(index.Groups()[0].owner).kind, "ReplicaSet");
  index.Remove("1");
  EXPECT_EQ(index.sizes(), Index::Sizes()) << "and nothing of it is left";
}

TEST(Index, OfAStaticPodNamesThePodItself) {
  Index index;
  Pod pod = MakePod("1", "kube-system", {"Node", "n1", "n"}, {"registry.k8s.io/etcd:3"});
  pod.mirror = true;
  index.Put(pod);
  EXPECT_EQ(index.WorkloadOf(index.Groups()[0].owner), (Workload{"kube-system", "Pod", "pod-1"}));
  EXPECT_TRUE(index.AdmissionOf(index.Groups()[0].shape).mirror_pod);
}

// A pod as a cluster may have it, of few enough kinds that they meet.
Pod RandomPod(std::mt19937& random, const std::string& uid) {
  const auto below = [&](int end) { return static_cast<int>(random() % static_cast<unsigned>(end)); };
  const std::string namespace_name = "ns" + std::to_string(below(3));
  const std::string name = "w" + std::to_string(below(4));
  OwnerReference owner;
  if (below(4) > 0) {
    owner = Owned(below(2) == 0 ? "ReplicaSet" : "Job", name);
  }
  std::vector<std::string> images(static_cast<std::size_t>(below(3)));
  for (std::string& image : images) {
    image = "r" + std::to_string(below(3)) + ".azurecr.io/" + name + ":" + std::to_string(below(2));
  }
  Pod pod = MakePod(uid, namespace_name, owner, images);
  pod.finished = below(8) == 0;
  pod.mirror = below(8) == 0;
  pod.problem = below(8) == 0 ? "strange" : "";
  return pod;
}

TEST(Index, AfterAnyChangesIsWhatAFreshOneWouldBe) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    Index index;
    std::map<std::string, Pod> running;
    std::map<std::tuple<std::string, std::string>, std::pair<OwnerReference, OwnerReference>> parents;  // what was told of who runs
    for (int step = 0; step < 1500; ++step) {
      const std::string uid = std::to_string(random() % 40);
      if (random() % 4 == 0) {
        index.Remove(uid);
        running.erase(uid);
      } else {
        const Pod pod = RandomPod(random, uid);
        EXPECT_TRUE(index.Put(pod));
        pod.finished ? static_cast<void>(running.erase(uid)) : static_cast<void>(running.insert_or_assign(uid, pod));
      }
      const auto runs = [&](const auto& told) {
        return std::ranges::any_of(running, [&](const auto& entry) {
          return entry.second.namespace_name == std::get<0>(told.first) && entry.second.owner == told.second.first;
        });
      };
      std::erase_if(parents, [&](const auto& told) { return !runs(told); });
      if (random() % 8 == 0 && !running.empty()) {
        const Pod& pod = std::next(running.begin(), static_cast<std::ptrdiff_t>(random() % running.size()))->second;
        const OwnerReference parent =
            random() % 3 == 0 ? OwnerReference{} : OwnerReference{"Deployment", "d" + std::to_string(random() % 3), ""};
        if (!pod.owner.kind.empty()) {
          index.SetParent(pod.namespace_name, pod.owner, parent);
          parents[{pod.namespace_name, pod.owner.uid}] = {pod.owner, parent};
        }
      }
      if (step % 50 == 49) {
        Index fresh;
        for (const auto& [known, pod] : running) {
          fresh.Put(pod);
        }
        for (const auto& [where, told] : parents) {
          fresh.SetParent(std::get<0>(where), told.first, told.second);
        }
        ASSERT_EQ(Told(index), Told(fresh)) << "seed " << seed << " step " << step;
        ASSERT_EQ(index.sizes(), fresh.sizes()) << "seed " << seed << " step " << step;
      }
    }
    for (int uid = 0; uid < 40; ++uid) {
      index.Remove(std::to_string(uid));
    }
    EXPECT_EQ(index.sizes(), Index::Sizes());
  }
}

TEST(Index, KeepsOnlyWhatAListHolds) {
  Index index;
  for (const char* uid : {"1", "2", "3"}) {
    index.Put(MakePod(uid, "shop", Owned("StatefulSet", uid), {std::string("contoso.azurecr.io/a:") + uid}));
  }
  index.KeepOnly({"2", "4"});
  Index expected;
  expected.Put(MakePod("2", "shop", Owned("StatefulSet", "2"), {"contoso.azurecr.io/a:2"}));
  EXPECT_EQ(Told(index), Told(expected));
  EXPECT_EQ(index.sizes(), expected.sizes());
}

TEST(Index, TheVersionGrowsWithChangesAlone) {
  Index index;
  const Pod pod = MakePod("1", "shop", kCart, {"a"});
  index.Put(pod);
  std::uint64_t version = index.version();
  const auto changed = [&] { return std::exchange(version, index.version()) != version; };
  index.Put(pod);
  index.Remove("2");
  index.KeepOnly({"1"});
  EXPECT_FALSE(changed());
  index.SetParent("shop", kCart, Owned("Rollout", "cart"));
  EXPECT_TRUE(changed());
  index.SetParent("shop", kCart, Owned("Rollout", "cart"));
  EXPECT_FALSE(changed());
  index.Put(MakePod("1", "shop", kCart, {"b"}));
  EXPECT_TRUE(changed());
  index.KeepOnly({});
  EXPECT_TRUE(changed());
}

}  // namespace
}  // namespace scan
