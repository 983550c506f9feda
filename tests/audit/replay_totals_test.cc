#include "audit/replay_totals.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/reader.h"

namespace audit {
namespace {

using policy::DecisionKind;
using ::testing::SizeIs;

class ReplayTotalsTest : public ::testing::Test {
 protected:
  void Add(DecisionKind before, DecisionKind after, Certainty certainty = Certainty::kExact) {
    recorded_.admission.namespace_name = namespace_;
    recorded_.admission.kind = "Deployment";
    recorded_.admission.name = workload_;
    uid_ = "u" + std::to_string(totals_.admissions());
    recorded_.admission.uid = uid_;
    recorded_.time += std::chrono::seconds(1);
    Replayed replayed;
    replayed.certainty = certainty;
    replayed.before = before;
    replayed.after = after;
    replayed.at_least = certainty == Certainty::kExact ? after : DecisionKind::kAllowed;
    replayed.at_most = certainty == Certainty::kExact ? after : DecisionKind::kDenied;
    replayed.missing = certainty == Certainty::kExact ? std::vector<std::string>() : std::vector<std::string>{"something"};
    if (after != before || certainty == Certainty::kUntold) {
      replayed.causes = causes_;
    }
    totals_.Add(recorded_, replayed);
  }

  RecordedAdmission recorded_;
  ReplayTotals totals_;
  std::string namespace_ = "shop";
  std::string workload_ = "cart";
  std::string uid_;
  std::vector<Cause> causes_ = {{"contoso.azurecr.io", "private-link"}};
};

TEST_F(ReplayTotalsTest, CountsEachChangeForWhatItIs) {
  using enum DecisionKind;
  Add(kAllowed, kAllowed);
  Add(kDenied, kDenied);
  Add(kAllowed, kDenied);
  Add(kWarned, kDenied);
  Add(kAllowed, kWarned);
  Add(kDenied, kWarned);
  Add(kDenied, kAllowed);
  Add(kWarned, kAllowed);
  Add(kAllowed, kDenied, Certainty::kUntold);
  Add(kAllowed, kDenied, Certainty::kEstimated);
  const ReplayChanges& changes = totals_.changes();
  EXPECT_EQ(totals_.admissions(), 10);
  EXPECT_EQ(totals_.same(), 2);
  EXPECT_EQ(changes.denied, 3);
  EXPECT_EQ(changes.warned, 1);
  EXPECT_EQ(changes.no_longer_denied, 2);
  EXPECT_EQ(changes.no_longer_warned, 1);
  EXPECT_EQ(changes.untold, 1);
  EXPECT_EQ(totals_.perhaps_denied(), 1);
  EXPECT_EQ(totals_.estimated(), 1);
  EXPECT_EQ(totals_.allowed_before(), 5);
  ASSERT_THAT(totals_.ByRegistry(), SizeIs(1));
  EXPECT_EQ(totals_.ByRegistry()[0].value, "contoso.azurecr.io");
  EXPECT_EQ(totals_.ByRegistry()[0].changes.sum(), 8);
  ASSERT_THAT(totals_.WhatIsMissing(), SizeIs(1));
  EXPECT_EQ(totals_.WhatIsMissing()[0].count, 2);
}

TEST_F(ReplayTotalsTest, ADenialThatPerhapsEndsIsNoPerhapsDenied) {
  Add(DecisionKind::kDenied, DecisionKind::kDenied, Certainty::kUntold);
  EXPECT_EQ(totals_.changes().untold, 1);
  EXPECT_EQ(totals_.perhaps_denied(), 0);
}

TEST_F(ReplayTotalsTest, OneWorkloadsAdmissionsAreOneGroup) {
  Add(DecisionKind::kAllowed, DecisionKind::kDenied);
  Add(DecisionKind::kAllowed, DecisionKind::kDenied);
  Add(DecisionKind::kWarned, DecisionKind::kDenied);
  workload_ = "other";
  Add(DecisionKind::kAllowed, DecisionKind::kDenied);
  const auto groups = totals_.Groups();
  ASSERT_THAT(groups, SizeIs(3));
  EXPECT_EQ(groups[0].workload, "Deployment/cart");
  EXPECT_EQ(groups[0].count, 2);
  EXPECT_EQ(groups[0].last_uid, "u1");
  EXPECT_EQ(groups[0].requirement, "private-link");
}

TEST_F(ReplayTotalsTest, AnAdmissionWithTwoReasonsCountsOnceByRegistryAndIsInTwoGroups) {
  causes_ = {{"contoso.azurecr.io", "private-link"}, {"contoso.azurecr.io", "premium-sku"}};
  Add(DecisionKind::kAllowed, DecisionKind::kDenied);
  EXPECT_EQ(totals_.ByRegistry()[0].changes.denied, 1);
  EXPECT_EQ(totals_.ByNamespace()[0].changes.denied, 1);
  EXPECT_THAT(totals_.Groups(), SizeIs(2));
}

TEST_F(ReplayTotalsTest, WhatWouldBeDeniedComesFirstWhateverIsMore) {
  for (int i = 0; i < 5; ++i) {
    Add(DecisionKind::kDenied, DecisionKind::kAllowed);
  }
  namespace_ = "pay";
  Add(DecisionKind::kAllowed, DecisionKind::kDenied);
  EXPECT_EQ(totals_.ByNamespace()[0].value, "pay");
  EXPECT_EQ(totals_.Groups()[0].namespace_name, "pay");
}

TEST_F(ReplayTotalsTest, MemoryEndsWhateverNamesClientsChoose) {
  for (int i = 0; i < 10'100; ++i) {
    namespace_ = "n" + std::to_string(i);
    causes_ = {{"r" + std::to_string(i), "private-link"}};
    Add(DecisionKind::kAllowed, DecisionKind::kDenied);
  }
  EXPECT_EQ(totals_.changes().denied, 10'100);
  for (const auto& values : {totals_.ByNamespace(), totals_.ByRegistry()}) {
    ASSERT_THAT(values, SizeIs(10'001));
    EXPECT_EQ(values[0].value, kOtherValues);
    EXPECT_EQ(values[0].changes.denied, 100);
  }
  ASSERT_THAT(totals_.Groups(), SizeIs(10'001));
  EXPECT_EQ(totals_.Groups()[0].count, 100);
  EXPECT_EQ(totals_.Groups()[0].workload, kOtherValues);
}

}  // namespace
}  // namespace audit
