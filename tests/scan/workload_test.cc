#include "scan/workload.h"

#include <gtest/gtest.h>

namespace scan {
namespace {

Workload Resolved(const OwnerReference& owner, const std::optional<OwnerReference>& parent) {
  return ResolveWorkload("shop", owner, parent);
}

TEST(Workload, IsTheOwnerOfAReplicaSetOrJob) {
  EXPECT_EQ(Resolved({"ReplicaSet", "cart-7d9f8c6b5d", "u"}, OwnerReference{"Deployment", "cart", "d"}),
            (Workload{"shop", "Deployment", "cart"}));
  EXPECT_EQ(Resolved({"ReplicaSet", "cart-7d9f8c6b5d", "u"}, OwnerReference{"Rollout", "cart", "r"}),
            (Workload{"shop", "Rollout", "cart"}));
  EXPECT_EQ(Resolved({"Job", "backup-29012345", "u"}, OwnerReference{"CronJob", "backup", "c"}), (Workload{"shop", "CronJob", "backup"}));
}

TEST(Workload, IsTheReplicaSetOrJobThatSomebodyMade) {
  EXPECT_EQ(Resolved({"ReplicaSet", "cart-7d9f8c6b5d", "u"}, OwnerReference{}), (Workload{"shop", "ReplicaSet", "cart-7d9f8c6b5d"}));
  EXPECT_EQ(Resolved({"Job", "once-20260101", "u"}, OwnerReference{}), (Workload{"shop", "Job", "once-20260101"}));
}

TEST(Workload, IsToldByTheNameWhereTheOwnerIsNotKnown) {
  EXPECT_EQ(Resolved({"ReplicaSet", "cart-7d9f8c6b5d", "u"}, std::nullopt), (Workload{"shop", "Deployment", "cart"}));
  EXPECT_EQ(Resolved({"Job", "backup-29012345", "u"}, std::nullopt), (Workload{"shop", "CronJob", "backup"}));
}

TEST(Workload, OfOtherKindsIsWhatThePodsBelongTo) {
  EXPECT_EQ(Resolved({"StatefulSet", "db", "u"}, OwnerReference{"Database", "db", "x"}), (Workload{"shop", "StatefulSet", "db"}));
  EXPECT_EQ(Resolved({"Pod", "debug-x2x9q", ""}, std::nullopt), (Workload{"shop", "Pod", "debug-x2x9q"}))
      << "a pod that runs has its whole name";
}

}  // namespace
}  // namespace scan
