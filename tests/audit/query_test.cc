#include "audit/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/store.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"

namespace audit {
namespace {

using policy::DecisionKind;
using support::At;
using support::SampleRecord;
using testing::ElementsAre;
using testing::IsEmpty;

// A store with the given records, one commit each, still open as in a running serve.
class QueryTest : public testing::Test {
 protected:
  void Commit(const std::vector<SampleRecord>& samples) {
    for (const SampleRecord& sample : samples) {
      const Record record = sample.Make();
      ASSERT_TRUE(store_->Commit({&record, 1}));
    }
  }

  std::vector<std::string> Uids(const Query& query) {
    std::vector<std::string> uids;
    for (const std::string& record : support::Find(database_, query)) {
      uids.push_back(nlohmann::json::parse(record)["uid"]);
    }
    return uids;
  }

  support::FakeClock clock_;
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<Store> store_ = support::OpenStore({.database = database_}, clock_);
};

TEST_F(QueryTest, NewestFirstAndAtMostTheLimit) {
  Commit({{.uid = "1"}, {.uid = "2"}, {.uid = "3"}});
  EXPECT_THAT(Uids({}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(Uids({.limit = 2}), ElementsAre("3", "2"));
}

TEST_F(QueryTest, EveryFilterAloneAndTogether) {
  Commit({{.uid = "1", .decision = DecisionKind::kAllowed, .user = "anna"},
          {.uid = "2", .decision = DecisionKind::kWarned, .namespace_name = "bank"},
          {.uid = "3", .decision = DecisionKind::kDenied, .namespace_name = "bank", .user = "bert"},
          {.uid = "4", .decision = DecisionKind::kDenied, .image = "docker.io/library/nginx:1", .registry = "docker.io"}});
  EXPECT_THAT(Uids({.namespace_name = "bank"}), ElementsAre("3", "2"));
  EXPECT_THAT(Uids({.decision = "Denied"}), ElementsAre("4", "3"));
  EXPECT_THAT(Uids({.decision = "Warned"}), ElementsAre("2"));
  EXPECT_THAT(Uids({.decision = "Allowed"}), ElementsAre("1"));
  EXPECT_THAT(Uids({.registry = "Docker.IO"}), ElementsAre("4"));
  EXPECT_THAT(Uids({.registry = "docker"}), IsEmpty());
  EXPECT_THAT(Uids({.image = "*/shop/*"}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(Uids({.image = "docker.io/library/nginx:?"}), ElementsAre("4"));
  EXPECT_THAT(Uids({.user = "anna"}), ElementsAre("4", "2", "1"));
  EXPECT_THAT(Uids({.uid = "2"}), ElementsAre("2"));
  EXPECT_THAT(Uids({.namespace_name = "bank",
                    .decision = "Denied",
                    .registry = "contoso.azurecr.io",
                    .image = "contoso*",
                    .user = "bert",
                    .uid = "3"}),
              ElementsAre("3"));
  EXPECT_THAT(Uids({.decision = "Denied", .uid = "2"}), IsEmpty());
}

TEST_F(QueryTest, SinceIsInclusiveAndUntilIsNot) {
  Commit({{.uid = "1", .time = At("2026-11-23T10:00:00Z")},
          {.uid = "2", .time = At("2026-11-23T11:00:00Z")},
          {.uid = "3", .time = At("2026-11-23T12:00:00Z")}});
  EXPECT_THAT(Uids({.since = At("2026-11-23T11:00:00Z")}), ElementsAre("3", "2"));
  EXPECT_THAT(Uids({.until = At("2026-11-23T11:00:00Z")}), ElementsAre("1"));
  EXPECT_THAT(Uids({.since = At("2026-11-23T11:00:00Z"), .until = At("2026-11-23T12:00:00Z")}), ElementsAre("2"));
  EXPECT_THAT(Uids({.since = At("2026-11-23T12:00:00.000001Z")}), IsEmpty());
}

TEST_F(QueryTest, TimesAreExactAlsoWhereTheClockWasSetBack) {
  Commit({{.uid = "1", .time = At("2026-11-23T10:00:00Z")},
          {.uid = "ahead", .time = At("2026-11-23T15:00:00Z")},
          {.uid = "back", .time = At("2026-11-23T09:00:00Z")},
          {.uid = "4", .time = At("2026-11-23T11:00:00Z")}});
  EXPECT_THAT(Uids({.since = At("2026-11-23T10:30:00Z")}), ElementsAre("4", "ahead"));
  EXPECT_THAT(Uids({.until = At("2026-11-23T10:00:00Z")}), ElementsAre("back"));
}

TEST_F(QueryTest, AnyOfSeveralImagesMatches) {
  Record record = SampleRecord{.uid = "two"}.Make();
  record.json = R"({"uid":"two","images":[{"image":"docker.io/library/nginx:1"},{"image":"quay.io/a/b:2"}]})";
  record.registries = " docker.io quay.io ";
  ASSERT_TRUE(store_->Commit({&record, 1}));
  EXPECT_THAT(Uids({.image = "quay.io/*"}), ElementsAre("two"));
  EXPECT_THAT(Uids({.registry = "quay.io"}), ElementsAre("two"));
  EXPECT_THAT(Uids({.image = "quay.io/*nginx*"}), IsEmpty());
}

TEST_F(QueryTest, ValuesAreNeverTakenForSql) {
  Commit({{.uid = "1"}, {.uid = "' OR 1=1 --", .namespace_name = "%"}});
  EXPECT_THAT(Uids({.uid = "' OR 1=1 --"}), ElementsAre("' OR 1=1 --"));
  EXPECT_THAT(Uids({.namespace_name = "%"}), ElementsAre("' OR 1=1 --"));
  EXPECT_THAT(Uids({.user = "'; DROP TABLE decision; --"}), IsEmpty());
  EXPECT_THAT(Uids({}), testing::SizeIs(2));
}

TEST_F(QueryTest, LongAnswersComeWholeAndInOrder) {
  std::vector<SampleRecord> samples;
  for (int i = 1; i <= 600; ++i) {
    samples.push_back({.uid = std::to_string(i), .namespace_name = i % 2 == 0 ? "even" : "odd"});
  }
  Commit(samples);
  std::vector<std::string> expected;
  for (int i = 600; i > 20; i -= 2) {
    expected.push_back(std::to_string(i));
  }
  EXPECT_EQ(Uids({.namespace_name = "even", .limit = 290}), expected);
  EXPECT_EQ(Uids({.namespace_name = "even", .decision = "Denied", .limit = 290}), expected);
}

TEST_F(QueryTest, AfterARowOldestFirst) {
  Commit({{.uid = "1"}, {.uid = "2"}});
  const auto newest = NewestRow(database_);
  ASSERT_TRUE(newest);
  Commit({{.uid = "3"}, {.uid = "4", .namespace_name = "bank"}, {.uid = "5"}});
  EXPECT_THAT(Uids({.after_row = *newest}), ElementsAre("3", "4", "5"));
  EXPECT_THAT(Uids({.namespace_name = "shop", .after_row = *newest}), ElementsAre("3", "5"));
  EXPECT_THAT(Uids({.limit = 1, .after_row = *newest}), ElementsAre("3"));
}

TEST_F(QueryTest, StopsWhenTheCallerHasEnough) {
  Commit({{.uid = "1"}, {.uid = "2"}});
  int calls = 0;
  ASSERT_TRUE(RunQuery(database_, {}, [&](const Row&) { return ++calls == 2; }));
  EXPECT_EQ(calls, 1);
}

// `audit | less` that waits for a key must not keep the write-ahead log from being emptied.
TEST_F(QueryTest, HoldsNoSnapshotWhileTheCallerLooksAtARow) {
  Commit({{.uid = "1"}});
  ASSERT_TRUE(RunQuery(database_, {}, [&](const Row&) {
    const std::vector<Record> records(20, SampleRecord{.padding = std::string(50'000, 'p')}.Make());
    for (int i = 0; i < 40; ++i) {
      EXPECT_TRUE(store_->Commit(records));
      EXPECT_TRUE(store_->Maintain());
    }
    return true;
  }));
  EXPECT_LT(store_->Measure().wal_bytes, 33 << 20);
}

TEST_F(QueryTest, AnEmptyLogHasNoRows) {
  EXPECT_THAT(Uids({}), IsEmpty());
  EXPECT_THAT(Uids({.since = At("2026-11-23T10:00:00Z")}), IsEmpty());
  EXPECT_EQ(NewestRow(database_), 0);
}

TEST_F(QueryTest, ReadsWithoutARunningServe) {
  Commit({{.uid = "1"}});
  store_.reset();
  EXPECT_THAT(Uids({}), ElementsAre("1"));
}

TEST_F(QueryTest, AMissingDatabaseIsNamedAndNotCreated) {
  const std::string missing = database_ + ".none";
  const auto result = RunQuery(missing, {}, [](const Row&) { return true; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(result.error().message, testing::HasSubstr(missing));
  EXPECT_FALSE(std::filesystem::exists(missing));
}

}  // namespace
}  // namespace audit
