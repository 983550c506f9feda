#include "policy/workload_name.h"

#include <gtest/gtest.h>

namespace policy {
namespace {

std::string NameOf(std::string_view kind, std::string_view name, std::string_view owner_kind = {}, std::string_view owner_name = {}) {
  Admission admission;
  admission.kind = kind;
  admission.name = name;
  admission.owner_kind = owner_kind;
  admission.owner_name = owner_name;
  return WorkloadName(admission);
}

TEST(WorkloadName, IsTheSameFromTheDeploymentDownToItsPods) {
  EXPECT_EQ(NameOf("Deployment", "cart"), "Deployment/cart");
  EXPECT_EQ(NameOf("ReplicaSet", "cart-7d9f8c6b5d", "Deployment", "cart"), "Deployment/cart");
  EXPECT_EQ(NameOf("Pod", "cart-7d9f8c6b5d-", "ReplicaSet", "cart-7d9f8c6b5d"), "Deployment/cart") << "by its generateName";
  EXPECT_EQ(NameOf("Pod", "cart-7d9f8c6b5d-x2x9q", "ReplicaSet", "cart-7d9f8c6b5d"), "Deployment/cart");
}

TEST(WorkloadName, IsTheCronJobOfAJob) {
  EXPECT_EQ(NameOf("Job", "backup-29012345", "CronJob", "backup"), "CronJob/backup");
  EXPECT_EQ(NameOf("Pod", "backup-29012345-", "Job", "backup-29012345"), "CronJob/backup");
  EXPECT_EQ(NameOf("Pod", "once-", "Job", "once"), "Job/once");
}

TEST(WorkloadName, TakesNothingFromNamesThatPeopleGave) {
  EXPECT_EQ(NameOf("Pod", "a-", "ReplicaSet", "cart-production"), "ReplicaSet/cart-production");
  EXPECT_EQ(NameOf("Pod", "a-", "ReplicaSet", "cart-v2"), "ReplicaSet/cart-v2");
  EXPECT_EQ(NameOf("Pod", "a-", "ReplicaSet", "cart"), "ReplicaSet/cart");
  EXPECT_EQ(NameOf("Pod", "web-0", "StatefulSet", "web"), "StatefulSet/web");
  EXPECT_EQ(NameOf("Pod", "report-2026"), "Pod/report-2026");
  EXPECT_EQ(NameOf("Pod", "debug-"), "Pod/debug");
}

TEST(WorkloadName, OfAStaticPodIsItsOwn) { EXPECT_EQ(NameOf("Pod", "etcd-n1", "Node", "n1"), "Pod/etcd-n1"); }

}  // namespace
}  // namespace policy
