#include "kube/config_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"

namespace kube {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using Kind = ApiError::Kind;

constexpr const char* kPath = "/api/v1/namespaces/acr/configmaps/last-good";

ConfigMap NewConfigMap() {
  ConfigMap config_map;
  config_map.namespace_name = "acr";
  config_map.name = "last-good";
  config_map.data = {{"policy.yaml", "a: b\n"}, {"empty", ""}};
  return config_map;
}

ApiResult<ConfigMap> Get(KubeWorld& world) { return GetConfigMap(world.api, "acr", "last-good", kDeadline); }

TEST(ConfigMaps, WhatIsWrittenIsRead) {
  KubeWorld world;
  const auto made = CreateConfigMap(world.api, NewConfigMap(), kDeadline);
  ASSERT_TRUE(made) << made.error().ToString();
  const auto read = Get(world);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->data, NewConfigMap().data);
  EXPECT_EQ((*world.kubernetes.Find(kPath))["data"]["policy.yaml"], "a: b\n");
  EXPECT_EQ(CreateConfigMap(world.api, NewConfigMap(), kDeadline).error().kind, Kind::kAlreadyExists);
}

TEST(ConfigMaps, AnUpdateKeepsWhatOthersRelyOn) {
  KubeWorld world;
  world.kubernetes.Put(kPath, json::parse(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"last-good","namespace":"acr",
    "labels":{"helm.sh/chart":"x"}},"binaryData":{"b":"AA=="}})"));
  auto read = Get(world);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_TRUE(read->data.empty());
  read->data["policy.yaml"] = "c: d\n";
  ASSERT_TRUE(UpdateConfigMap(world.api, *read, kDeadline));
  const json stored = *world.kubernetes.Find(kPath);
  EXPECT_EQ(stored["metadata"]["labels"]["helm.sh/chart"], "x");
  EXPECT_EQ(stored["binaryData"]["b"], "AA==");
  EXPECT_EQ(stored["data"]["policy.yaml"], "c: d\n");
}

TEST(ConfigMaps, TheSecondOfTwoWritersLoses) {
  KubeWorld world;
  ASSERT_TRUE(CreateConfigMap(world.api, NewConfigMap(), kDeadline));
  auto first = Get(world);
  auto second = Get(world);
  first->data["policy.yaml"] = "1";
  second->data["policy.yaml"] = "2";
  EXPECT_TRUE(UpdateConfigMap(world.api, *first, kDeadline));
  EXPECT_EQ(UpdateConfigMap(world.api, *second, kDeadline).error().kind, Kind::kConflict);
}

TEST(ConfigMaps, OneThatWasDeletedIsMadeAgainFromWhatWasRead) {
  KubeWorld world;
  ASSERT_TRUE(CreateConfigMap(world.api, NewConfigMap(), kDeadline));
  const auto read = Get(world);
  world.kubernetes.Remove(kPath);
  EXPECT_EQ(Get(world).error().kind, Kind::kNotFound);
  EXPECT_TRUE(CreateConfigMap(world.api, *read, kDeadline));
}

TEST(ConfigMaps, DataThatAreNoTextsAreNone) {
  KubeWorld world;
  http::Response answer;
  answer.status = 200;
  answer.headers = {{"Content-Type", "application/json"}};
  answer.body = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{},"data":{"policy.yaml":3}})";
  world.kubernetes.Fail([](const support::KubernetesCall&) { return true; }, answer);
  EXPECT_THAT(Get(world).error().ToString(), HasSubstr("data.policy.yaml is no text"));
}

}  // namespace
}  // namespace kube
