// What the fake must have right for the tests that trust it, by the documentation of server-side apply.
#include "tests/support/fake_kubernetes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"
#include "tests/support/managed_fields.h"

namespace support {
namespace {

using nlohmann::json;
using ::testing::SizeIs;

json Bundle(const std::string& value) { return {{"webhooks", {{{"name", "a"}, {"clientConfig", {{"caBundle", value}}}}}}}; }
json Chart(const std::string& policy) { return {{"webhooks", {{{"name", "a"}, {"failurePolicy", policy}}}}}; }

TEST(ManagedFields, ApplyingAnothersManifestAgainKeepsOnesOwnField) {
  ManagedFields fields;
  json live = fields.Apply(json(), Chart("Ignore"), "helm", false).object;
  live = fields.Apply(live, Bundle("CA"), "certs", false).object;
  live = fields.Apply(live, Chart("Fail"), "helm", false).object;
  EXPECT_EQ(live, (json{{"webhooks", {{{"name", "a"}, {"clientConfig", {{"caBundle", "CA"}}}, {"failurePolicy", "Fail"}}}}}));
}

TEST(ManagedFields, WhatAManagerLeavesOutGoesUnlessAnotherOwnsIt) {
  ManagedFields fields;
  json live = fields.Apply(json(), Chart("Ignore"), "helm", false).object;
  live = fields.Apply(live, Bundle("CA"), "certs", false).object;
  live = fields.Apply(live, {{"webhooks", json::array()}}, "helm", true).object;
  EXPECT_EQ(live, Bundle("CA"));  // the entry lives on with nothing but our field: entry names are for ever
  live = fields.Apply(live, json::object(), "certs", false).object;
  EXPECT_EQ(live, json::object());
}

TEST(ManagedFields, ForceTakesAFieldAway) {
  ManagedFields fields;
  json live = fields.Apply(json(), Bundle("one"), "a", false).object;
  EXPECT_THAT(fields.Apply(live, Bundle("two"), "b", false).conflicts, SizeIs(1));
  live = fields.Apply(live, Bundle("two"), "b", true).object;
  EXPECT_EQ(live, Bundle("two"));
  EXPECT_THAT(fields.Apply(live, Bundle("one"), "a", false).conflicts, SizeIs(1));
}

TEST(ManagedFields, WritesOfOtherKindsOwnWhatTheyChange) {
  ManagedFields fields;
  fields.Write(json(), Bundle("one"), "kubectl");
  EXPECT_THAT(fields.Apply(Bundle("one"), Bundle("two"), "certs", false).conflicts, SizeIs(1));
  EXPECT_THAT(fields.Apply(Bundle("one"), Bundle("one"), "certs", false).conflicts, SizeIs(0));
  fields.Write(Bundle("one"), Bundle(""), "kubectl");
  EXPECT_THAT(fields.Apply(Bundle(""), Bundle("one"), "certs", false).conflicts, SizeIs(1));
}

TEST(FakeKubernetes, AWriteThatChangesNothingKeepsTheVersion) {
  kube::KubeWorld world;
  const kube::Collection in = {"", "v1", "configmaps", "acr"};
  const json object = {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "a"}}}};
  const auto made = world.api.Create(in, object, kube::kDeadline);
  ASSERT_TRUE(made) << made.error().ToString();
  EXPECT_EQ(world.api.Update(in, *made, kube::kDeadline).value(), *made);
}

}  // namespace
}  // namespace support
