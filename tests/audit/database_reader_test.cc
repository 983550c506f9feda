#include "audit/database_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/cursor.h"
#include "audit/glob.h"
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
class DatabaseReaderTest : public testing::Test {
 protected:
  void Commit(const std::vector<SampleRecord>& samples) {
    for (const SampleRecord& sample : samples) {
      const Record record = sample.Make();
      ASSERT_TRUE(store_->Commit({&record, 1}));
    }
  }

  Reader& reader() {
    if (!reader_) {
      auto opened = OpenDatabaseReader(database_);
      EXPECT_TRUE(opened) << opened.error().ToString();
      reader_ = *std::move(opened);
    }
    return *reader_;
  }

  Page Read(const Query& query) {
    auto page = reader().Read(query);
    EXPECT_TRUE(page) << page.error().ToString();
    return page ? *std::move(page) : Page();
  }

  // Of one page.
  std::vector<std::string> Uids(const Query& query) { return UidsOf(Read(query)); }
  std::vector<std::string> Uids(const Filter& filter) { return Uids(Query{.filter = filter}); }
  static std::vector<std::string> UidsOf(const Page& page) {
    std::vector<std::string> uids;
    for (const Row& row : page.rows) {
      uids.push_back(nlohmann::json::parse(row.record)["uid"]);
    }
    return uids;
  }

  support::FakeClock clock_;
  std::string database_ = support::ScratchDatabase();
  std::unique_ptr<Store> store_ = support::OpenStore({.database = database_}, clock_);
  std::unique_ptr<Reader> reader_;
};

TEST_F(DatabaseReaderTest, NewestFirstAndAtMostTheLimit) {
  Commit({{.uid = "1"}, {.uid = "2"}, {.uid = "3"}});
  EXPECT_THAT(Uids(Query{}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(Uids(Query{.limit = 2}), ElementsAre("3", "2"));
}

TEST_F(DatabaseReaderTest, EveryFilterAloneAndTogether) {
  Commit({{.uid = "1", .decision = DecisionKind::kAllowed, .user = "anna"},
          {.uid = "2", .decision = DecisionKind::kWarned, .namespace_name = "bank"},
          {.uid = "3", .decision = DecisionKind::kDenied, .namespace_name = "bank", .user = "bert"},
          {.uid = "4", .decision = DecisionKind::kDenied, .image = "docker.io/library/nginx:1", .registry = "docker.io"}});
  EXPECT_THAT(Uids(Filter{.namespace_name = "bank"}), ElementsAre("3", "2"));
  EXPECT_THAT(Uids(Filter{.decision = "Denied"}), ElementsAre("4", "3"));
  EXPECT_THAT(Uids(Filter{.decision = "Warned"}), ElementsAre("2"));
  EXPECT_THAT(Uids(Filter{.decision = "Allowed"}), ElementsAre("1"));
  EXPECT_THAT(Uids(Filter{.registry = "Docker.IO"}), ElementsAre("4"));
  EXPECT_THAT(Uids(Filter{.registry = "docker"}), IsEmpty());
  EXPECT_THAT(Uids(Filter{.image = "*/shop/*"}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(Uids(Filter{.image = "docker.io/library/nginx:?"}), ElementsAre("4"));
  EXPECT_THAT(Uids(Filter{.user = "anna"}), ElementsAre("4", "2", "1"));
  EXPECT_THAT(Uids(Filter{.uid = "2"}), ElementsAre("2"));
  EXPECT_THAT(Uids(Filter{.namespace_name = "bank",
                          .decision = "Denied",
                          .registry = "contoso.azurecr.io",
                          .image = "contoso*",
                          .user = "bert",
                          .uid = "3"}),
              ElementsAre("3"));
  EXPECT_THAT(Uids(Filter{.decision = "Denied", .uid = "2"}), IsEmpty());
}

TEST_F(DatabaseReaderTest, SinceIsInclusiveAndUntilIsNot) {
  Commit({{.uid = "1", .time = At("2026-11-23T10:00:00Z")},
          {.uid = "2", .time = At("2026-11-23T11:00:00Z")},
          {.uid = "3", .time = At("2026-11-23T12:00:00Z")}});
  EXPECT_THAT(Uids(Filter{.since = At("2026-11-23T11:00:00Z")}), ElementsAre("3", "2"));
  EXPECT_THAT(Uids(Filter{.until = At("2026-11-23T11:00:00Z")}), ElementsAre("1"));
  EXPECT_THAT(Uids(Filter{.since = At("2026-11-23T11:00:00Z"), .until = At("2026-11-23T12:00:00Z")}), ElementsAre("2"));
  EXPECT_THAT(Uids(Filter{.since = At("2026-11-23T12:00:00.000001Z")}), IsEmpty());
}

TEST_F(DatabaseReaderTest, TimesAreExactAlsoWhereTheClockWasSetBack) {
  Commit({{.uid = "1", .time = At("2026-11-23T10:00:00Z")},
          {.uid = "ahead", .time = At("2026-11-23T15:00:00Z")},
          {.uid = "back", .time = At("2026-11-23T09:00:00Z")},
          {.uid = "4", .time = At("2026-11-23T11:00:00Z")}});
  EXPECT_THAT(Uids(Filter{.since = At("2026-11-23T10:30:00Z")}), ElementsAre("4", "ahead"));
  EXPECT_THAT(Uids(Filter{.until = At("2026-11-23T10:00:00Z")}), ElementsAre("back"));
}

TEST_F(DatabaseReaderTest, AnyOfSeveralImagesMatches) {
  Record record = SampleRecord{.uid = "two"}.Make();
  record.json = R"({"uid":"two","images":[{"image":"docker.io/library/nginx:1"},{"image":"quay.io/a/b:2"}]})";
  record.registries = " docker.io quay.io ";
  ASSERT_TRUE(store_->Commit({&record, 1}));
  EXPECT_THAT(Uids(Filter{.image = "quay.io/*"}), ElementsAre("two"));
  EXPECT_THAT(Uids(Filter{.registry = "quay.io"}), ElementsAre("two"));
  EXPECT_THAT(Uids(Filter{.image = "quay.io/*nginx*"}), IsEmpty());
}

TEST_F(DatabaseReaderTest, ValuesAreNeverTakenForSql) {
  Commit({{.uid = "1"}, {.uid = "' OR 1=1 --", .namespace_name = "%"}});
  EXPECT_THAT(Uids(Filter{.uid = "' OR 1=1 --"}), ElementsAre("' OR 1=1 --"));
  EXPECT_THAT(Uids(Filter{.namespace_name = "%"}), ElementsAre("' OR 1=1 --"));
  EXPECT_THAT(Uids(Filter{.user = "'; DROP TABLE decision; --"}), IsEmpty());
  EXPECT_THAT(Uids(Query{}), testing::SizeIs(2));
}

TEST_F(DatabaseReaderTest, AStarAtTheEndMakesABeginning) {
  Commit({{.uid = "1", .namespace_name = "shop", .user = "anna", .registry = "a.azurecr.io"},
          {.uid = "2", .namespace_name = "shop-eu", .user = "anna-maria", .registry = "ab.azurecr.io"},
          {.uid = "3", .decision = DecisionKind::kAllowed, .namespace_name = "shopping", .user = "bert", .registry = "docker.io"},
          {.uid = "4", .namespace_name = "sho\u00fcp", .user = "zo\u00eb", .registry = "b.azurecr.io"}});
  EXPECT_THAT(Uids(Filter{.namespace_name = "shop*"}), ElementsAre("3", "2", "1"));
  EXPECT_THAT(Uids(Filter{.namespace_name = "shop-*"}), ElementsAre("2"));
  EXPECT_THAT(Uids(Filter{.namespace_name = "sho\u00fc*"}), ElementsAre("4"));
  EXPECT_THAT(Uids(Filter{.namespace_name = "*"}), ElementsAre("4", "3", "2", "1"));
  EXPECT_THAT(Uids(Filter{.user = "anna*"}), ElementsAre("2", "1"));
  EXPECT_THAT(Uids(Filter{.decision = "Denied", .registry = "A*"}), ElementsAre("2", "1"));
  EXPECT_THAT(Uids(Filter{.registry = "a.azurecr.io*"}), ElementsAre("1"));
  EXPECT_THAT(Uids(Filter{.registry = "azurecr*"}), IsEmpty());
  EXPECT_THAT(Uids(Filter{.uid = "1*"}), IsEmpty());
}

TEST_F(DatabaseReaderTest, PagesFollowOneAnotherWhileRecordsAreAdded) {
  std::vector<SampleRecord> samples;
  for (int i = 1; i <= 60; ++i) {
    samples.push_back({.uid = std::to_string(i), .namespace_name = i % 2 == 0 ? "even" : "odd"});
  }
  Commit(samples);
  for (const char* decision : {"", "Denied"}) {
    Query query{.filter = {.namespace_name = "even", .decision = decision}, .limit = 7};
    std::vector<std::string> found;
    int pages = 0;
    do {
      const Page page = Read(query);
      ++pages;
      for (const std::string& uid : UidsOf(page)) {
        found.push_back(uid);
      }
      query.cursor = page.next;
      Commit({{.uid = "later", .namespace_name = "even"}});
    } while (!query.cursor.empty());
    std::vector<std::string> expected;
    for (int i = 60; i > 0; i -= 2) {
      expected.push_back(std::to_string(i));
    }
    found.erase(std::remove(found.begin(), found.end(), "later"), found.end());  // of the round before
    EXPECT_EQ(found, expected);
    EXPECT_GE(pages, 5);
  }
}

TEST_F(DatabaseReaderTest, OldestFirstGoesOnFromWhereItWas) {
  Commit({{.uid = "1"}, {.uid = "2"}});
  const std::string end = reader().End().value();
  Query query{.order = Order::kOldestFirst, .cursor = end};
  Page page = Read(query);
  EXPECT_THAT(page.rows, IsEmpty());
  EXPECT_EQ(page.next, end);
  Commit({{.uid = "3"}, {.uid = "4", .namespace_name = "bank"}, {.uid = "5"}});
  query.cursor = page.next;
  EXPECT_THAT(Uids(query), ElementsAre("3", "4", "5"));
  query.limit = 1;
  page = Read(query);
  EXPECT_THAT(UidsOf(page), ElementsAre("3"));
  query = {.filter = {.namespace_name = "nowhere"}, .order = Order::kOldestFirst, .cursor = page.next};
  page = Read(query);
  EXPECT_THAT(page.rows, IsEmpty());
  EXPECT_EQ(page.next, reader().End().value()) << "what did not match is behind it, too";
  EXPECT_THAT(Uids(Query{.order = Order::kOldestFirst}), ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(DatabaseReaderTest, TheEndStaysWhereItIsWhenRetentionTakesAllRows) {
  Commit({{.uid = "1"}, {.uid = "2"}});
  const std::string end = reader().End().value();
  clock_.Advance(std::chrono::hours(24 * 365));
  ASSERT_TRUE(store_->Maintain());
  EXPECT_THAT(Uids(Query{}), IsEmpty());
  EXPECT_EQ(reader().End().value(), end);
  Commit({{.uid = "3"}});
  EXPECT_THAT(Uids(Query{.order = Order::kOldestFirst, .cursor = end}), ElementsAre("3"));
}

TEST_F(DatabaseReaderTest, RowsSayWhereTheyStand) {
  Commit({{.uid = "1", .time = At("2026-11-23T10:00:00Z")}, {.uid = "2"}});
  const Page page = Read({});
  ASSERT_THAT(page.rows, testing::SizeIs(2));
  EXPECT_EQ(page.rows[1].sequence, 1);
  EXPECT_EQ(page.rows[1].time, At("2026-11-23T10:00:00Z"));
  EXPECT_EQ(page.rows[1].record, (SampleRecord{.uid = "1", .time = At("2026-11-23T10:00:00Z")}.Make().json));
  EXPECT_EQ(page.next, "");
}

TEST_F(DatabaseReaderTest, APageEndsAtItsBytesAndAtItsRows) {
  std::vector<SampleRecord> samples(100, SampleRecord{.padding = std::string(60'000, 'p')});
  Commit(samples);
  const Page page = Read({.limit = 100});
  EXPECT_GT(page.rows.size() * 60'000, kMaxPageBytes - 60'000);
  EXPECT_LT((page.rows.size() - 1) * 60'000, kMaxPageBytes);
  EXPECT_NE(page.next, "");
  EXPECT_THAT(support::ReadAll(reader(), {.limit = 100}), testing::SizeIs(100));

  const std::vector<Record> many(1100, SampleRecord{.uid = "many"}.Make());
  ASSERT_TRUE(store_->Commit(many));
  EXPECT_THAT(Read({.filter = {.uid = "many"}, .limit = 5000}).rows, testing::SizeIs(kMaxPageRows));
}

TEST_F(DatabaseReaderTest, ACursorThatIsNoneOfThisLogsIsRefused) {
  Commit({{.uid = "1"}});
  const std::string end = reader().End().value();
  const std::string log = ParseLogCursor(end)->log_hex;
  for (const std::string& cursor : {std::string("1"), log, log + ".", log + ".-1", log + ".01", log + ".3", log + ".1 ",
                                    std::string(32, '0') + ".1", log + ".99999999999999999999"}) {
    for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
      const auto page = reader().Read({.order = order, .cursor = cursor});
      ASSERT_FALSE(page) << cursor;
      EXPECT_EQ(page.error().code, base::ErrorCode::kInvalidArgument);
    }
  }
  EXPECT_FALSE(reader().Read({.limit = 0}));
}

TEST_F(DatabaseReaderTest, NewestFirstThereIsAPlaceBehindTheNewestRow) {
  Commit({{.uid = "1"}});
  const std::string behind = LogCursor(ParseLogCursor(reader().End().value())->log_hex, 2);
  EXPECT_THAT(Uids(Query{.cursor = behind}), ElementsAre("1"));
  EXPECT_FALSE(reader().Read({.order = Order::kOldestFirst, .cursor = behind}));
}

TEST_F(DatabaseReaderTest, ReadsTheLogThatTookTheOthersPlace) {
  Commit({{.uid = "1"}});
  const std::string end = reader().End().value();
  store_.reset();
  std::filesystem::rename(database_, database_ + ".corrupt");
  std::filesystem::remove(database_ + "-wal");
  std::filesystem::remove(database_ + "-shm");
  EXPECT_FALSE(reader().Read({}));
  store_ = support::OpenStore({.database = database_}, clock_);
  Commit({{.uid = "new"}});
  EXPECT_THAT(Uids(Query{}), ElementsAre("new"));
  const auto page = reader().Read({.order = Order::kOldestFirst, .cursor = end});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, base::ErrorCode::kInvalidArgument);
}

// A page that waits for a key in `audit | less` must not keep the write-ahead log from being emptied.
TEST_F(DatabaseReaderTest, HoldsNoSnapshotBetweenCalls) {
  Commit({{.uid = "1"}, {.uid = "2"}});
  EXPECT_NE(Read({.limit = 1}).next, "");
  const std::vector<Record> records(20, SampleRecord{.padding = std::string(50'000, 'p')}.Make());
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(store_->Commit(records));
    ASSERT_TRUE(store_->Maintain());
  }
  EXPECT_LT(store_->Measure().wal_bytes, 33 << 20);
}

// Goes on by a second whenever it is looked at.
class HastyClock final : public base::Clock {
 public:
  base::Time Now() const override { return {}; }
  std::chrono::steady_clock::time_point Monotonic() const override { return now_ += std::chrono::seconds(1); }

 private:
  mutable std::chrono::steady_clock::time_point now_;
};

TEST_F(DatabaseReaderTest, ACallEndsAtItsDeadline) {
  const std::vector<Record> records(3000, SampleRecord{.decision = DecisionKind::kAllowed}.Make());
  ASSERT_TRUE(store_->Commit(records));
  const HastyClock clock;
  const auto hasty = OpenDatabaseReader(database_, std::chrono::milliseconds(3000), clock);
  ASSERT_TRUE(hasty) << hasty.error().ToString();
  const Filter filter{.image = "nothing*is*like*this"};
  const auto page = (*hasty)->Read({.filter = filter});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, base::ErrorCode::kUnavailable);
  EXPECT_THAT(page.error().ToString(), testing::HasSubstr("3000 ms"));
  EXPECT_FALSE((*hasty)->Summarise(filter));
  EXPECT_TRUE((*hasty)->Read({.limit = 1})) << "the next call begins anew";
  EXPECT_TRUE((*hasty)->End());
}

// What the filters mean, said in another way.
bool Selects(const Filter& filter, const Record& record, const nlohmann::json& json) {
  const auto like = [](const std::string& wanted, const std::string& text) {
    return wanted.empty() || (wanted.back() == '*' ? text.starts_with(wanted.substr(0, wanted.size() - 1)) : text == wanted);
  };
  const auto image = [&](const auto& matches) { return std::any_of(json["images"].begin(), json["images"].end(), matches); };
  return (!filter.since || record.time >= *filter.since) && (!filter.until || record.time < *filter.until) &&
         (filter.decision.empty() || filter.decision == DecisionOf(record)) && like(filter.namespace_name, record.namespace_name) &&
         like(filter.user, record.user) && (filter.uid.empty() || filter.uid == record.uid) &&
         (filter.cluster.empty() || filter.cluster == json.value("cluster", "")) &&
         image([&](const nlohmann::json& i) { return like(filter.registry, i["registry"]); }) &&
         image([&](const nlohmann::json& i) { return filter.image.empty() || GlobMatches(filter.image, i["image"].get<std::string>()); });
}

Record RandomRecord(std::mt19937& random, int number) {
  const auto one_of = [&](std::initializer_list<const char*> texts) { return std::string(texts.begin()[random() % texts.size()]); };
  constexpr std::array kKinds = {DecisionKind::kAllowed, DecisionKind::kAllowed, DecisionKind::kWarned, DecisionKind::kDenied};
  SampleRecord sample{.uid = std::to_string(number / 2),
                      .decision = kKinds[random() % kKinds.size()],
                      .dry_run = random() % 5 == 0,
                      .namespace_name = one_of({"", "shop", "shop-eu", "shoq", "bank"}),
                      .user = one_of({"anna", "anna-maria", "bert"}),
                      .registry = one_of({"a.azurecr.io", "ab.azurecr.io", "docker.io"}),
                      .time = At("2026-11-23T12:00:00Z") + std::chrono::seconds(number) - std::chrono::minutes(random() % 50 == 0 ? 90 : 0),
                      .cluster = one_of({"", "weu", "dev"})};
  sample.image = sample.registry + one_of({"/shop/cart:1", "/shop/till:1", "/x:2"});
  Record record = sample.Make();
  if (random() % 3 == 0) {
    auto json = nlohmann::ordered_json::parse(record.json);
    auto image = json["images"][0];
    image["registry"] = one_of({"ab.azurecr.io", "b.azurecr.io", "quay.io"});
    image["image"] = image["registry"].get<std::string>() + "/side:1";
    if (image["registry"] != json["images"][0]["registry"]) {
      record.registries += image["registry"].get<std::string>() + " ";
    }
    json["images"].push_back(image);
    record.json = json.dump();
  }
  return record;
}

Filter RandomFilter(std::mt19937& random) {
  const auto one_of = [&](std::initializer_list<const char*> texts) { return std::string(texts.begin()[random() % texts.size()]); };
  const auto sometimes = [&](std::string text) { return random() % 3 == 0 ? std::move(text) : std::string(); };
  Filter filter{.namespace_name = sometimes(one_of({"shop", "shop*", "sho*", "bank", "none", "*"})),
                .decision = one_of({"", "Allowed", "Warned", "Denied", "Denied"}),
                .registry = sometimes(one_of({"a.azurecr.io", "a*", "quay.io", "*", "ab.azurecr.io*"})),
                .image = random() % 6 == 0 ? one_of({"*/shop/*", "*:2", "a?.azurecr.io/*"}) : "",
                .user = sometimes(one_of({"anna", "anna*", "bert", "ann"})),
                .uid = random() % 20 == 0 ? std::to_string(random() % 150) : "",
                .cluster = random() % 6 == 0 ? one_of({"weu", "dev", "we"}) : ""};
  if (random() % 3 == 0) {
    filter.since = At("2026-11-23T12:00:00Z") + std::chrono::seconds(random() % 300);
  }
  if (random() % 3 == 0) {
    filter.until = At("2026-11-23T12:00:00Z") + std::chrono::seconds(random() % 300);
  }
  return filter;
}

TEST_F(DatabaseReaderTest, AnswersAsALookAtEveryRecordWould) {
  std::mt19937 random(20261123);
  std::vector<Record> records;
  std::vector<nlohmann::json> objects;
  const auto commit = [&](int count) {
    for (int i = 0; i < count; ++i) {
      records.push_back(RandomRecord(random, static_cast<int>(records.size())));
      objects.push_back(nlohmann::json::parse(records.back().json));
      ASSERT_TRUE(store_->Commit({&records.back(), 1}));
    }
  };
  commit(300);
  for (int round = 0; round < 300; ++round) {
    Query query{.filter = RandomFilter(random),
                .order = random() % 2 == 0 ? Order::kNewestFirst : Order::kOldestFirst,
                .limit = 1 + static_cast<std::int64_t>(random() % 40)};
    const std::size_t committed = records.size();
    std::vector<std::int64_t> found;
    for (int pages = 0;; ++pages) {
      const Page page = Read(query);
      EXPECT_LE(page.rows.size(), static_cast<std::size_t>(query.limit));
      for (const Row& row : page.rows) {
        EXPECT_EQ(row.record, records[static_cast<std::size_t>(row.sequence) - 1].json);
        found.push_back(row.sequence);
      }
      query.cursor = page.next;
      if (query.order == Order::kNewestFirst ? page.next.empty() : page.rows.empty()) {
        break;
      }
      if (round % 50 == 0 && pages < 2) {
        commit(1);
      }
    }
    std::vector<std::int64_t> expected;
    // Newest first, what is committed later is not looked at any more; oldest first it is.
    const std::size_t last = query.order == Order::kNewestFirst ? committed : records.size();
    for (std::size_t i = 0; i < last; ++i) {
      if (Selects(query.filter, records[i], objects[i])) {
        expected.push_back(static_cast<std::int64_t>(i) + 1);
      }
    }
    if (query.order == Order::kNewestFirst) {
      std::reverse(expected.begin(), expected.end());
    }
    ASSERT_EQ(found, expected) << "round " << round;
  }
}

TEST_F(DatabaseReaderTest, SummarisesWhatAFilterSelects) {
  Commit({{.uid = "1", .decision = DecisionKind::kAllowed, .time = At("2026-11-23T10:59:59Z")},
          {.uid = "2", .decision = DecisionKind::kDenied, .namespace_name = "bank", .time = At("2026-11-23T11:00:00Z")},
          {.uid = "3", .decision = DecisionKind::kWarned, .requirement = "restricted-network", .time = At("2026-11-23T11:30:00Z")},
          {.uid = "4", .decision = DecisionKind::kDenied, .user = "bert", .time = At("2026-11-23T13:00:00Z")}});
  auto summary = reader().Summarise({});
  ASSERT_TRUE(summary) << summary.error().ToString();
  ASSERT_THAT(summary->hours, testing::SizeIs(3));
  EXPECT_EQ(summary->hours[0].begin, At("2026-11-23T10:00:00Z"));
  EXPECT_EQ(summary->hours[0].counts.allowed, 1);
  EXPECT_EQ(summary->hours[1].counts.denied, 1);
  EXPECT_EQ(summary->hours[1].counts.warned, 1);
  EXPECT_EQ(summary->hours[2].begin, At("2026-11-23T13:00:00Z"));
  ASSERT_THAT(summary->by_requirement, testing::SizeIs(2));
  EXPECT_EQ(summary->by_requirement[0].value, "private-link");
  EXPECT_EQ(summary->by_requirement[0].counts.denied, 2);
  EXPECT_EQ(summary->by_requirement[1].counts.warned, 1);
  ASSERT_THAT(summary->by_namespace, testing::SizeIs(2));
  EXPECT_EQ(summary->by_namespace[0].value, "shop");
  ASSERT_THAT(summary->by_user, testing::SizeIs(2));
  EXPECT_EQ(summary->by_user[0].value, "anna");

  summary = reader().Summarise({.since = At("2026-11-23T11:15:00Z"), .decision = "Denied"});
  ASSERT_TRUE(summary);
  EXPECT_THAT(summary->hours, testing::SizeIs(1));
  EXPECT_THAT(summary->by_registry, testing::SizeIs(1));
}

TEST_F(DatabaseReaderTest, AnEmptyLogHasNoRows) {
  EXPECT_THAT(Uids(Query{}), IsEmpty());
  EXPECT_THAT(Uids(Filter{.since = At("2026-11-23T10:00:00Z")}), IsEmpty());
  EXPECT_EQ(ParseLogCursor(reader().End().value())->sequence, 0);
  EXPECT_THAT(reader().Summarise({}).value().hours, IsEmpty());
}

TEST_F(DatabaseReaderTest, ReadsWithoutARunningServe) {
  Commit({{.uid = "1"}});
  store_.reset();
  EXPECT_THAT(Uids(Query{}), ElementsAre("1"));
}

TEST_F(DatabaseReaderTest, AMissingDatabaseIsNamedAndNotCreated) {
  const std::string missing = database_ + ".none";
  const auto result = OpenDatabaseReader(missing);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(result.error().message, testing::HasSubstr(missing));
  EXPECT_FALSE(std::filesystem::exists(missing));
}

}  // namespace
}  // namespace audit
