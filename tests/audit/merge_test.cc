#include "audit/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <tuple>
#include <utility>

namespace audit {
namespace {

using std::chrono::microseconds;
using testing::ElementsAre;
using testing::IsEmpty;

std::string LogNamed(int number) {
  std::string name = std::to_string(number);
  return std::string(32 - name.size(), 'a') + name;
}

Row RowAt(std::int64_t time, std::int64_t sequence, const std::string& record) {
  return {base::Time(microseconds(time)), sequence, record};
}

// A log as a replica keeps it: rows by sequence, which may have holes, with what its clock said.
struct Log {
  std::string name;
  std::vector<Row> rows;
  bool answers = true;
  int longest_page = 1000;  // rows

  void Commit(std::int64_t time) {
    const std::int64_t sequence = rows.empty() ? 3 : rows.back().sequence + 2;
    rows.push_back(RowAt(time, sequence, name + "/" + std::to_string(sequence)));
  }

  LogPage Answer(const MergeCursor& cursor, Order order, std::int64_t limit) const {
    LogPage page{name, {}, 0, false};
    const LogPlace* const place = cursor.Find(name);
    std::vector<Row> found;
    for (const Row& row : rows) {
      const bool wanted = place != nullptr
                              ? (order == Order::kNewestFirst ? row.sequence < place->sequence : row.sequence > place->sequence)
                              : !cursor.since || row.time >= *cursor.since;
      if (wanted) {
        found.push_back(row);
      }
    }
    if (order == Order::kNewestFirst) {
      std::reverse(found.begin(), found.end());
    }
    const auto most = static_cast<std::size_t>(std::min<std::int64_t>(limit, longest_page));
    page.more = found.size() > most;
    found.resize(std::min(found.size(), most));
    page.rows = std::move(found);
    if (order == Order::kNewestFirst) {
      page.end = page.more ? page.rows.back().sequence : 0;
    } else {
      page.end = page.more ? page.rows.back().sequence : (rows.empty() ? 0 : rows.back().sequence);
    }
    return page;
  }
};

// What a fleet reader does between pages, cursor text and all.
class Fleet {
 public:
  std::vector<Log> logs;

  MergedPage Ask(const std::string& text, Order order, std::int64_t limit) {
    const auto cursor = ParseMergeCursor(text);
    EXPECT_TRUE(cursor) << text;
    std::vector<LogPage> pages;
    for (const Log& log : logs) {
      const bool late = order == Order::kNewestFirst && !text.empty() && cursor->Find(log.name) == nullptr;
      if (log.answers && !late) {
        pages.push_back(log.Answer(*cursor, order, limit));
      }
    }
    return MergePages(std::move(pages), *cursor, order, limit);
  }

  // Every row, as one sort would have it.
  std::vector<std::string> Naive(Order order) const {
    std::vector<std::tuple<std::int64_t, std::string, std::int64_t, std::string>> all;
    for (const Log& log : logs) {
      for (const Row& row : log.rows) {
        const std::int64_t sign = order == Order::kNewestFirst ? -1 : 1;
        all.emplace_back(sign * row.time.time_since_epoch().count(), log.name, sign * row.sequence, row.record);
      }
    }
    std::sort(all.begin(), all.end());
    std::vector<std::string> records;
    for (const auto& row : all) {
      records.push_back(std::get<3>(row));
    }
    return records;
  }
};

std::vector<std::string> RecordsOf(const std::vector<Row>& rows) {
  std::vector<std::string> records;
  for (const Row& row : rows) {
    records.push_back(row.record);
  }
  return records;
}

// Each row at most once, and of each log in its order.
void ExpectLogOrder(const std::vector<Row>& rows, Order order) {
  std::map<std::string, std::int64_t> last;
  for (const Row& row : rows) {
    const std::string log = row.record.substr(0, row.record.find('/'));
    if (const auto before = last.find(log); before != last.end()) {
      EXPECT_TRUE(order == Order::kNewestFirst ? row.sequence < before->second : row.sequence > before->second) << row.record;
    }
    last[log] = row.sequence;
  }
}

enum class ClockKind { kSane, kStepping };

class MergeOfRandomLogs : public testing::TestWithParam<unsigned> {
 protected:
  int Below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }

  Fleet RandomFleet(ClockKind clocks) {
    Fleet fleet;
    const int count = 1 + Below(6);
    for (int i = 0; i < count; ++i) {
      Log log{LogNamed(i), {}};
      std::int64_t time = 1000 + Below(50);
      for (int rows = Below(40); rows > 0; --rows) {
        log.Commit(time);
        time += Below(4);  // equal times, within a log and between logs, are usual
        if (clocks == ClockKind::kStepping && Below(5) == 0) {
          time += Below(400) - 200;
        }
      }
      log.longest_page = 1 + Below(8);
      fleet.logs.push_back(std::move(log));
    }
    return fleet;
  }

  // Pages of random sizes until there is nothing more. `between` happens after each page.
  std::vector<Row> ReadAll(Fleet& fleet, Order order, const std::function<void()>& between = [] {}) {
    std::vector<Row> rows;
    std::string cursor;
    for (int page = 0; page < 5000; ++page) {
      const std::int64_t limit = 1 + Below(10);
      MergedPage merged = fleet.Ask(cursor, order, limit);
      EXPECT_LE(static_cast<std::int64_t>(merged.rows.size()), limit);
      const bool all_answer = std::all_of(fleet.logs.begin(), fleet.logs.end(), [](const Log& log) { return log.answers; });
      EXPECT_TRUE(!merged.more || !merged.rows.empty()) << "no progress";
      rows.insert(rows.end(), merged.rows.begin(), merged.rows.end());
      if (!merged.more && all_answer) {
        return rows;
      }
      cursor = ToString(merged.next);
      between();
    }
    ADD_FAILURE() << "the pages do not end";
    return rows;
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(MergeOfRandomLogs, PagesMakeUpWhatOneSortDoes) {
  for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
    Fleet fleet = RandomFleet(ClockKind::kSane);
    EXPECT_EQ(RecordsOf(ReadAll(fleet, order)), fleet.Naive(order));
  }
}

TEST_P(MergeOfRandomLogs, WhateverClocksDoEachRowComesOnceAndInItsLogsOrder) {
  for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
    Fleet fleet = RandomFleet(ClockKind::kStepping);
    const std::vector<Row> rows = ReadAll(fleet, order);
    ExpectLogOrder(rows, order);
    EXPECT_EQ(rows.size(), fleet.Naive(order).size());
  }
}

TEST_P(MergeOfRandomLogs, TheOrderDoesNotDependOnWherePagesEnd) {
  for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
    Fleet fleet = RandomFleet(ClockKind::kStepping);
    const std::vector<std::string> some = RecordsOf(ReadAll(fleet, order));
    for (Log& log : fleet.logs) {
      log.longest_page = 1000;
    }
    EXPECT_EQ(RecordsOf(fleet.Ask("", order, kMaxPageRows).rows), some);
  }
}

// Replicas come and go between pages, and are all there at the end.
TEST_P(MergeOfRandomLogs, ALogThatIsAwayForSomePagesLosesAndRepeatsNothing) {
  for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
    Fleet fleet = RandomFleet(ClockKind::kStepping);
    int pages = 0;
    const std::vector<Row> rows = ReadAll(fleet, order, [&] {
      ++pages;
      for (Log& log : fleet.logs) {
        log.answers = pages > 200 || Below(3) != 0;
      }
    });
    ExpectLogOrder(rows, order);
    EXPECT_EQ(rows.size(), fleet.Naive(order).size());
  }
}

TEST_P(MergeOfRandomLogs, NewestFirstWhatIsCommittedMeanwhileIsNotShown) {
  Fleet fleet = RandomFleet(ClockKind::kSane);
  const std::vector<std::string> before = fleet.Naive(Order::kNewestFirst);
  const std::vector<Row> rows = ReadAll(fleet, Order::kNewestFirst, [&] {
    for (Log& log : fleet.logs) {
      log.Commit(100'000);
    }
  });
  EXPECT_EQ(RecordsOf(rows), before);
}

TEST_P(MergeOfRandomLogs, OldestFirstWhatIsCommittedMeanwhileComesToo) {
  Fleet fleet = RandomFleet(ClockKind::kStepping);
  int left = 30;
  const std::vector<Row> rows = ReadAll(fleet, Order::kOldestFirst, [&] {
    if (left-- > 0) {
      fleet.logs[static_cast<std::size_t>(Below(static_cast<int>(fleet.logs.size())))].Commit(1000 + Below(500));
      if (Below(10) == 0) {
        fleet.logs.push_back({LogNamed(1000 + left), {}});
        fleet.logs.back().Commit(1000 + Below(500));
      }
    }
  });
  ExpectLogOrder(rows, Order::kOldestFirst);
  EXPECT_EQ(rows.size(), fleet.Naive(Order::kOldestFirst).size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, MergeOfRandomLogs, testing::Range(1U, 41U));

// ---- cursors

class MergeTest : public testing::Test {
 protected:
  MergeTest() {
    fleet_.logs = {{LogNamed(1), {}}, {LogNamed(2), {}}};
    for (const std::int64_t time : {10, 20, 30}) {
      fleet_.logs[0].Commit(time);
    }
    fleet_.logs[1].Commit(5);
  }

  Fleet fleet_;
};

TEST_F(MergeTest, ACursorReadsBackAsItWasWritten) {
  MergeCursor cursor;
  cursor.places = {{LogNamed(1), 0, false}, {LogNamed(2), std::int64_t{9'223'372'036'854'775'807}, true}};
  cursor.since = base::Time(microseconds(1'764'108'742'123'456));
  const std::string text = ToString(cursor);
  EXPECT_EQ(text, LogNamed(1) + ".0,-" + LogNamed(2) + ".9223372036854775807,t.1764108742123456");
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.,-"), std::string::npos);
  const auto parsed = ParseMergeCursor(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(ToString(*parsed), text);
  ASSERT_TRUE(ParseMergeCursor(""));
  EXPECT_THAT(ParseMergeCursor("")->places, IsEmpty());
}

TEST_F(MergeTest, WhatIsNoCursorIsRefused) {
  const std::string log = LogNamed(1);
  std::string too_many = LogNamed(0) + ".1";
  for (std::size_t i = 1; i <= kMaxCursorLogs; ++i) {
    too_many += "," + LogNamed(static_cast<int>(i)) + ".1";
  }
  for (const std::string& text :
       {std::string(","), std::string("nonsense"), log, log + ".", log + ".x", log + ".-1", log + ".+1", log + ".01", log + ".1,",
        "," + log + ".1", "--" + log + ".1", log + ".1," + log + ".2", log + ".99999999999999999999", log.substr(1) + ".1",
        std::string(32, 'A') + ".1", std::string("t.1,") + log + ".1", std::string("t."), std::string("t.-1"), too_many}) {
    const auto parsed = ParseMergeCursor(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, base::ErrorCode::kInvalidArgument);
    EXPECT_FALSE(parsed.error().remedy.empty());
  }
}

TEST_F(MergeTest, EachLogKeepsItsPlaceAlsoWhenNothingOfItWasHandedOut) {
  const MergedPage page = fleet_.Ask("", Order::kNewestFirst, 2);
  EXPECT_THAT(RecordsOf(page.rows), ElementsAre(LogNamed(1) + "/7", LogNamed(1) + "/5"));
  EXPECT_TRUE(page.more);
  // Of the other its only row, 3, is yet to come.
  EXPECT_EQ(ToString(page.next), LogNamed(1) + ".5," + LogNamed(2) + ".4");
}

TEST_F(MergeTest, NewestFirstALogThatEndedIsAtItsEnd) {
  const MergedPage page = fleet_.Ask("", Order::kNewestFirst, 10);
  EXPECT_EQ(page.rows.size(), 4U);
  EXPECT_FALSE(page.more);
  EXPECT_EQ(ToString(page.next), LogNamed(1) + ".0," + LogNamed(2) + ".0");
}

// So that rows that do not match are not looked through again with every page.
TEST_F(MergeTest, OldestFirstALogGoesOnBehindAllThatWasLookedAt) {
  std::vector<LogPage> pages = {{LogNamed(1), {RowAt(10, 3, "r")}, 90, false}, {LogNamed(2), {}, 40, false}};
  const MergedPage page = MergePages(std::move(pages), {}, Order::kOldestFirst, 10);
  EXPECT_EQ(ToString(page.next), LogNamed(1) + ".90," + LogNamed(2) + ".40");
}

TEST_F(MergeTest, NoRowIsHandedOutBeforeOneThatMayStillCome) {
  fleet_.logs[0].longest_page = 1;
  const MergedPage page = fleet_.Ask("", Order::kNewestFirst, 10);
  EXPECT_THAT(RecordsOf(page.rows), ElementsAre(LogNamed(1) + "/7"));
  EXPECT_TRUE(page.more);
}

TEST_F(MergeTest, APageEndsWhenItIsLarge) {
  const std::string large(kMaxPageBytes / 2, 'x');
  std::vector<LogPage> pages = {{LogNamed(1), {RowAt(9, 9, large), RowAt(8, 8, large), RowAt(7, 7, large), RowAt(6, 6, large)}, 0, false}};
  const MergedPage page = MergePages(std::move(pages), {}, Order::kNewestFirst, 10);
  EXPECT_EQ(page.rows.size(), 3U);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(ToString(page.next), LogNamed(1) + ".7");
}

TEST_F(MergeTest, NewestFirstALogThatIsMissingIsNamedUntilItIsBack) {
  std::string cursor = ToString(fleet_.Ask("", Order::kNewestFirst, 1).next);
  fleet_.logs[1].answers = false;
  for (int i = 0; i < 2; ++i) {
    const MergedPage page = fleet_.Ask(cursor, Order::kNewestFirst, 1);
    EXPECT_THAT(page.missing, ElementsAre(LogNamed(2)));
    cursor = ToString(page.next);
  }
  fleet_.logs[1].answers = true;
  const MergedPage page = fleet_.Ask(cursor, Order::kNewestFirst, 10);
  EXPECT_THAT(page.missing, IsEmpty());
  EXPECT_THAT(RecordsOf(page.rows), ElementsAre(LogNamed(2) + "/3"));
}

TEST_F(MergeTest, NewestFirstALogOfWhichAllWasHandedOutIsNotMissed) {
  fleet_.logs[1].rows.front().time += std::chrono::seconds(1);  // the newest of all
  const MergedPage first = fleet_.Ask("", Order::kNewestFirst, 1);
  fleet_.logs[1].answers = false;
  EXPECT_THAT(fleet_.Ask(ToString(first.next), Order::kNewestFirst, 1).missing, IsEmpty());
}

TEST_F(MergeTest, OldestFirstALogThatIsGoneIsNamedOnceAndItsPlaceKept) {
  std::string cursor = ToString(fleet_.Ask("", Order::kOldestFirst, 10).next);
  fleet_.logs[1].answers = false;
  MergedPage page = fleet_.Ask(cursor, Order::kOldestFirst, 10);
  EXPECT_THAT(page.missing, ElementsAre(LogNamed(2)));
  page = fleet_.Ask(ToString(page.next), Order::kOldestFirst, 10);
  EXPECT_THAT(page.missing, IsEmpty());
  fleet_.logs[1].answers = true;
  fleet_.logs[1].Commit(40);
  page = fleet_.Ask(ToString(page.next), Order::kOldestFirst, 10);
  EXPECT_THAT(RecordsOf(page.rows), ElementsAre(LogNamed(2) + "/5"));
  EXPECT_EQ(page.next.Find(LogNamed(2))->missing, false);
}

TEST_F(MergeTest, OldestFirstANewLogIsReadFromTheCursorsTime) {
  MergeCursor cursor;
  cursor.places = {{LogNamed(1), 7, false}};
  cursor.since = base::Time(microseconds(100));
  fleet_.logs[1].Commit(120);
  const MergedPage page = fleet_.Ask(ToString(cursor), Order::kOldestFirst, 10);
  EXPECT_THAT(RecordsOf(page.rows), ElementsAre(LogNamed(2) + "/5"));
  EXPECT_EQ(ToString(page.next), LogNamed(1) + ".7," + LogNamed(2) + ".5,t.100");
}

TEST_F(MergeTest, OfTooManyLogsThoseThatAreMissingLongestAreForgotten) {
  MergeCursor cursor;
  for (int i = 0; i < static_cast<int>(kMaxCursorLogs); ++i) {
    cursor.places.push_back({LogNamed(100 + i), 1, i > 0});
  }
  std::vector<LogPage> pages = {{LogNamed(1), {}, 1, false}, {LogNamed(2), {}, 1, false}};
  const MergedPage page = MergePages(std::move(pages), cursor, Order::kOldestFirst, 1);
  ASSERT_EQ(page.next.places.size(), kMaxCursorLogs);
  EXPECT_EQ(page.next.places[0].log, LogNamed(1));
  EXPECT_EQ(page.next.places[2].log, LogNamed(100));  // missing since this page
  EXPECT_EQ(page.next.places[3].log, LogNamed(101));
  EXPECT_EQ(page.next.Find(LogNamed(100 + static_cast<int>(kMaxCursorLogs) - 1)), nullptr);
}

}  // namespace
}  // namespace audit
