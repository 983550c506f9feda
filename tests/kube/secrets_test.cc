#include "kube/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kube/kube_world.h"

namespace kube {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = ApiError::Kind;

constexpr const char* kPath = "/api/v1/namespaces/acr/secrets/acr-admission-tls";

Secret NewSecret() {
  Secret secret;
  secret.namespace_name = "acr";
  secret.name = "acr-admission-tls";
  secret.data = {{"tls.key", std::string("\0key\xff", 5)}, {"empty", ""}};
  return secret;
}

ApiResult<Secret> Get(KubeWorld& world) { return GetSecret(world.api, "acr", "acr-admission-tls", kDeadline); }

TEST(Secrets, WhatIsWrittenIsRead) {
  KubeWorld world;
  const auto made = CreateSecret(world.api, NewSecret(), kDeadline);
  ASSERT_TRUE(made) << made.error().ToString();
  const auto read = Get(world);
  ASSERT_TRUE(read) << read.error().ToString();
  EXPECT_EQ(read->data, NewSecret().data);
  EXPECT_EQ(read->type, "Opaque");
  EXPECT_EQ(read->ResourceVersion(), made->ResourceVersion());
  EXPECT_NE(read->ResourceVersion(), "");
  EXPECT_EQ((*world.kubernetes.Find(kPath))["data"]["tls.key"], "AGtlef8=");
}

TEST(Secrets, OfTwoReplicasOneWins) {
  KubeWorld world;
  ASSERT_TRUE(CreateSecret(world.api, NewSecret(), kDeadline));
  EXPECT_EQ(CreateSecret(world.api, NewSecret(), kDeadline).error().kind, Kind::kAlreadyExists);
  Secret first = *Get(world);
  Secret second = first;
  first.data["tls.key"] = "first";
  second.data["tls.key"] = "second";
  const auto won = UpdateSecret(world.api, first, kDeadline);
  ASSERT_TRUE(won) << won.error().ToString();
  EXPECT_NE(won->ResourceVersion(), second.ResourceVersion());
  EXPECT_EQ(UpdateSecret(world.api, second, kDeadline).error().kind, Kind::kConflict);
  EXPECT_EQ(Get(world)->data.at("tls.key"), "first");
}

TEST(Secrets, AnUpdateKeepsWhatOthersPutThere) {
  KubeWorld world;
  world.kubernetes.Put(kPath, {{"apiVersion", "v1"},
                               {"kind", "Secret"},
                               {"type", "kubernetes.io/tls"},
                               {"metadata", {{"labels", {{"app.kubernetes.io/managed-by", "Helm"}}}}}});
  auto secret = Get(world);
  ASSERT_TRUE(secret) << secret.error().ToString();
  EXPECT_TRUE(secret->data.empty());
  secret->data["tls.crt"] = "x";
  ASSERT_TRUE(UpdateSecret(world.api, *secret, kDeadline));
  const json stored = *world.kubernetes.Find(kPath);
  EXPECT_EQ(stored["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm");
  EXPECT_EQ(stored["type"], "kubernetes.io/tls");
}

TEST(Secrets, OneThatWasDeletedCanBeMadeAgain) {
  KubeWorld world;
  ASSERT_TRUE(CreateSecret(world.api, NewSecret(), kDeadline));
  Secret known = *Get(world);
  world.kubernetes.Remove(kPath);
  EXPECT_EQ(UpdateSecret(world.api, known, kDeadline).error().kind, Kind::kNotFound);
  EXPECT_TRUE(CreateSecret(world.api, known, kDeadline));
}

TEST(Secrets, DataThatAreNoneAreAnErrorWithoutThem) {
  KubeWorld world;
  for (const json& data : {json{{"k", "h-ush"}}, json{{"k", 7}}, json("hush"), json::array({"hush"})}) {
    world.kubernetes.Put(kPath, {{"kind", "Secret"}, {"data", data}});
    const auto read = Get(world);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, Kind::kUnavailable);
    EXPECT_THAT(read.error().ToString(), HasSubstr("acr-admission-tls"));
    EXPECT_THAT(read.error().ToString(), Not(HasSubstr("ush")));
  }
}

}  // namespace
}  // namespace kube
