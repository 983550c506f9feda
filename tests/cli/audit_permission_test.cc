#include "cli/audit_permission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/cluster_world.h"

namespace cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = webhook::Authorization::Kind;

class AuditPermissionTest : public testing::Test {
 protected:
  AuditPermissionTest() {
    world_.kubernetes.AddUser("jane-token", {{"username", "jane"}, {"uid", "1"}, {"groups", {"devs"}}}, {"https://kubernetes.default.svc"});
    world_.kubernetes.Grant("jane", "list decisions in shop");
  }

  ClusterWorld world_;
  kube::Authorizer authorizer_{world_.cluster->api(), world_.clock};
  const webhook::Authorize authorize_ = AuditPermission(authorizer_, *world_.cluster);
};

TEST_F(AuditPermissionTest, IsWhatKubernetesSaysOfTheResource) {
  const auto allowed = authorize_("jane-token", "list", "shop");
  EXPECT_EQ(allowed.kind, Kind::kAllowed) << allowed.reason;
  EXPECT_EQ(allowed.user, "jane");
  for (const auto& [verb, where] : {std::pair{"get", "shop"}, {"list", "billing"}, {"list", ""}}) {
    const auto refused = authorize_("jane-token", verb, where);
    EXPECT_EQ(refused.kind, Kind::kForbidden) << verb << where;
    EXPECT_EQ(refused.user, "jane");
  }
  EXPECT_EQ(authorize_("another", "list", "shop").kind, Kind::kUnauthenticated);
}

TEST_F(AuditPermissionTest, StrangersAreTurnedAwayWhenTheyAreTooMany) {
  for (int i = 0; i < kube::kStrangerBurst; ++i) {
    authorize_("token" + std::to_string(i), "list", "shop");
  }
  EXPECT_EQ(authorize_("one-more", "list", "shop").kind, Kind::kTooMany);
}

TEST_F(AuditPermissionTest, WhatTheApiServerDoesNotTellIsCounted) {
  EXPECT_EQ(world_.Failures("audit_api"), 0u);
  world_.kubernetes.Forbid("create", "tokenreviews");
  const auto unknown = authorize_("jane-token", "list", "shop");
  EXPECT_EQ(unknown.kind, Kind::kUnknown);
  EXPECT_THAT(unknown.reason, Not(HasSubstr("jane-token")));
  EXPECT_EQ(world_.Failures("audit_api"), 1u);
}

}  // namespace
}  // namespace cli
