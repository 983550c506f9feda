#include "cli/audit_migrate.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/postgresql_schema.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AuditMigrate : public testing::Test {
 protected:
  struct Result {
    int exit = 0;
    std::string out, err;
  };

  // As a user would: by a configuration file.
  Result Run(const std::string& retention = "", const std::string& user = "") {
    const std::string file = folder_ / "config.yaml";
    std::ofstream(file)
        << "tls: {certificate: tls.crt, key: tls.key}\ninventory: {source: file, file: registries.json}\naudit:\n  postgresql: {host: "
        << server_.host << ", port: " << server_.port << ", database: " << server_.database << ", user: " << server_.user
        << (retention.empty() ? "" : ", retention: " + retention) << "}\n";
    return RunWith(file, user);
  }
  static Result RunWith(const std::string& file, const std::string& user = "") {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    AuditMigrateArguments arguments;
    arguments.config = file;
    arguments.user = user;
    const int exit = RunAuditMigrate(arguments, {in, out, err, {}, false});
    return {exit, out.str(), err.str()};
  }
  std::vector<std::string> Sql(const std::string& script) { return support::Sql(server_, script); }

  support::PostgresServer& postgres_ = support::SharedPostgres();
  const audit::postgresql::Server server_ = postgres_.OverSocket(postgres_.CreateDatabase());
  const support::TempFolder folder_;
};

TEST_F(AuditMigrate, MakesTheSchemaAndAgainLeavesItAsItIs) {
  const Result first = Run();
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("database " + server_.database), HasSubstr("version 2, made anew")));
  Sql("INSERT INTO acr_admission.decision VALUES (now(), '\\x01', 1, 1, '', '', 'Denied', false, 'u-1', '', '', '{}', '{}', '{}', '{}', "
      "'record')");

  const Result again = Run();
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("version 2, as before"));
  EXPECT_THAT(Sql("SELECT record FROM acr_admission.decision"), ElementsAre("record"));
  EXPECT_THAT(Sql("SELECT version FROM acr_admission.schema_version"), ElementsAre("2"));
  EXPECT_THAT(Sql("SELECT tableoid::regclass = ('acr_admission.decision_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD'))::regclass FROM "
                  "acr_admission.decision"),
              ElementsAre("t"));
}

TEST_F(AuditMigrate, VersionOneIsCountedAndWhoCouldReadItsRecordsCanReadTheCounts) {
  ASSERT_EQ(Run().exit, 0);
  Sql("DROP TRIGGER count_inserted ON acr_admission.decision; DROP FUNCTION acr_admission.count_inserted; DROP TABLE acr_admission.hourly; "
      "DROP INDEX acr_admission.decision_by_cluster; UPDATE acr_admission.schema_version SET version = 1");
  const std::string reader = "reader of " + server_.database;
  Sql("CREATE ROLE \"" + reader + "\"; GRANT SELECT ON acr_admission.decision TO \"" + reader + "\"");
  Sql("INSERT INTO acr_admission.decision SELECT '2026-11-23T12:30Z', '\\x01', n, n, 'weu', '', d, false, '', 'shop', 'anna', '{}', '{}', "
      "'{a,b}', '{private-link}', 'r' FROM unnest(ARRAY['Allowed', 'Denied', 'Denied', 'Warned', 'VerdictChanged']) WITH ORDINALITY AS "
      "u(d, n)");

  const Result migrated = Run();
  EXPECT_EQ(migrated.exit, 0) << migrated.err;
  EXPECT_THAT(migrated.out, HasSubstr("version 2"));
  EXPECT_THAT(Sql("SELECT concat_ws(' ', to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), cluster, namespace, dimension, value, "
                  "allowed, warned, denied) FROM acr_admission.hourly ORDER BY dimension, value"),
              ElementsAre("2026-11-23 12:00 weu shop all  1 1 2", "2026-11-23 12:00 weu shop registry a 0 1 2",
                          "2026-11-23 12:00 weu shop registry b 0 1 2", "2026-11-23 12:00 weu shop requirement private-link 0 1 2",
                          "2026-11-23 12:00 weu shop user anna 0 1 2"));
  EXPECT_THAT(Sql("SELECT has_table_privilege('" + reader + "', 'acr_admission.hourly', p) FROM unnest(ARRAY['SELECT', 'UPDATE']) AS p"),
              ElementsAre("t", "f"));
}

TEST_F(AuditMigrate, SeveralAtATimeAreOne) {
  std::vector<Result> results(6);
  std::vector<std::thread> threads;
  Run("", "nobody at all");  // writes the file that all read
  for (Result& result : results) {
    threads.emplace_back([&] { result = RunWith(folder_ / "config.yaml"); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  int made = 0;
  for (const Result& result : results) {
    EXPECT_EQ(result.exit, 0) << result.err;
    made += result.out.find("made anew") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(made, 1);
}

TEST_F(AuditMigrate, ANewerSchemaIsUsedOnlyWhereItSaysSo) {
  ASSERT_EQ(Run().exit, 0);

  Sql("UPDATE acr_admission.schema_version SET version = 7, compatible = 1");
  const Result compatible = Run();
  EXPECT_EQ(compatible.exit, 0) << compatible.err;
  EXPECT_THAT(compatible.out, HasSubstr("version 7, as before"));

  Sql("UPDATE acr_admission.schema_version SET compatible = 6");
  const Result refused = Run();
  EXPECT_EQ(refused.exit, 2);
  EXPECT_THAT(refused.out, IsEmpty());
  EXPECT_THAT(refused.err, AllOf(HasSubstr("the schema has version 7"), HasSubstr("use a newer acr-admission")));
  EXPECT_THAT(Sql("SELECT version FROM acr_admission.schema_version"), ElementsAre("7"));
}

TEST_F(AuditMigrate, AMigrationThatFailsLeavesNothing) {
  Sql("CREATE SCHEMA acr_admission; CREATE TABLE acr_admission.decision (something_else text)");
  const Result result = Run();
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("relation \"decision\" already exists"));
  EXPECT_THAT(Sql("SELECT to_regclass('acr_admission.schema_version') IS NULL"), ElementsAre("t"));
}

TEST_F(AuditMigrate, WritersMayInsertAndNothingElse) {
  ASSERT_EQ(Run("30d").exit, 0);
  const std::string writer = "writer_of_" + server_.database;
  Sql("CREATE ROLE " + writer + " LOGIN; GRANT USAGE ON SCHEMA acr_admission TO " + writer +
      "; GRANT SELECT ON acr_admission.schema_version TO " + writer + "; GRANT INSERT ON acr_admission.decision TO " + writer +
      "; GRANT USAGE ON SEQUENCE acr_admission.arrival TO " + writer +
      "; GRANT EXECUTE ON FUNCTION acr_admission.make_partition, acr_admission.drop_old_partitions TO " + writer);
  const audit::postgresql::Server as_writer = postgres_.OverSocket(server_.database, writer);
  support::Sql(
      as_writer,
      "SELECT acr_admission.make_partition((now() AT TIME ZONE 'UTC')::date - 1);"
      "INSERT INTO acr_admission.decision (time, log, sequence, cluster, replica, decision, dry_run, uid, namespace, \"user\", registries, "
      "images, blamed_registries, blamed_requirements, record) VALUES (now(), '\\x01', 1, '', '', 'Denied', false, 'u-1', '', '', '{}', "
      "'{}', '{}', '{}', 'r') ON CONFLICT "
      "DO NOTHING");
  EXPECT_THAT(Sql("SELECT record FROM acr_admission.decision"), ElementsAre("r"));
  EXPECT_THAT(Sql("SELECT denied FROM acr_admission.hourly"), ElementsAre("1")) << "counted without a right to count";

  audit::postgresql::Connection connection = support::Connect(as_writer);
  const base::Event never;
  for (const char* forbidden :
       {"UPDATE acr_admission.decision SET record = 'x'", "DELETE FROM acr_admission.decision", "TRUNCATE acr_admission.decision",
        "DROP TABLE acr_admission.decision_default", "UPDATE acr_admission.setting SET retention = interval '0'",
        "SELECT record FROM acr_admission.decision", "UPDATE acr_admission.hourly SET denied = 0",
        "INSERT INTO acr_admission.hourly VALUES (now(), '', '', 'all', '', 1, 1, 1)", "DELETE FROM acr_admission.hourly",
        "CREATE TABLE acr_admission.mine (a int)"}) {
    const auto refused = connection.Query(forbidden, {std::chrono::steady_clock::now() + std::chrono::seconds(20), &never});
    ASSERT_FALSE(refused) << forbidden;
    EXPECT_EQ(refused.error().state, "42501") << forbidden << ": " << refused.error().ToString();
  }
}

TEST_F(AuditMigrate, RetentionDropsWholeDaysAndWhatIsOldInTheDefaultPartition) {
  ASSERT_EQ(Run("30d").exit, 0);
  for (const int days : {29, 32, 40}) {
    EXPECT_THAT(Sql("SELECT acr_admission.make_partition((now() AT TIME ZONE 'UTC')::date - " + std::to_string(days) + ")"),
                ElementsAre("t"));
  }
  Sql("INSERT INTO acr_admission.decision SELECT now() - d * interval '1 day', '\\x01', d, d, '', '', 'Denied', false, '', '', '', '{}', "
      "'{}', "
      "'{}', '{}', 'r' FROM unnest(ARRAY[0, 29, 32, 40, 500, -100]) AS d");
  EXPECT_THAT(Sql("SELECT sequence FROM acr_admission.decision_default ORDER BY sequence"), ElementsAre("-100", "500"));

  EXPECT_THAT(Sql("SELECT acr_admission.drop_old_partitions()"), ElementsAre("2"));
  EXPECT_THAT(Sql("SELECT sequence FROM acr_admission.decision ORDER BY sequence"), ElementsAre("-100", "0", "29"));
  EXPECT_THAT(Sql("SELECT hour FROM acr_admission.hourly ORDER BY hour"),
              testing::ElementsAreArray(Sql("SELECT date_trunc('hour', time) FROM acr_admission.decision ORDER BY time")))
      << "what is counted goes with the records";

  ASSERT_EQ(Run().exit, 0);  // without retention from now on
  Sql("UPDATE acr_admission.decision SET time = time - interval '200 days' WHERE sequence = 29");
  EXPECT_THAT(Sql("SELECT acr_admission.drop_old_partitions()"), ElementsAre("0"));
  EXPECT_THAT(Sql("SELECT count(*) FROM acr_admission.decision"), ElementsAre("3"));
}

TEST_F(AuditMigrate, APartitionTakesWhatTheDefaultOneHeldForIt) {
  ASSERT_EQ(Run().exit, 0);
  Sql("INSERT INTO acr_admission.decision SELECT now() - d * interval '1 day', '\\x01', d, d, '', '', 'Denied', false, '', '', '', '{}', "
      "'{}', "
      "'{}', '{}', 'record ' || d FROM unnest(ARRAY[10, 11]) AS d");
  EXPECT_THAT(Sql("SELECT count(*) FROM acr_admission.decision_default"), ElementsAre("2"));

  EXPECT_THAT(Sql("SELECT acr_admission.make_partition((now() AT TIME ZONE 'UTC')::date - 10)"), ElementsAre("t"));
  EXPECT_THAT(Sql("SELECT acr_admission.make_partition((now() AT TIME ZONE 'UTC')::date - 10)"), ElementsAre("f"));
  EXPECT_THAT(Sql("SELECT record FROM acr_admission.decision_default"), ElementsAre("record 11"));
  EXPECT_THAT(Sql("SELECT record FROM acr_admission.decision ORDER BY sequence"), ElementsAre("record 10", "record 11"));
}

TEST_F(AuditMigrate, DaysFarAwayGetNoPartition) {
  ASSERT_EQ(Run().exit, 0);
  EXPECT_THAT(Sql("SELECT acr_admission.make_partition(d) FROM unnest(ARRAY['1970-01-01', '9999-12-31']::date[]) AS d"),
              ElementsAre("f", "f"));
}

TEST_F(AuditMigrate, SaysWhatIsMissing) {
  std::ofstream(folder_ / "config.yaml") << "tls: {certificate: tls.crt, key: tls.key}\ninventory: {source: file, file: registries.json}\n";
  const Result result = RunWith(folder_ / "config.yaml");
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("has no audit.postgresql"));
  EXPECT_THAT(Run("", "no_such_user").err, HasSubstr("role \"no_such_user\" does not exist"));
}

}  // namespace
}  // namespace cli
