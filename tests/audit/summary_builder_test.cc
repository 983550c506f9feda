#include "audit/summary_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/audit/sample_records.h"

namespace audit {
namespace {

using support::At;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> Values(const std::vector<Summary::Value>& values) {
  std::vector<std::string> texts;
  for (const Summary::Value& value : values) {
    texts.push_back(value.value + " " + std::to_string(value.counts.warned) + " " + std::to_string(value.counts.denied));
  }
  return texts;
}

TEST(SummaryBuilder, MostDeniedComesFirstThenMostWarned) {
  SummaryBuilder builder;
  builder.AddValue(Dimension::kUser, "b", {.denied = 2});
  builder.AddValue(Dimension::kUser, "a", {.denied = 2});
  builder.AddValue(Dimension::kUser, "c", {.warned = 1, .denied = 2});
  builder.AddValue(Dimension::kUser, "d", {.warned = 9});
  builder.AddValue(Dimension::kUser, "e", {.denied = 3});
  EXPECT_THAT(Values(std::move(builder).Build().by_user), ElementsAre("e 0 3", "c 1 2", "a 0 2", "b 0 2", "d 9 0"));
}

TEST(SummaryBuilder, WhatWasAllowedCountsInHoursAlone) {
  SummaryBuilder builder;
  builder.AddRow(At("2026-11-23T12:59:59.999999Z"), "Allowed", "shop", "anna", "");
  builder.AddRow(At("2026-11-23T12:00:00Z"), "Denied", "", "anna", support::SampleRecord().Make().json);
  const Summary summary = std::move(builder).Build();
  ASSERT_THAT(summary.hours, SizeIs(1));
  EXPECT_EQ(summary.hours[0].begin, At("2026-11-23T12:00:00Z"));
  EXPECT_EQ(summary.hours[0].counts.allowed, 1);
  EXPECT_EQ(summary.hours[0].counts.denied, 1);
  EXPECT_THAT(Values(summary.by_user), ElementsAre("anna 0 1"));
  EXPECT_THAT(summary.by_namespace, IsEmpty()) << "it was in none";
  EXPECT_THAT(Values(summary.by_registry), ElementsAre("contoso.azurecr.io 0 1"));
}

TEST(SummaryBuilder, WhatIsBeyondTheBoundIsCountedTogetherAndLast) {
  SummaryBuilder builder;
  const auto most = static_cast<std::int64_t>(kMaxSummaryValues);
  for (std::int64_t i = 0; i < most + 5; ++i) {
    builder.AddValue(Dimension::kRegistry, std::to_string(i), {.denied = 10 + i});
  }
  builder.AddValue(Dimension::kRegistry, kOtherValues, {.denied = 7});
  const Summary summary = std::move(builder).Build();
  ASSERT_THAT(summary.by_registry, SizeIs(most + 1));
  EXPECT_EQ(summary.by_registry.front().counts.denied, 10 + most + 4);
  EXPECT_EQ(summary.by_registry.back().value, kOtherValues);
  EXPECT_EQ(summary.by_registry.back().counts.denied, 7 + 10 + 11 + 12 + 13 + 14);
}

TEST(SummaryBuilder, AddsSummariesUp) {
  Summary one;
  one.hours = {{At("2026-11-23T12:00:00Z"), {.allowed = 1, .denied = 2}}};
  one.by_requirement = {{"private-link", {.denied = 2}}};
  one.incomplete = {{"replica-2", "away"}};
  Summary other = one;
  other.hours.push_back({At("2026-11-23T14:00:00Z"), {.warned = 1}});
  other.by_requirement.push_back({"customer-managed-key", {.warned = 1}});
  other.incomplete.clear();
  SummaryBuilder builder;
  builder.Add(one);
  builder.Add(other);
  const Summary sum = std::move(builder).Build();
  ASSERT_THAT(sum.hours, SizeIs(2));
  EXPECT_EQ(sum.hours[0].counts.allowed, 2);
  EXPECT_EQ(sum.hours[0].counts.denied, 4);
  EXPECT_EQ(sum.hours[1].counts.warned, 1);
  EXPECT_THAT(Values(sum.by_requirement), ElementsAre("private-link 0 4", "customer-managed-key 1 0"));
  EXPECT_THAT(sum.incomplete, SizeIs(1));
}

}  // namespace
}  // namespace audit
