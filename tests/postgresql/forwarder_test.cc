#include "audit/forwarder.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/postgresql_schema.h"
#include "base/hex.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/postgres_server.h"

namespace audit {
namespace {

using support::SampleRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

class ForwarderTest : public testing::Test {
 protected:
  void SetUp() override { store_ = support::OpenStore(options_, clock_); }

  base::Until In(std::chrono::steady_clock::duration time) const { return {std::chrono::steady_clock::now() + time, &stop_}; }

  void Migrate(std::optional<std::chrono::microseconds> retention = {}) const {
    auto connection = support::Connect(server_);
    const auto migrated = postgresql::Migrate(connection, retention, In(60s));
    ASSERT_TRUE(migrated) << migrated.error().ToString();
  }

  Forwarder MakeForwarder() const { return {*store_, server_, support::ResolveLoopback, clock_}; }

  void Commit(std::vector<SampleRecord> samples) const {
    std::vector<Record> records;
    for (const SampleRecord& sample : samples) {
      records.push_back(sample.Make());
    }
    ASSERT_TRUE(store_->Commit(records));
  }

  // Until nothing is left; how many rows.
  std::size_t PumpAll(Forwarder& forwarder) const {
    std::size_t rows = 0;
    for (bool more = true; more;) {
      const auto sent = forwarder.Pump(In(60s));
      EXPECT_TRUE(sent) << sent.error().ToString();
      more = sent && sent->more;
      rows += sent ? sent->rows : 0;
    }
    return rows;
  }

  std::vector<std::string> Sql(const std::string& script) const { return support::Sql(server_, script); }
  std::vector<std::string> Records() const { return Sql("SELECT record FROM acr_admission.decision ORDER BY arrival"); }
  std::string Count() const { return Sql("SELECT count(*) FROM acr_admission.decision").front(); }

  std::vector<std::string> StoredRecords() const {
    std::int64_t cursor = 0;
    return store_->ReadCommitted(&cursor, 1'000'000).value();
  }

  support::PostgresServer& postgres_ = support::SharedPostgres();
  const postgresql::Server server_ = postgres_.OverSocket(postgres_.CreateDatabase());
  support::FakeClock clock_{base::SystemClock().Now()};  // the server has a clock of its own
  const StoreOptions options_{.database = support::ScratchDatabase(), .waits_for = Forwarder::kConsumer};
  std::unique_ptr<Store> store_;
  base::Event stop_;
};

TEST_F(ForwarderTest, RowsArriveWithTheirColumnsAndTheRecordByteForByte) {
  Migrate();
  Record record = SampleRecord{.uid = "u\"1\\", .dry_run = true, .namespace_name = std::string("a\0b", 3), .time = clock_.Now()}.Make();
  record.registries = " contoso.azurecr.io docker.io ";
  record.json =
      R"({"uid":"u","decision":"Denied","images":[{"image":"contoso.azurecr.io/a:1\u0000","registry":"contoso.azurecr.io","findings":[)"
      R"({"requirement":"private-link","result":"NonCompliant","effect":"Deny"}]},{"image":"nginx","registry":"docker.io","findings":[]}],)"
      R"("cluster":"prod-\"weu","replica":"pod-1","unknown":  [1.5, "é€😀" ]})";
  ASSERT_TRUE(store_->Commit({&record, 1}));
  Forwarder forwarder = MakeForwarder();
  EXPECT_EQ(PumpAll(forwarder), 1u);

  EXPECT_THAT(Records(), ElementsAre(record.json));
  const std::string log = base::ToHex(store_->ReadRows(0, 1, 1).value().log);
  EXPECT_THAT(
      Sql("SELECT concat_ws('|', encode(log, 'hex'), sequence, cluster, replica, decision, dry_run, uid, namespace, \"user\", registries, "
          "images, blamed_registries, blamed_requirements) FROM acr_admission.decision"),
      ElementsAre(log + R"(|1|prod-"weu|pod-1|Denied|t|u"1\|a)" + "\uFFFD" +
                  R"(b|anna|{contoso.azurecr.io,docker.io}|{contoso.azurecr.io/a:1)" + "\uFFFD" +
                  R"(,nginx}|{contoso.azurecr.io}|{private-link})"));
  EXPECT_THAT(Sql("SELECT (extract(epoch FROM time) * 1000000)::bigint FROM acr_admission.decision"),
              ElementsAre(std::to_string(record.time.time_since_epoch().count())));
  EXPECT_EQ(store_->Measure().waiting, 0);
}

TEST_F(ForwarderTest, ManyRowsArriveInOrderInBatches) {
  Migrate();
  std::vector<SampleRecord> samples;
  for (int i = 0; i < 1203; ++i) {
    samples.push_back({.uid = std::to_string(i), .padding = i % 100 == 0 ? std::string(60'000, 'x') : "", .time = clock_.Now()});
  }
  Commit(samples);
  Forwarder forwarder = MakeForwarder();
  EXPECT_EQ(PumpAll(forwarder), samples.size());
  EXPECT_EQ(Records(), StoredRecords());
  const auto idle = forwarder.Pump(In(60s));
  ASSERT_TRUE(idle);
  EXPECT_EQ(idle->rows, 0u);
  EXPECT_FALSE(idle->more);
}

TEST_F(ForwarderTest, WhatIsSentAgainIsThereOnce) {
  Migrate();
  Commit({{.uid = "a", .time = clock_.Now()}, {.uid = "b", .time = clock_.Now()}});
  Forwarder forwarder = MakeForwarder();
  EXPECT_EQ(PumpAll(forwarder), 2u);
  ASSERT_TRUE(store_->SaveCursor(Forwarder::kConsumer, 0));  // as when the process died before it was saved
  Commit({{.uid = "c", .time = clock_.Now()}});
  Forwarder next = MakeForwarder();
  EXPECT_EQ(PumpAll(next), 3u);
  EXPECT_EQ(Records(), StoredRecords());
}

TEST_F(ForwarderTest, LogsThatAreNotTheSameDoNotGetInEachOthersWay) {
  Migrate();
  Commit({{.uid = "mine", .time = clock_.Now()}});
  const auto other = support::OpenStore({.database = options_.database + "2"}, clock_);
  const Record record = SampleRecord{.uid = "other's", .time = clock_.Now()}.Make();
  ASSERT_TRUE(other->Commit({&record, 1}));
  Forwarder mine = MakeForwarder();
  Forwarder others(*other, server_, support::ResolveLoopback, clock_);
  PumpAll(mine);
  PumpAll(others);
  EXPECT_EQ(Count(), "2");
}

TEST_F(ForwarderTest, ASchemaThatIsMissingOrNewerIsWaitedFor) {
  Commit({{.uid = "a", .time = clock_.Now()}});
  Forwarder forwarder = MakeForwarder();
  const auto missing = forwarder.Pump(In(60s));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().ToString(), HasSubstr("no schema for audit records; make it with acr-admission audit migrate"));
  EXPECT_EQ(store_->Measure().waiting, 1);

  Migrate();
  Sql("UPDATE acr_admission.schema_version SET version = 9, compatible = 9");
  EXPECT_THAT(forwarder.Pump(In(60s)).error().ToString(), HasSubstr("use a newer acr-admission"));

  Sql("UPDATE acr_admission.schema_version SET version = 1, compatible = 1");
  EXPECT_THAT(forwarder.Pump(In(60s)).error().ToString(), HasSubstr("migrate it with acr-admission audit migrate"));

  Sql("UPDATE acr_admission.schema_version SET version = " + std::to_string(postgresql::kSchemaVersion));
  EXPECT_EQ(PumpAll(forwarder), 1u);

  Sql("DROP SCHEMA acr_admission CASCADE");
  Commit({{.uid = "b", .time = clock_.Now()}});
  EXPECT_FALSE(forwarder.Pump(In(60s)));
  Migrate();
  EXPECT_EQ(PumpAll(forwarder), 1u);
}

TEST_F(ForwarderTest, AConnectionThatWasEndedMeanwhileIsNoFailure) {
  Migrate();
  Forwarder forwarder = MakeForwarder();
  PumpAll(forwarder);
  Sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
  Commit({{.uid = "a", .time = clock_.Now()}});
  EXPECT_EQ(PumpAll(forwarder), 1u);
}

TEST_F(ForwarderTest, RowsGoToThePartitionOfTheirDayAndThoseOfOddTimesToTheDefaultOne) {
  Migrate();
  Commit({{.uid = "today", .time = clock_.Now()},
          {.uid = "late", .time = clock_.Now() - 24h * 5},
          {.uid = "long ago", .time = clock_.Now() - 24h * 500},
          {.uid = "1970", .time = base::Time{}},
          {.uid = "far", .time = base::Time(std::chrono::microseconds(std::numeric_limits<std::int64_t>::max() / 2))}});
  Forwarder forwarder = MakeForwarder();
  EXPECT_EQ(PumpAll(forwarder), 5u);
  EXPECT_THAT(Sql("SELECT uid FROM acr_admission.decision_default ORDER BY arrival"), ElementsAre("long ago", "1970", "far"));
  EXPECT_EQ(Records(), StoredRecords());
  EXPECT_FALSE(forwarder.upkeep_problem()) << *forwarder.upkeep_problem();
}

TEST_F(ForwarderTest, APartitionIsThereBeforeItsDayAndWhatIsOldGoes) {
  Migrate(30 * 24h);
  Sql("SELECT acr_admission.make_partition((now() AT TIME ZONE 'UTC')::date - 40)");
  const std::string partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'acr_admission.decision'::regclass";
  EXPECT_THAT(Sql(partitions), ElementsAre("6"));
  Forwarder forwarder = MakeForwarder();
  PumpAll(forwarder);
  EXPECT_THAT(Sql(partitions), ElementsAre("5"));

  clock_.Advance(24h * 4);  // of ours; tomorrow is one that the migration has not made
  PumpAll(forwarder);
  EXPECT_THAT(Sql(partitions), ElementsAre("7"));
  EXPECT_FALSE(forwarder.upkeep_problem()) << *forwarder.upkeep_problem();
}

TEST_F(ForwarderTest, WithoutRightsToTheFunctionsRowsArriveAllTheSame) {
  Migrate();
  const std::string writer = "insert_only_of_" + server_.database;
  Sql("CREATE ROLE " + writer + " LOGIN; GRANT USAGE ON SCHEMA acr_admission TO " + writer +
      "; GRANT SELECT ON acr_admission.schema_version TO " + writer + "; GRANT INSERT ON acr_admission.decision TO " + writer +
      "; GRANT USAGE ON SEQUENCE acr_admission.arrival TO " + writer);
  Commit({{.uid = "a", .time = clock_.Now()}, {.uid = "b", .time = clock_.Now() - 24h * 9}});
  Forwarder forwarder(*store_, postgres_.OverSocket(server_.database, writer), support::ResolveLoopback, clock_);
  EXPECT_EQ(PumpAll(forwarder), 2u);
  EXPECT_EQ(Records(), StoredRecords());
  ASSERT_TRUE(forwarder.upkeep_problem());
  EXPECT_THAT(*forwarder.upkeep_problem(), HasSubstr("permission denied for function make_partition"));
}

TEST_F(ForwarderTest, ARowThatTheServerNeverTakesHoldsUpNoOther) {
  Migrate();
  Sql("ALTER TABLE acr_admission.decision ADD CONSTRAINT mine CHECK (uid <> 'bad')");
  Commit({{.uid = "a", .time = clock_.Now()}, {.uid = "bad", .time = clock_.Now()}, {.uid = "c", .time = clock_.Now()}});
  Forwarder forwarder = MakeForwarder();
  std::size_t refused = 0;
  std::string why;
  for (bool more = true; more;) {
    const auto sent = forwarder.Pump(In(60s));
    ASSERT_TRUE(sent) << sent.error().ToString();
    more = sent->more;
    refused += sent->refused;
    why += sent->refusal;
  }
  EXPECT_EQ(refused, 1u);
  EXPECT_THAT(why, HasSubstr("violates check constraint \"mine\""));
  EXPECT_THAT(Sql("SELECT uid FROM acr_admission.decision ORDER BY arrival"), ElementsAre("a", "c"));
}

TEST_F(ForwarderTest, ALockThatSomebodyHoldsEndsWithTheDeadlineAndTheRowsComeAfterIt) {
  Migrate();
  Commit({{.uid = "a", .time = clock_.Now()}});
  Forwarder forwarder = MakeForwarder();
  {
    auto holder = support::Connect(server_);
    ASSERT_TRUE(holder.Execute("BEGIN; LOCK TABLE acr_admission.decision", In(60s)));
    const auto held = forwarder.Pump(In(100ms));
    ASSERT_FALSE(held);
    EXPECT_THAT(held.error().message, HasSubstr("timed out"));
    std::thread stopper([this] { stop_.Set(); });
    EXPECT_FALSE(forwarder.Pump(In(1h)));
    stopper.join();
  }
  const base::Event never;
  const auto sent = forwarder.Pump({std::chrono::steady_clock::now() + 60s, &never});
  ASSERT_TRUE(sent) << sent.error().ToString();
  EXPECT_EQ(Records(), StoredRecords());
}

TEST_F(ForwarderTest, TwoThatForwardTheSameLogMakeNoRowTwice) {
  Migrate();
  std::vector<SampleRecord> samples(900, SampleRecord{.time = clock_.Now()});
  Commit(samples);
  Forwarder a = MakeForwarder();
  Forwarder b = MakeForwarder();
  std::thread other([&] { PumpAll(a); });
  PumpAll(b);
  other.join();
  EXPECT_EQ(Count(), "900");
}

}  // namespace
}  // namespace audit
