#include "audit/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "audit/open_for_reading.h"
#include "audit/schema.h"
#include "audit/store.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using support::At;
using support::SampleRecord;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PlanTest : public testing::Test {
 protected:
  void Commit(const SampleRecord& sample, int count = 1) {
    const std::vector<Record> records(static_cast<std::size_t>(count), sample.Make());
    ASSERT_TRUE(store_->Commit(records));
  }

  Plan PlanOf(const Filter& filter) {
    const auto plan = PlanFor(connection_, filter, {}, kSchemaVersion);
    EXPECT_TRUE(plan) << plan.error().message;
    return plan.value_or(Plan());
  }

  // What SQLite does to answer, a step a line.
  std::string StepsOf(const Filter& filter) {
    const Plan plan = PlanOf(filter);
    Selection selection = Select("d.id, d.time", filter, plan.way, plan.ids);
    OrderAndLimit(selection, Order::kNewestFirst, 10);
    selection.sql = "EXPLAIN QUERY PLAN " + selection.sql;
    auto statement = Prepare(connection_, selection);
    EXPECT_TRUE(statement) << statement.error().message;
    std::string steps;
    while (statement->Step().value()) {
      steps.append(statement->Text(3)).append("\n");
    }
    return steps;
  }

  support::FakeClock clock_;
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<Store> store_ = support::OpenStore({.database = database_}, clock_);
  sqlite::Connection connection_ = OpenForReading(database_, Versions::kNewestOnly).value();
};

// Rows in the order of an index need no sorting.
TEST_F(PlanTest, WhatIsAskedOfDenialsAndWarningsIsAnIndexSearch) {
  const auto searches = [&](const Filter& filter, const std::string& search) {
    EXPECT_THAT(StepsOf(filter), AllOf(HasSubstr(search), Not(HasSubstr("SCAN")), Not(HasSubstr("TEMP B-TREE"))));
  };
  for (const char* decision : {"Denied", "Warned"}) {
    searches({.decision = decision}, "SEARCH d USING INDEX decision_not_allowed (decision=? AND rowid>? AND rowid<?)");
    searches({.namespace_name = "shop", .decision = decision},
             "SEARCH d USING INDEX decision_by_namespace (decision=? AND namespace=? AND rowid>? AND rowid<?)");
    searches({.namespace_name = "shop*", .decision = decision},
             "SEARCH decision USING COVERING INDEX decision_by_namespace (decision=? AND namespace>? AND namespace<?)");
    searches({.decision = decision, .user = "anna"},
             "SEARCH d USING INDEX decision_by_user (decision=? AND user=? AND rowid>? AND rowid<?)");
    searches({.decision = decision, .user = "anna*"},
             "SEARCH decision USING COVERING INDEX decision_by_user (decision=? AND user>? AND user<?)");
    searches({.decision = decision, .registry = "a.azurecr.io"},
             "SEARCH r USING PRIMARY KEY (decision=? AND registry=? AND id>? AND id<?)");
    searches({.decision = decision, .registry = "a*"},
             "SEARCH decision_registry USING PRIMARY KEY (decision=? AND registry>? AND registry<?)");
  }
  searches({.uid = "u"}, "SEARCH d USING INDEX decision_by_uid (uid=? AND rowid>? AND rowid<?)");
  searches({.decision = "Denied", .uid = "u"}, "SEARCH d USING INDEX decision_by_uid (uid=? AND rowid>? AND rowid<?)");
  searches({.namespace_name = "shop"}, "SEARCH d USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
}

TEST_F(PlanTest, TheFilterWithTheFewestRowsLeads) {
  Commit({.namespace_name = "busy", .user = "anna"}, 30);
  Commit({.namespace_name = "calm", .user = "anna", .registry = "rare.azurecr.io"}, 10);
  EXPECT_EQ(PlanOf({.namespace_name = "busy", .decision = "Denied", .user = "nobody"}).way, Way::kUser);
  EXPECT_EQ(PlanOf({.namespace_name = "calm", .decision = "Denied", .user = "anna"}).way, Way::kNamespace);
  EXPECT_EQ(PlanOf({.namespace_name = "busy", .decision = "Denied", .registry = "rare*"}).way, Way::kRegistry);
  EXPECT_EQ(PlanOf({.namespace_name = "*", .decision = "Denied", .user = "an*"}).way, Way::kUser);
  EXPECT_EQ(PlanOf({.namespace_name = "*", .decision = "Denied"}).way, Way::kDecision);
  EXPECT_EQ(PlanOf({.namespace_name = "busy", .decision = "Allowed"}).way, Way::kRows);
}

// Gathering them all would take longer than a walk that ends early.
TEST_F(PlanTest, ABeginningOfVeryManyRowsDoesNotLead) {
  const SampleRecord sample{.namespace_name = "busy"};
  for (int i = 0; i < 20; ++i) {
    Commit(sample, 1000);
  }
  EXPECT_EQ(PlanOf({.namespace_name = "bu*", .decision = "Denied"}).way, Way::kDecision);
  EXPECT_EQ(PlanOf({.namespace_name = "busy", .decision = "Denied"}).way, Way::kNamespace);
  EXPECT_EQ(PlanOf({.namespace_name = "bu*", .decision = "Denied", .user = "anna"}).way, Way::kUser);
}

TEST_F(PlanTest, TimesBecomeIds) {
  for (int minute = 0; minute < 60; ++minute) {
    Commit({.time = At("2026-11-23T12:00:00Z") + std::chrono::minutes(minute)});
  }
  Plan plan = PlanOf({.since = At("2026-11-23T12:20:00Z"), .until = At("2026-11-23T12:30:00Z")});
  EXPECT_EQ(plan.ids.first, 21);
  EXPECT_EQ(plan.ids.last, 31) << "a minute more, for clocks that differ";
  Commit({.time = At("2026-11-23T12:25:00Z")});  // the clock was set back
  plan = PlanOf({.since = At("2026-11-23T12:20:00Z"), .until = At("2026-11-23T12:30:00Z")});
  EXPECT_EQ(plan.ids.last, 61);
}

}  // namespace
}  // namespace audit
