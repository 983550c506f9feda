#include "audit/summarise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "audit/hourly.h"
#include "audit/open_for_reading.h"
#include "audit/store.h"
#include "audit/summary_builder.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using policy::DecisionKind;
using support::At;
using support::SampleRecord;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

const base::Time kNoon = At("2026-11-23T12:00:00Z");

std::string TextOf(const Counts& counts) {
  return std::to_string(counts.allowed) + "/" + std::to_string(counts.warned) + "/" + std::to_string(counts.denied);
}

// A summary as text, so that two can be compared.
std::string TextOf(const Summary& summary) {
  std::string text;
  for (const Summary::Hour& hour : summary.hours) {
    text += base::FormatTimeSeconds(hour.begin) + " " + TextOf(hour.counts) + "\n";
  }
  for (const auto* values : {&summary.by_registry, &summary.by_requirement, &summary.by_namespace, &summary.by_user}) {
    for (const Summary::Value& value : *values) {
      text += value.value + " " + TextOf(value.counts) + "\n";
    }
    text += "--\n";
  }
  return text;
}

class SummariseTest : public testing::Test {
 protected:
  void Open(const StoreOptions& options) {
    store_.reset();
    store_ = support::OpenStore(options, clock_);
  }

  void Commit(const SampleRecord& sample, int count = 1) {
    const std::vector<Record> records(static_cast<std::size_t>(count), sample.Make());
    ASSERT_TRUE(store_->Commit(records));
  }

  void Maintain() {
    const auto maintained = store_->Maintain();
    ASSERT_TRUE(maintained) << maintained.error().ToString();
  }

  Summary Summarise(const Filter& filter = {}) {
    auto reader = OpenDatabaseReader(database_);
    EXPECT_TRUE(reader) << reader.error().ToString();
    auto summary = (*reader)->Summarise(filter);
    EXPECT_TRUE(summary) << summary.error().ToString();
    return summary.value_or(Summary());
  }

  std::int64_t Rows(const char* table) {
    auto connection = OpenForReading(database_, Versions::kNewestOnly);
    return connection->QueryInt("SELECT count(*) FROM " + std::string(table)).value_or(-1);
  }

  support::FakeClock clock_{kNoon};
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<Store> store_ = support::OpenStore({.database = database_}, clock_);
};

Record RandomRecord(std::mt19937& random, base::Time time) {
  const auto one_of = [&](std::initializer_list<const char*> texts) { return std::string(texts.begin()[random() % texts.size()]); };
  constexpr std::array kKinds = {DecisionKind::kAllowed, DecisionKind::kAllowed, DecisionKind::kWarned, DecisionKind::kDenied};
  return SampleRecord{.decision = kKinds[random() % kKinds.size()],
                      .dry_run = random() % 4 == 0,
                      .namespace_name = one_of({"", "shop", "shop-eu", "bank"}),
                      .user = one_of({"anna", "bert"}),
                      .registry = one_of({"a.azurecr.io", "b.azurecr.io", "docker.io"}),
                      .requirement = one_of({"private-link", "customer-managed-key"}),
                      .time = time}
      .Make();
}

TEST_F(SummariseTest, ComesToWhatTheRecordsComeTo) {
  std::mt19937 random(20261123);
  std::vector<Record> records;
  base::Time now = kNoon;
  const auto random_time = [&] { return kNoon + std::chrono::minutes(random() % 800 - 60); };
  for (int round = 0; round < 300; ++round) {
    for (int i = 0; i < 3; ++i) {
      now += std::chrono::seconds(random() % 80);
      records.push_back(RandomRecord(random, random() % 60 == 0 ? now - 100min : now));
      ASSERT_TRUE(store_->Commit({&records.back(), 1}));
    }
    if (random() % 20 == 0) {
      Maintain();
    }
    const auto like = [](const std::string& wanted, const std::string& text) {
      return wanted.empty() || (wanted.back() == '*' ? text.starts_with(wanted.substr(0, wanted.size() - 1)) : text == wanted);
    };
    Filter filter{.namespace_name = std::array{"", "", "shop", "shop*", "none"}[random() % 5],
                  .decision = std::array{"", "", "Denied", "Warned", "Allowed"}[random() % 5],
                  .user = std::array{"", "", "", "anna"}[random() % 4]};
    if (random() % 2 == 0) {
      filter.since = random() % 3 == 0 ? std::chrono::floor<std::chrono::hours>(random_time()) : random_time();
    }
    if (random() % 2 == 0) {
      filter.until = random() % 3 == 0 ? std::chrono::floor<std::chrono::hours>(random_time()) : random_time();
    }
    SummaryBuilder expected;
    for (const Record& record : records) {
      const std::string_view decision = DecisionOf(record);
      if ((!filter.since || record.time >= *filter.since) && (!filter.until || record.time < *filter.until) &&
          like(filter.namespace_name, record.namespace_name) && like(filter.user, record.user) &&
          like(filter.decision, std::string(decision))) {
        expected.AddRow(record.time, decision, record.namespace_name, record.user, record.json);
      }
    }
    ASSERT_EQ(TextOf(Summarise(filter)), TextOf(std::move(expected).Build())) << "round " << round;
  }
}

TEST_F(SummariseTest, StaysTrueWhenRetentionTakesRowsForTheirSize) {
  Open({.database = database_, .retention_age = 1000h, .retention_bytes = 1 << 20});
  for (int i = 0; i < 40; ++i) {
    Commit({.decision = DecisionKind::kAllowed, .padding = std::string(1000, 'p'), .time = kNoon - 3h + std::chrono::minutes(i)}, 100);
    Maintain();
  }
  Commit({.time = kNoon - 3h}, 5);
  Maintain();
  ASSERT_LT(store_->Measure().rows, 2000);
  const Summary summary = Summarise();
  ASSERT_THAT(summary.hours, SizeIs(1));
  EXPECT_EQ(TextOf(summary.hours[0].counts), "4000/0/5");
  // Where not all is there any more, an hour counts whole.
  EXPECT_EQ(TextOf(Summarise({.since = kNoon - 3h + 10min}).hours.at(0).counts), "4000/0/5");
  EXPECT_EQ(TextOf(Summarise({.until = kNoon - 3h + 10min}).hours.at(0).counts), "4000/0/5");
  EXPECT_THAT(Summarise({.until = kNoon - 3h}).hours, IsEmpty());
  EXPECT_THAT(Summarise({.since = kNoon - 2h}).hours, IsEmpty());
}

TEST_F(SummariseTest, CountsEachRecordOnceHoweverOftenTheProcessBegins) {
  for (int i = 0; i < 5; ++i) {
    Commit({}, 3);
    if (i % 2 == 0) {
      Maintain();
    }
    Open({.database = database_});
    EXPECT_EQ(Summarise().hours.at(0).counts.denied, 3 * (i + 1));
  }
}

TEST_F(SummariseTest, OneNamespaceCannotFillTheRollUpsWithRegistries) {
  Commit({.decision = DecisionKind::kAllowed, .time = kNoon - 5h});  // of the first hour that there is, rows are read
  for (int i = 0; i < 100; ++i) {
    Commit({.namespace_name = "evil", .registry = "r" + std::to_string(i) + ".azurecr.io"}, i == 0 ? 5 : 1);
  }
  Commit({.namespace_name = "shop", .registry = "contoso.azurecr.io"}, 2);
  Maintain();
  const Summary summary = Summarise();
  ASSERT_THAT(summary.by_registry, SizeIs(kHourlyValues + 2));
  EXPECT_EQ(summary.by_registry[0].value, "r0.azurecr.io");
  EXPECT_EQ(summary.by_registry[1].value, "contoso.azurecr.io");
  EXPECT_EQ(summary.by_registry.back().value, kOtherValues);
  EXPECT_EQ(summary.by_registry.back().counts.denied, 100 - kHourlyValues);
  EXPECT_EQ(summary.hours.at(1).counts.denied, 106);
}

TEST_F(SummariseTest, RollUpsGoWithTheAgeOfRetention) {
  Open({.database = database_, .retention_age = 24h});
  Commit({.time = kNoon}, 3);
  Commit({.time = kNoon + 90min}, 2);
  Maintain();
  EXPECT_THAT(Summarise().hours, SizeIs(2));
  clock_.Advance(25h + 30min);
  Maintain();
  const Summary summary = Summarise();
  ASSERT_THAT(summary.hours, SizeIs(1));
  EXPECT_EQ(summary.hours[0].counts.denied, 2);
  EXPECT_THAT(summary.by_user, SizeIs(1));
}

TEST_F(SummariseTest, RollUpsTakeAShareOfTheSizeAtMostAndRowsAnswerForTheHoursBefore) {
  Open({.database = database_, .retention_age = 10'000h, .retention_bytes = 4 << 20});
  const std::string long_name(200, 'n');
  int committed = 0;
  for (int hour = 0; hour < 100; ++hour) {
    std::vector<Record> records;
    for (int i = 0; i < 10; ++i) {
      records.push_back(
          SampleRecord{.namespace_name = long_name + std::to_string(i), .time = kNoon - 200h + std::chrono::hours(hour)}.Make());
      ++committed;
    }
    ASSERT_TRUE(store_->Commit(records));
    Maintain();
  }
  ASSERT_EQ(store_->Measure().rows, committed);
  EXPECT_LT(Rows("hourly"), (4 << 20) / 16 / 200);
  const Summary summary = Summarise();
  ASSERT_THAT(summary.hours, SizeIs(100));
  for (const Summary::Hour& hour : summary.hours) {
    EXPECT_EQ(hour.counts.denied, 10) << base::FormatTime(hour.begin);
  }
}

}  // namespace
}  // namespace audit
