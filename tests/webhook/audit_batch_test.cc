#include "webhook/audit_batch.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AuditBatchTest : public ::testing::Test {
 protected:
  AuditBatch Batch(bool refuse) {
    return AuditBatch(
        [this](std::span<const audit::Record> records) -> base::Result<void> {
          happened.push_back("commit " + Uids(records));
          if (full) {
            return base::Fail(base::ErrorCode::kUnavailable, "database or disk is full");
          }
          return {};
        },
        [this](std::span<const audit::Record> records) { happened.push_back("lost " + Uids(records)); }, refuse, clock, metrics.AddShard());
  }

  bool Add(AuditBatch& batch, const std::string& uid) {
    Outcome outcome{200, "decided", audit::Record{}};
    outcome.record->uid = uid;
    return batch.Add(std::move(outcome),
                     [this, uid](Outcome answer) { happened.push_back("answer " + uid + " " + std::to_string(answer.status)); });
  }

  static std::string Uids(std::span<const audit::Record> records) {
    std::string uids;
    for (const auto& record : records) {
      uids += record.uid;
    }
    return uids;
  }

  support::FakeClock clock;
  Metrics metrics{""};
  bool full = false;
  std::vector<std::string> happened;
};

TEST_F(AuditBatchTest, CommitsOnceAndBeforeAnyAnswer) {
  AuditBatch batch = Batch(/*refuse=*/false);
  EXPECT_TRUE(Add(batch, "a"));
  EXPECT_FALSE(Add(batch, "b"));
  EXPECT_TRUE(happened.empty());
  batch.Flush();
  EXPECT_THAT(happened, ElementsAre("commit ab", "answer a 200", "answer b 200"));
  EXPECT_TRUE(Add(batch, "c"));
  batch.Flush();
  EXPECT_EQ(happened[3], "commit c");
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_audit_records_total 3\n"));
}

TEST_F(AuditBatchTest, WhatCannotBeCommittedIsHandedOnAndAnsweredAsDecided) {
  AuditBatch batch = Batch(/*refuse=*/false);
  full = true;
  Add(batch, "a");
  batch.Flush();
  EXPECT_THAT(happened, ElementsAre("commit a", "lost a", "answer a 200"));
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_audit_commit_failures_total 1\n"));
}

TEST_F(AuditBatchTest, OrRefusedByA500) {
  AuditBatch batch = Batch(/*refuse=*/true);
  full = true;
  Add(batch, "a");
  batch.Flush();
  EXPECT_THAT(happened, ElementsAre("commit a", "lost a", "answer a 500"));
  EXPECT_THAT(metrics.Expose(), HasSubstr("acr_admission_refused_requests_total{reason=\"audit_failure\"} 1\n"));
}

TEST_F(AuditBatchTest, AnAnswerMayBeginTheNextBatch) {
  AuditBatch batch = Batch(/*refuse=*/false);
  bool first = false;
  batch.Add({200, "", audit::Record{}}, [&](Outcome) { first = Add(batch, "next"); });
  batch.Flush();
  EXPECT_TRUE(first);
  batch.Flush();
  EXPECT_THAT(happened, ElementsAre("commit ", "commit next", "answer next 200"));
}

}  // namespace
}  // namespace webhook
