#include "scan/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace scan {
namespace {

using policy::Effect;

Assessment Of(const std::vector<Effect>& effects) {
  Assessment assessment;
  for (const Effect effect : effects) {
    assessment.workloads.push_back({.workload = {"shop", "Deployment", "d"}, .pods = 1, .effect = effect, .shapes = {}});
  }
  return assessment;
}

TEST(Compare, TellsWhoIsTreatedOtherwise) {
  const std::vector<Effect> all = {Effect::kDisabled, Effect::kAudit, Effect::kWarn, Effect::kDeny};
  std::vector<Effect> before;
  std::vector<Effect> after;
  for (const Effect was : all) {
    for (const Effect is : all) {
      before.push_back(was);
      after.push_back(is);
    }
  }
  const Comparison comparison = Compare(Of(before), Of(after));
  EXPECT_EQ(comparison.newly_refused, 3);
  EXPECT_EQ(comparison.no_longer_refused, 3);
  EXPECT_EQ(comparison.newly_warned, 2);
  EXPECT_EQ(comparison.no_longer_warned, 2);
  ASSERT_EQ(comparison.changes.size(), 10U) << "all of 16 but four that are the same and two that are audited alone";
  for (const Change& change : comparison.changes) {
    EXPECT_EQ(change.before, before[change.workload]);
    EXPECT_EQ(change.after, after[change.workload]);
  }
}

}  // namespace
}  // namespace scan
