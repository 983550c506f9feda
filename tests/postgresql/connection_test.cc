#include "audit/postgresql.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/postgres_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_certificates.h"

namespace audit::postgresql {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PostgresqlConnection : public testing::Test {
 protected:
  base::Until In(steady_clock::duration time) const { return {steady_clock::now() + time, &stop_}; }

  // "" when it connects.
  std::string Refusal(const Server& server) {
    const auto connection = Connection::Open(server, support::ResolveLoopback, In(seconds(20)));
    return connection ? "" : connection.error().ToString();
  }

  support::PostgresServer& postgres_ = support::SharedPostgres();
  const Server socket_ = postgres_.OverSocket("postgres");
  base::Event stop_;
};

TEST_F(PostgresqlConnection, TextsComeBackAsTheyWereSent) {
  Connection connection = support::Connect(socket_);
  const std::vector<std::string> texts = {"plain", "a\"b\\c{d},e", "", "NULL", "ä€😀", "line\nbreak", " blanks "};
  const std::vector<Parameter> parameters = {ArrayLiteral(texts), std::nullopt, Storable(std::string("a\0b", 3))};

  const auto rows = connection.Query("SELECT t, $2::text, $3::text FROM unnest($1::text[]) AS t", parameters, In(seconds(20)));

  ASSERT_TRUE(rows) << rows.error().ToString();
  ASSERT_EQ(rows->size(), static_cast<int>(texts.size()));
  for (int i = 0; i < rows->size(); ++i) {
    EXPECT_EQ(rows->Text(i, 0), texts[static_cast<std::size_t>(i)]);
    EXPECT_TRUE(rows->IsNull(i, 1));
    EXPECT_EQ(rows->Text(i, 2), "a\uFFFDb");
  }
  EXPECT_TRUE(connection.Idle());
}

TEST_F(PostgresqlConnection, WhatIsRefusedSaysWhyAndTheConnectionGoesOn) {
  Connection connection = support::Connect(socket_);

  const auto refused = connection.Query("SELECT * FROM no_such_table", In(seconds(20)));
  const auto secret = connection.Query("SELECT 'my secret'::int", In(seconds(20)));
  const auto next = connection.Query("SELECT 17", In(seconds(20)));

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().state, "42P01");
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("PostgreSQL at " + socket_.host), HasSubstr("\"no_such_table\" does not exist")));
  EXPECT_EQ(refused.error().code, base::ErrorCode::kInvalidArgument);
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().state, "22P02");
  EXPECT_EQ(secret.error().code, base::ErrorCode::kUnavailable);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->Int(0, 0), 17);
}

TEST_F(PostgresqlConnection, LargeStatementsAndAnswersDoNotStick) {
  Connection connection = support::Connect(socket_);
  const std::string large(std::size_t{12} << 20, 'x');

  const auto rows = connection.Query("SELECT $1::text || $1::text", std::vector<Parameter>{large}, In(seconds(60)));

  ASSERT_TRUE(rows) << rows.error().ToString();
  EXPECT_EQ(rows->Text(0, 0).size(), 2 * large.size());
}

TEST_F(PostgresqlConnection, AServerThatIsStuckEndsNeitherALaterDeadlineNorAStop) {
  support::PostgresServer own(support::PostgresServer::Disk::kNotSynced);
  Connection connection = support::Connect(own.OverSocket("postgres"));
  own.Pause();

  // The deadlines alone end these: a call that went on would hang the test.
  const auto opened =
      Connection::Open(own.OverTls("postgres", "postgres", ""), support::ResolveLoopback, In(std::chrono::milliseconds(50)));
  const auto asked = connection.Query("SELECT 1", In(std::chrono::milliseconds(50)));
  std::thread stopper([this] { stop_.Set(); });
  const auto stopped = connection.Query("SELECT 1", In(std::chrono::hours(1)));
  stopper.join();
  connection = support::Connect(socket_);  // closing the old one does not wait either
  own.Resume();

  EXPECT_THAT(opened.error().message, AllOf(HasSubstr("connecting"), HasSubstr("timed out")));
  EXPECT_THAT(asked.error().message, HasSubstr("waiting for its answer: timed out"));
  EXPECT_FALSE(stopped);
}

TEST_F(PostgresqlConnection, AServerThatIsAwayIsAnError) {
  Server nobody = socket_;
  nobody.host = "/nonexistent";
  EXPECT_THAT(Refusal(nobody), HasSubstr("cannot connect"));
}

TEST_F(PostgresqlConnection, OverTlsWithAPasswordFromItsFile) {
  const support::TempFolder folder;
  folder.Write("password", "correct-horse\n");
  folder.Write("wrong", "battery-staple\n");
  support::Sql(socket_, "DROP ROLE IF EXISTS anna; CREATE ROLE anna LOGIN PASSWORD 'correct-horse'");

  const Server right = postgres_.OverTls("postgres", "anna", folder / "password");
  Connection connection = support::Connect(right);
  const auto rows = connection.Query("SELECT ssl, (SELECT current_user) FROM pg_stat_ssl WHERE pid = pg_backend_pid()", In(seconds(20)));
  ASSERT_TRUE(rows) << rows.error().ToString();
  EXPECT_EQ(rows->Text(0, 0), "t");
  EXPECT_EQ(rows->Text(0, 1), "anna");

  EXPECT_THAT(Refusal(postgres_.OverTls("postgres", "anna", folder / "wrong")),
              AllOf(HasSubstr("PostgreSQL at localhost:"), HasSubstr("password authentication failed for user \"anna\""),
                    Not(HasSubstr("battery-staple"))));
  EXPECT_THAT(Refusal(postgres_.OverTls("postgres", "anna", folder / "missing")), HasSubstr(folder / "missing"));
  EXPECT_THAT(Refusal(postgres_.OverTls("postgres", "anna", "")), HasSubstr("no password supplied"));

  folder.Write("wrong", "correct-horse");  // the file is read at each connection
  EXPECT_EQ(Refusal(postgres_.OverTls("postgres", "anna", folder / "wrong")), "");
}

TEST_F(PostgresqlConnection, AServerThatCannotShowWhoItIsIsRefused) {
  const support::TempFolder folder;
  folder.Write("password", "correct-horse");
  folder.Write("other.crt", support::MakeCa("another authority").certificate_pem);
  support::Sql(socket_, "DROP ROLE IF EXISTS berta; CREATE ROLE berta LOGIN PASSWORD 'correct-horse'");

  Server other = postgres_.OverTls("postgres", "berta", folder / "password");
  other.ca = folder / "other.crt";
  EXPECT_THAT(Refusal(other), HasSubstr("certificate verify failed"));

  Server missing = postgres_.OverTls("postgres", "berta", folder / "password");
  missing.ca = folder / "missing.crt";
  EXPECT_THAT(Refusal(missing), HasSubstr("missing.crt"));

  Server name = postgres_.OverTls("postgres", "berta", folder / "password");
  name.host = "postgres.example";
  EXPECT_THAT(Refusal(name), HasSubstr("does not match host name \"postgres.example\""));

  EXPECT_EQ(Refusal(postgres_.OverTls("postgres", "berta", folder / "password")), "");
}

TEST_F(PostgresqlConnection, AConnectionWithoutTlsIsNeverTried) {
  const support::TempFolder folder;
  folder.Write("password", "correct-horse");
  support::Sql(socket_, "DROP ROLE IF EXISTS carla; CREATE ROLE carla LOGIN PASSWORD 'correct-horse'");
  support::PostgresServer own(support::PostgresServer::Disk::kNotSynced);
  own.Kill();
  own.Start({"ssl=off"});

  EXPECT_THAT(Refusal(own.OverTls("postgres", "carla", folder / "password")), HasSubstr("server does not support SSL"));
}

}  // namespace
}  // namespace audit::postgresql
