#include "scan/pod.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "webhook/review_decoder.h"

namespace scan {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json CartPod() {
  return json::parse(R"({
    "metadata": {"name": "cart-7d9f8c6b5d-x2x9q", "namespace": "shop", "uid": "u-1", "ownerReferences": [
      {"kind": "Other", "name": "o", "uid": "u-0"},
      {"kind": "ReplicaSet", "name": "cart-7d9f8c6b5d", "uid": "u-2", "controller": true}]},
    "spec": {
      "initContainers": [{"name": "wait", "image": "busybox"}],
      "containers": [{"name": "cart", "image": "contoso.azurecr.io/shop/cart:1"}, {"name": "noimage"}],
      "ephemeralContainers": [{"name": "debug", "image": "contoso.azurecr.io/debug"}],
      "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "model", "image": {"reference": "contoso.azurecr.io/model:2"}}]},
    "status": {"phase": "Running"}})");
}

TEST(Pod, IsReadWithAllItsImagesAndItsController) {
  const Pod pod = ReadPod(CartPod());
  EXPECT_EQ(pod.uid, "u-1");
  EXPECT_EQ(pod.namespace_name, "shop");
  EXPECT_EQ(pod.name, "cart-7d9f8c6b5d-x2x9q");
  EXPECT_EQ(pod.owner, (OwnerReference{"ReplicaSet", "cart-7d9f8c6b5d", "u-2"}));
  EXPECT_THAT(pod.images, ElementsAre(PodImage{"busybox", "wait", ImageList::kInitContainers, 0},
                                      PodImage{"contoso.azurecr.io/shop/cart:1", "cart", ImageList::kContainers, 0},
                                      PodImage{"", "noimage", ImageList::kContainers, 1},
                                      PodImage{"contoso.azurecr.io/debug", "debug", ImageList::kEphemeralContainers, 0},
                                      PodImage{"contoso.azurecr.io/model:2", "model", ImageList::kVolumes, 1}));
  EXPECT_FALSE(pod.finished);
  EXPECT_FALSE(pod.mirror);
  EXPECT_EQ(pod.problem, "");
  EXPECT_EQ(FieldOf(ImageList::kVolumes, 1).ToString(), "spec.volumes[1].image.reference");
}

TEST(Pod, HasFinishedBySucceededAndFailedAlone) {
  for (const auto& [phase, finished] : std::vector<std::pair<const char*, bool>>{
           {"Pending", false}, {"Running", false}, {"Unknown", false}, {"Succeeded", true}, {"Failed", true}}) {
    json object = CartPod();
    object["status"]["phase"] = phase;
    EXPECT_EQ(ReadPod(object).finished, finished) << phase;
  }
  json object = CartPod();
  object.erase("status");
  EXPECT_FALSE(ReadPod(object).finished);
}

TEST(Pod, IsAMirrorWhereItsNodeOwnsIt) {
  json object = CartPod();
  object["metadata"]["annotations"] = {{"kubernetes.io/config.mirror", "hash"}};
  EXPECT_FALSE(ReadPod(object).mirror) << "anybody can write an annotation";
  object["metadata"]["ownerReferences"] = {{{"kind", "Node"}, {"name", "n1"}, {"uid", "n"}, {"controller", true}}};
  EXPECT_TRUE(ReadPod(object).mirror);
  object["metadata"].erase("annotations");
  EXPECT_FALSE(ReadPod(object).mirror);
}

TEST(Pod, OfAnotherShapeSaysWhatIsWrong) {
  EXPECT_EQ(ReadPod(json::array()).problem, "spec: expected an object");
  const auto problem_of = [](const char* member, const json& value) {
    json object = CartPod();
    object["spec"][member] = value;
    return ReadPod(object).problem;
  };
  EXPECT_EQ(problem_of("containers", nullptr), "spec.containers: expected an array");
  EXPECT_EQ(problem_of("initContainers", "x"), "spec.initContainers: expected an array");
  EXPECT_EQ(problem_of("initContainers", nullptr), "");
  EXPECT_EQ(problem_of("containers", {1}), "spec.containers[0]: expected an object");
  EXPECT_EQ(problem_of("containers", {{{"image", 7}}}), "spec.containers[0].image: expected a string");
  EXPECT_EQ(problem_of("volumes", {{{"image", 7}}}), "spec.volumes[0].image: expected an object");
}

// What the webhook would be asked about such a pod.
std::vector<std::string> SeenByTheWebhook(const json& object, std::string& problem) {
  const json review = {{"apiVersion", "admission.k8s.io/v1"},
                       {"kind", "AdmissionReview"},
                       {"request",
                        {{"uid", "r"},
                         {"operation", "CREATE"},
                         {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
                         {"namespace", "shop"},
                         {"object", object}}}};
  std::string body = review.dump();
  webhook::ReviewDecoder decoder;
  const auto admission = decoder.Decode(body);
  EXPECT_TRUE(admission) << admission.error().ToString();
  std::vector<std::string> seen;
  if (admission) {
    problem = admission->problem;
    for (const policy::ImageUse& use : admission->images) {
      seen.push_back(std::string(use.container) + " " + use.field.ToString() + " " + std::string(use.image));
    }
  }
  return seen;
}

TEST(Pod, HasTheImagesAndProblemsThatTheWebhookSees) {
  std::vector<json> objects = {CartPod()};
  for (const char* member : {"initContainers", "containers", "ephemeralContainers", "volumes"}) {
    for (const char* value :
         {"null", "7", "[]", "[7]", R"([{"name": "a", "image": 7}])", R"([{"name": "a"}])", R"([{"image": {"reference": 7}}])",
          R"([{"image": {}}])", R"([{"name": "a", "image": "b"}])", R"([{"name": "a", "image": null}])"}) {
      objects.push_back(CartPod());
      objects.back()["spec"][member] = json::parse(value);
    }
  }
  for (const json& object : objects) {
    std::string problem;
    const std::vector<std::string> seen = SeenByTheWebhook(object, problem);
    const Pod pod = ReadPod(object);
    std::vector<std::string> read;
    for (const PodImage& image : pod.images) {
      read.push_back(image.container + " " + FieldOf(image.list, image.index).ToString() + " " + image.image);
    }
    EXPECT_EQ(read, seen) << object["spec"].dump();
    EXPECT_EQ(pod.problem, problem) << object["spec"].dump();
  }
}

}  // namespace
}  // namespace scan
