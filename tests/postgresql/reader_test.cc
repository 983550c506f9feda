#include "audit/postgresql_reader.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/blame.h"
#include "audit/forwarder.h"
#include "audit/glob.h"
#include "audit/postgresql_schema.h"
#include "audit/postgresql_selection.h"
#include "audit/summary_builder.h"
#include "base/hex.h"
#include "base/text.h"
#include "cli/audit_source.h"
#include "cli/config.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/postgres_server.h"
#include "webhook/audit_api.h"

namespace audit {
namespace {

using policy::DecisionKind;
using support::SampleRecord;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

class PostgresqlReaderTest : public testing::Test {
 protected:
  // A replica with a log of its own.
  struct Replica {
    std::unique_ptr<Store> store;
    std::unique_ptr<Forwarder> forwarder;
    std::string log_hex;
  };

  void SetUp() override {
    auto connection = support::Connect(server_);
    ASSERT_TRUE(postgresql::Migrate(connection, {}, In(60s)));
  }
  base::Until In(std::chrono::steady_clock::duration time) const { return {std::chrono::steady_clock::now() + time, stop_.get()}; }

  Replica MakeReplica() {
    Replica replica;
    replica.store = support::OpenStore({.database = database_ + std::to_string(++replicas_)}, clock_);
    replica.forwarder = std::make_unique<Forwarder>(*replica.store, server_, support::ResolveLoopback, clock_);
    return replica;
  }
  void Send(Replica& replica, const std::vector<Record>& records) {
    ASSERT_TRUE(replica.store->Commit(records));
    for (bool more = true; more;) {
      const auto sent = replica.forwarder->Pump(In(60s));
      ASSERT_TRUE(sent) << sent.error().ToString();
      more = sent->more;
    }
    replica.log_hex = base::ToHex(replica.store->ReadRows(0, 1, 1).value().log);
  }
  std::unique_ptr<Reader> MakeReader(std::chrono::milliseconds deadline = 60s, const std::string& cluster = {}) const {
    return MakePostgresqlReader({server_, support::ResolveLoopback, cluster, deadline, stop_});
  }
  static std::vector<std::string> Texts(const std::vector<Row>& rows) {
    std::vector<std::string> texts;
    for (const Row& row : rows) {
      texts.push_back(row.record);
    }
    return texts;
  }

  support::PostgresServer& postgres_ = support::SharedPostgres();
  const postgresql::Server server_ = postgres_.OverSocket(postgres_.CreateDatabase());
  support::FakeClock clock_{base::SystemClock().Now()};
  const std::string database_ = support::ScratchDatabase();
  const std::shared_ptr<base::Event> stop_ = std::make_shared<base::Event>();
  int replicas_ = 0;
};

// What a row is like, for a filter that is applied by hand.
struct Known {
  SampleRecord sample;
  Record record;
  std::string log_hex;
  std::int64_t sequence = 0;
};

bool TextMatches(const std::string& wanted, const std::string& text) {
  return wanted.empty() || (wanted.ends_with('*') ? text.starts_with(wanted.substr(0, wanted.size() - 1)) : text == wanted);
}

bool Matches(const Filter& filter, const Known& known) {
  const SampleRecord& sample = known.sample;
  return (!filter.since || sample.time >= *filter.since) && (!filter.until || sample.time < *filter.until) &&
         TextMatches(filter.namespace_name, sample.namespace_name) &&
         (filter.decision.empty() || filter.decision == policy::ToString(sample.decision)) &&
         TextMatches(base::AsciiLower(filter.registry), sample.registry) &&
         (filter.image.empty() || GlobMatches(filter.image, sample.image)) && TextMatches(filter.user, sample.user) &&
         (filter.uid.empty() || filter.uid == sample.uid) && (filter.cluster.empty() || filter.cluster == sample.cluster);
}

TEST_F(PostgresqlReaderTest, AnswersAsAFilterByHandWould) {
  std::mt19937 random(7);
  const auto any = [&](const std::vector<std::string>& values) { return values[random() % values.size()]; };
  const std::vector<std::string> namespaces = {"", "shop", "shop-a", "shop_b", "shop%", "pay\\ments", "ä"};
  const std::vector<std::string> users = {"anna", "anna*", "system:serviceaccount:a:b", "o'brien", "\"q\""};
  const std::vector<std::string> registries = {"contoso.azurecr.io", "contoso2.azurecr.io", "docker.io"};
  const std::vector<std::string> images = {"contoso.azurecr.io/shop/cart:1.4", "nginx", "a_b%c\\d", "é/ü:1", "docker.io/library/x"};
  const std::vector<std::string> clusters = {"", "dev", "weu"};
  const auto time = [&] { return clock_.Now() - std::chrono::minutes(random() % (60 * 72)); };

  std::vector<Replica> replicas;
  std::vector<Known> all;
  for (int r = 0; r < 3; ++r) {
    replicas.push_back(MakeReplica());
  }
  for (int batch = 0; batch < 12; ++batch) {
    Replica& replica = replicas[random() % replicas.size()];
    std::vector<Record> records;
    const std::size_t first = all.size();
    for (int i = 0; i < 40; ++i) {
      const auto decision = std::array{DecisionKind::kAllowed, DecisionKind::kWarned, DecisionKind::kDenied}.at(random() % 3);
      const SampleRecord sample{.uid = std::to_string(random() % 100),
                                .decision = decision,
                                .dry_run = random() % 4 == 0,
                                .namespace_name = any(namespaces),
                                .user = any(users),
                                .image = any(images),
                                .registry = any(registries),
                                .requirement = any({"private-link", "sources"}),
                                .time = time(),
                                .cluster = any(clusters)};
      records.push_back(sample.Make());
      all.push_back({sample, records.back(), {}, 0});
    }
    const std::int64_t before = replica.log_hex.empty() ? 0 : static_cast<std::int64_t>(replica.store->Measure().rows);
    Send(replica, records);
    for (std::size_t i = first; i < all.size(); ++i) {
      all[i].log_hex = replica.log_hex;
      all[i].sequence = before + static_cast<std::int64_t>(i - first) + 1;
    }
  }

  const auto of_all = MakeReader();
  const auto of_dev = MakeReader(60s, "dev");
  for (int round = 0; round < 160; ++round) {
    const bool confined = random() % 4 == 0;
    Reader* const reader = confined ? of_dev.get() : of_all.get();
    Filter filter;
    if (random() % 3 == 0) {
      filter.cluster = any({"dev", "weu", "d", "dev*"});
    }
    if (random() % 3 == 0) {
      filter.since = time();
    }
    if (random() % 3 == 0) {
      filter.until = time();
    }
    if (random() % 4 == 0) {
      filter.since = std::chrono::floor<std::chrono::hours>(filter.since.value_or(time()));
    }
    if (random() % 4 == 0) {
      filter.until = std::chrono::floor<std::chrono::hours>(filter.until.value_or(time()));
    }
    if (random() % 2 == 0) {  // what hours are counted by, more often than all filters at once leave it
      filter.registry = filter.image = filter.user = filter.uid = "";
    }
    if (random() % 3 == 0) {
      filter.namespace_name = any({"shop", "shop*", "shop_*", "shop%*", "pay\\*", "*", "ä*", "none"});
    }
    if (random() % 3 == 0) {
      filter.decision = any({"Allowed", "Warned", "Denied"});
    }
    if (random() % 3 == 0) {
      filter.registry = any({"contoso.azurecr.io", "CONTOSO*", "docker.io", "*", "none*"});
    }
    if (random() % 3 == 0) {
      filter.image = any({"*", "nginx", "*/shop/*", "a_b%c\\d", "a?b*", "?/?:1", "n*x", "*cart*"});
    }
    if (random() % 3 == 0) {
      filter.user = any({"anna", "anna*", "system:*", "o'brien", "\"q\""});
    }
    if (random() % 8 == 0) {
      filter.uid = std::to_string(random() % 100);
    }
    SCOPED_TRACE("round " + std::to_string(round));

    std::vector<Known> wanted;
    std::copy_if(all.begin(), all.end(), std::back_inserter(wanted),
                 [&](const Known& known) { return Matches(filter, known) && (!confined || known.sample.cluster == "dev"); });
    SummaryBuilder counted;
    for (const Known& known : wanted) {
      counted.AddRow(known.sample.time, policy::ToString(known.sample.decision), known.sample.namespace_name, known.sample.user,
                     known.record.json);
    }
    const Query oldest{filter, Order::kOldestFirst, "", 1 + static_cast<std::int64_t>(random() % 90)};
    std::vector<std::string> arrived;
    for (const Known& known : wanted) {
      arrived.push_back(known.record.json);
    }
    EXPECT_EQ(Texts(support::ReadAll(*reader, oldest)), arrived);

    std::sort(wanted.begin(), wanted.end(), [](const Known& a, const Known& b) {
      return std::tuple(a.sample.time, a.log_hex, a.sequence) > std::tuple(b.sample.time, b.log_hex, b.sequence);
    });
    const std::vector<Row> rows = support::ReadAll(*reader, {filter, Order::kNewestFirst, "", oldest.limit});
    ASSERT_THAT(rows, SizeIs(wanted.size()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i].record, wanted[i].record.json);
      EXPECT_EQ(rows[i].time, wanted[i].sample.time);
      EXPECT_EQ(rows[i].sequence, wanted[i].sequence);
    }

    const Summary expected = std::move(counted).Build();
    const auto summary = reader->Summarise(filter);
    ASSERT_TRUE(summary) << summary.error().ToString();
    const auto text = [](const Summary& of) {
      std::string lines;
      const auto add = [&](const std::string& name, const Counts& counts) {
        lines +=
            name + " " + std::to_string(counts.allowed) + " " + std::to_string(counts.warned) + " " + std::to_string(counts.denied) + "\n";
      };
      for (const auto& hour : of.hours) {
        add(base::FormatTime(hour.begin), hour.counts);
      }
      for (const auto* values : {&of.by_registry, &of.by_requirement, &of.by_namespace, &of.by_user}) {
        for (const auto& value : *values) {
          add(value.value, value.counts);
        }
      }
      return lines;
    };
    EXPECT_EQ(text(*summary), text(expected));
  }
}

TEST_F(PostgresqlReaderTest, WholeHoursAreReadFromTheirCountsAndCutOnesFromTheRows) {
  Replica replica = MakeReplica();
  const base::Time hour = std::chrono::floor<std::chrono::hours>(clock_.Now()) - 3h;
  std::vector<Record> records;
  for (int i = 0; i < 6; ++i) {
    records.push_back(SampleRecord{.uid = std::to_string(i), .time = hour + i * 30min}.Make());
  }
  Send(replica, records);
  const auto denied = [](const Summary& summary) {
    std::vector<std::int64_t> counts;
    for (const Summary::Hour& of : summary.hours) {
      counts.push_back(of.counts.denied);
    }
    return counts;
  };
  const auto reader = MakeReader();
  const Filter cut{.since = hour + 10min, .until = hour + 130min};
  EXPECT_THAT(denied(reader->Summarise({}).value()), testing::ElementsAre(2, 2, 2));
  EXPECT_THAT(denied(reader->Summarise(cut).value()), testing::ElementsAre(1, 2, 1));
  support::Sql(server_, "DELETE FROM acr_admission.decision");
  EXPECT_THAT(denied(reader->Summarise({}).value()), testing::ElementsAre(2, 2, 2));
  EXPECT_THAT(denied(reader->Summarise(cut).value()), testing::ElementsAre(2));
  EXPECT_EQ(reader->Summarise({}).value().by_registry.at(0).counts.denied, 6);
  EXPECT_THAT(reader->Summarise({.user = "anna"}).value().hours, IsEmpty());
}

TEST_F(PostgresqlReaderTest, WhatIsSentTwiceIsCountedOnce) {
  Replica replica = MakeReplica();
  Send(replica, {SampleRecord{.uid = "1", .time = clock_.Now()}.Make(), SampleRecord{.uid = "2", .time = clock_.Now()}.Make()});
  // As after a process that died before its cursor was saved, with one more.
  ASSERT_TRUE(replica.store->SaveCursor(Forwarder::kConsumer, 1));
  replica.forwarder = std::make_unique<Forwarder>(*replica.store, server_, support::ResolveLoopback, clock_);
  Send(replica, {SampleRecord{.uid = "3", .time = clock_.Now()}.Make()});
  const Summary summary = MakeReader()->Summarise({}).value();
  ASSERT_THAT(summary.hours, SizeIs(1));
  EXPECT_EQ(summary.hours[0].counts.denied, 3);
  EXPECT_EQ(summary.by_user.at(0).counts.denied, 3);
}

TEST_F(PostgresqlReaderTest, ReplicasThatCountTheSameHourAtATimeWaitForEachOtherAndNoLonger) {
  constexpr int kReplicas = 4;
  constexpr int kBatches = 5;
  std::vector<Replica> replicas;
  for (int r = 0; r < kReplicas; ++r) {
    replicas.push_back(MakeReplica());
  }
  std::vector<std::thread> threads;
  for (int r = 0; r < kReplicas; ++r) {
    threads.emplace_back([&, r] {
      std::mt19937 random(static_cast<unsigned>(r));
      for (int batch = 0; batch < kBatches; ++batch) {
        std::vector<Record> records;
        for (int i = 0; i < 100; ++i) {
          records.push_back(SampleRecord{.namespace_name = "n" + std::to_string(random() % 20),
                                         .user = "u" + std::to_string(random() % 20),
                                         .registry = "r" + std::to_string(random() % 20),
                                         .time = clock_.Now() - std::chrono::hours(random() % 5)}
                                .Make());
        }
        Send(replicas[static_cast<std::size_t>(r)], records);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(support::Sql(server_, "SELECT sum(denied) FROM acr_admission.hourly GROUP BY dimension"),
              testing::Each(std::to_string(100 * kBatches * kReplicas)));
}

TEST_F(PostgresqlReaderTest, WhoMayReadANamespaceOfOneClusterReadsNothingOfTheOtherOverHttp) {
  Replica dev = MakeReplica();
  Replica weu = MakeReplica();
  const auto record = [&](const char* uid, const char* namespace_name, const char* user, const char* cluster) {
    return SampleRecord{.uid = uid, .namespace_name = namespace_name, .user = user, .time = clock_.Now(), .cluster = cluster}.Make();
  };
  Send(dev, {record("here", "secret", "anna", "dev"), record("same", "secret", "anna", "dev")});
  Send(weu, {record("there", "secret", "berta", "weu"), record("same", "secret", "berta", "weu"), record("other", "shop", "berta", "weu")});

  cli::Config config;
  config.cluster = "dev";
  config.audit.postgresql.emplace().server = server_;
  const auto reader = cli::OpenClusterRecords(config, 60s, stop_);
  for (const std::string& may : {std::string("secret"), std::string()}) {
    const auto authorize = [&](std::string_view, std::string_view, std::string_view namespace_name) {
      using Kind = webhook::Authorization::Kind;
      return webhook::Authorization{may.empty() || namespace_name == may ? Kind::kAllowed : Kind::kForbidden, "anna", ""};
    };
    const auto ask = [&](const std::string& target) {
      return webhook::Answer({.target = "/audit/v1/" + target, .token = "t", .peer = ""}, {*reader, *reader, config.cluster}, authorize,
                             clock_.Now());
    };
    std::vector<std::string> answers;
    for (const char* target : {"decisions?namespace=secret", "decisions?namespace=secret&order=oldest", "decisions/same", "decisions/here",
                               "summary?namespace=secret"}) {
      answers.push_back(ask(target).body);
      EXPECT_THAT(answers.back(), AllOf(HasSubstr("anna"), testing::Not(HasSubstr("berta")))) << target;
    }
    EXPECT_THAT(nlohmann::json::parse(answers.front())["decisions"], SizeIs(2));
    EXPECT_EQ(nlohmann::json::parse(answers.back())["hours"][0]["denied"], 2);
    EXPECT_EQ(ask("decisions/there").status, 404u);
    if (may.empty()) {
      EXPECT_THAT(nlohmann::json::parse(ask("decisions").body)["decisions"], SizeIs(2));
      EXPECT_THAT(ask("summary").body, testing::Not(HasSubstr("berta")));
    }
  }
}

TEST_F(PostgresqlReaderTest, PagesEndWhereTheyAreFullAndSayWhetherThereIsMore) {
  Replica replica = MakeReplica();
  std::vector<Record> records;
  for (int i = 0; i < 150; ++i) {
    records.push_back(SampleRecord{.uid = std::to_string(i), .padding = std::string(60'000, 'x'), .time = clock_.Now() + i * 1s}.Make());
  }
  Send(replica, records);
  const auto reader = MakeReader();

  const Page large = reader->Read({.limit = 1000}).value();
  EXPECT_EQ(large.rows.size(), 1 + kMaxPageBytes / records.front().json.size());
  EXPECT_NE(large.next, "");
  const Page ten = reader->Read({.limit = 10}).value();
  EXPECT_THAT(ten.rows, SizeIs(10));
  const Page exact = reader->Read({.filter = {.until = clock_.Now() + 10s}, .limit = 10}).value();
  EXPECT_THAT(exact.rows, SizeIs(10));
  EXPECT_EQ(exact.next, "");
  EXPECT_EQ(support::ReadAll(*reader, {.limit = 1000}).size(), 150u);
  EXPECT_EQ(support::ReadAll(*reader, {.order = Order::kOldestFirst, .limit = 7}).size(), 150u);
}

TEST_F(PostgresqlReaderTest, WhoFollowsSeesWhatArrivesLateWhateverItsTime) {
  Replica a = MakeReplica();
  Replica b = MakeReplica();
  Send(a, {SampleRecord{.uid = "first", .time = clock_.Now()}.Make()});
  const auto reader = MakeReader();
  std::string cursor = reader->End().value();

  // One that is being written when the page is read, by a transaction that began first.
  auto slow = support::Connect(server_);
  ASSERT_TRUE(
      slow.Execute("BEGIN; SELECT " + postgresql::TakeSharedLock(postgresql::Lock::kArrival) +
                       "; INSERT INTO acr_admission.decision (time, log, sequence, cluster, replica, decision, dry_run, uid, namespace, "
                       "\"user\", registries, images, blamed_registries, blamed_requirements, record) VALUES (now() - interval '1 hour', "
                       "'\\x02', 1, '', '', 'Denied', false, 'slow', '', '', '{}', '{}', '{}', '{}', 'slow')",
                   In(60s)));
  Send(b, {SampleRecord{.uid = "quick", .time = clock_.Now()}.Make()});
  std::thread commit([&] { EXPECT_TRUE(slow.Execute("COMMIT", In(60s))); });

  std::vector<std::string> seen;
  while (seen.size() < 2) {
    const auto page = reader->Read({.order = Order::kOldestFirst, .cursor = cursor});
    ASSERT_TRUE(page) << page.error().ToString();
    for (const Row& row : page->rows) {
      seen.push_back(row.record);
    }
    cursor = page->next;
  }
  commit.join();
  EXPECT_EQ(seen.front(), "slow");
  EXPECT_THAT(seen.back(), HasSubstr("\"quick\""));
  EXPECT_THAT(reader->Read({.order = Order::kOldestFirst, .cursor = cursor}).value().rows, IsEmpty());
}

TEST_F(PostgresqlReaderTest, RefusesCursorsOfOthers) {
  const auto reader = MakeReader();
  const std::string newest = postgresql::NewestCursor({clock_.Now(), std::string(32, 'a'), 7});
  for (const std::string& cursor : {std::string("x"), std::string("o.1"), std::string("n.1.2"), "n.01." + std::string(32, 'a') + ".1",
                                    std::string(32, 'a') + ".7", newest + "0x"}) {
    const auto page = reader->Read({.cursor = cursor});
    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().code, base::ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(reader->Read({.cursor = newest}));
  EXPECT_FALSE(reader->Read({.order = Order::kOldestFirst, .cursor = newest}));
  EXPECT_FALSE(reader->Read({.limit = 0}));
}

TEST_F(PostgresqlReaderTest, ALostConnectionIsMadeAnewAndAMissingSchemaSaysSo) {
  const auto reader = MakeReader();
  ASSERT_TRUE(reader->Read({}));
  support::Sql(server_,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_TRUE(reader->Read({}));
  support::Sql(server_, "DROP SCHEMA acr_admission CASCADE");
  EXPECT_FALSE(reader->Read({}));
  EXPECT_THAT(reader->Read({}).error().ToString(), HasSubstr("acr-admission audit migrate"));
}

TEST_F(PostgresqlReaderTest, AnAnswerThatTakesTooLongEndsAndSoDoesOneThatIsStopped) {
  const auto reader = MakeReader(100ms);
  ASSERT_TRUE(MakeReader()->Read({}));
  auto holder = support::Connect(server_);
  ASSERT_TRUE(holder.Execute("BEGIN; LOCK TABLE acr_admission.decision", In(60s)));
  const auto late = reader->Read({});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, base::ErrorCode::kUnavailable);
  EXPECT_THAT(late.error().ToString(), AllOf(HasSubstr("took longer than 100 ms"), HasSubstr("since")));

  const auto patient = MakeReader(1h);
  std::thread stopper([this] { stop_->Set(); });
  EXPECT_FALSE(patient->Read({}));
  stopper.join();
}

}  // namespace
}  // namespace audit
