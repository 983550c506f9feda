#include "cli/postgresql_config.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/yaml.h"

namespace cli {
namespace {

using testing::HasSubstr;

struct Read {
  PostgresqlConfig config;
  std::string problems;
};

Read ReadSection(const std::string& text) {
  base::Problems problems;
  const auto node = base::ParseYaml(text, "config.yaml");
  Read read;
  if (!node) {
    return {{}, base::ToString(node.error())};
  }
  read.config = ReadPostgresql(*node, "config.yaml", "/etc/acr", problems);
  read.problems = base::ToString(problems);
  return read;
}

TEST(PostgresqlConfig, OverTcpTheServerMustShowWhoItIs) {
  const auto [config, problems] = ReadSection("{host: db.example, database: audit, user: writer}");
  EXPECT_EQ(problems, "");
  EXPECT_EQ(config.server.host, "db.example");
  EXPECT_EQ(config.server.port, 5432);
  EXPECT_EQ(config.server.database, "audit");
  EXPECT_EQ(config.server.user, "writer");
  EXPECT_EQ(config.server.password_file, "");
  EXPECT_EQ(config.server.ca, "/etc/ssl/certs/ca-certificates.crt");
  EXPECT_FALSE(config.retention);
}

TEST(PostgresqlConfig, EveryKey) {
  const auto [config, problems] = ReadSection(
      "host: 10.0.0.7\nport: 6432\ndatabase: audit\nuser: writer\npasswordFile: secret/password\nretention: 365d\n"
      "tls: {mode: verify-full, ca: ca.crt, certificate: client.crt, key: /run/client.key}\n");
  EXPECT_EQ(problems, "");
  EXPECT_EQ(config.server.port, 6432);
  EXPECT_EQ(config.server.password_file, "/etc/acr/secret/password");
  EXPECT_EQ(config.server.ca, "/etc/acr/ca.crt");
  EXPECT_EQ(config.server.certificate, "/etc/acr/client.crt");
  EXPECT_EQ(config.server.key, "/run/client.key");
  EXPECT_EQ(config.retention, std::chrono::days(365));
}

TEST(PostgresqlConfig, ASocketHasNoTls) {
  const auto [config, problems] = ReadSection("{host: /run/postgresql, database: audit, user: writer, tls: {mode: disable}}");
  EXPECT_EQ(problems, "");
  EXPECT_EQ(config.server.host, "/run/postgresql");
  EXPECT_EQ(config.server.ca, "");
  EXPECT_THAT(ReadSection("{host: /run/postgresql, database: a, user: w, tls: {mode: verify-full, ca: ca.crt}}").problems,
              AllOf(HasSubstr("audit.postgresql.tls.mode: verify-full is of no use over a Unix socket"),
                    HasSubstr("audit.postgresql.tls.ca: is of no use over a Unix socket")));
}

TEST(PostgresqlConfig, WhatIsWrongSaysWhatWasExpected) {
  EXPECT_THAT(ReadSection("{host: db.example, database: a, user: w, tls: {mode: disable}}").problems,
              HasSubstr("audit.postgresql.tls.mode: disable is for a Unix socket alone"));
  EXPECT_THAT(ReadSection("{host: db.example, database: a, user: w, tls: {mode: prefer}}").problems, HasSubstr("verify-full"));
  EXPECT_THAT(ReadSection("{host: db.example, database: a, user: w, tls: {certificate: c.crt}}").problems,
              HasSubstr("has one of certificate and key"));
  EXPECT_THAT(ReadSection("{host: \"a,b\", database: a, user: w}").problems,
              HasSubstr("audit.postgresql.host: expected a name, an address, or the folder of a Unix socket"));
  EXPECT_THAT(ReadSection("{host: db.example, port: 0, database: a, user: w}").problems, HasSubstr("audit.postgresql.port"));
  EXPECT_THAT(ReadSection("{host: db.example, database: a, user: w, retention: 5h}").problems, HasSubstr("audit.postgresql.retention"));
  EXPECT_THAT(ReadSection("{host: db.example, database: a, user: w, password: secret}").problems, HasSubstr("unknown key \"password\""));
  EXPECT_THAT(ReadSection("{}").problems, AllOf(HasSubstr("host"), HasSubstr("database"), HasSubstr("user")));
}

}  // namespace
}  // namespace cli
