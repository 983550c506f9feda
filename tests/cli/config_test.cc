#include "cli/config.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr std::string_view kRequired = "tls: {certificate: tls.crt, key: tls.key}\ninventory: {file: registries.json}\n";

// Config files in a folder of the test's own.
class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("config-") + test->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  base::Loaded<cli::Config> Load(std::string_view text) const {
    std::ofstream(Path("config.yaml"), std::ios::binary) << text;
    return cli::LoadConfig(Path("config.yaml"));
  }

  cli::Config Loaded(std::string_view text) const {
    auto config = Load(text);
    EXPECT_TRUE(config) << base::ToString(config.error());
    return config.value_or(cli::Config{});
  }

  // Without the folder, which differs from run to run.
  std::string ProblemsOf(std::string_view text) const {
    const auto config = Load(text);
    std::string problems = config ? "" : base::ToString(config.error());
    const std::string prefix = folder_.string() + '/';
    for (std::size_t at = 0; (at = problems.find(prefix, at)) != std::string::npos;) {
      problems.erase(at, prefix.size());
    }
    return problems;
  }

  // Of what follows the two sections that are required.
  std::string ProblemsBeyondRequired(std::string_view text) const { return ProblemsOf(std::string(kRequired) + std::string(text)); }

  std::filesystem::path folder_;
};

TEST_F(ConfigTest, NeedsTlsAndInventoryAlone) {
  const cli::Config config = Loaded(kRequired);
  EXPECT_EQ(config.tls.certificate, Path("tls.crt"));
  EXPECT_EQ(config.tls.key, Path("tls.key"));
  EXPECT_EQ(config.inventory.file, Path("registries.json"));
  EXPECT_EQ(config.inventory.refresh, std::chrono::seconds(2));
  EXPECT_EQ(config.inventory.prime_timeout, std::chrono::seconds(30));
  EXPECT_EQ(config.server.address, "0.0.0.0:8443");
  EXPECT_EQ(config.server.threads, 0);
  EXPECT_EQ(config.server.drain_delay, std::chrono::seconds(5));
  EXPECT_EQ(config.server.max_connections, 1000);
  EXPECT_EQ(config.server.client_ca, "");
  EXPECT_EQ(config.health.address, "0.0.0.0:8080");
  EXPECT_EQ(config.policy, "");
  EXPECT_EQ(config.definitions, "");
  EXPECT_TRUE(config.audit.enabled);
  EXPECT_EQ(config.audit.database, Path("audit.db"));
  EXPECT_TRUE(config.audit.standard_output);
  EXPECT_EQ(config.audit.retention_age, std::chrono::days(30));
  EXPECT_EQ(config.audit.retention_bytes, std::int64_t{1} << 30);
  EXPECT_EQ(config.audit.record, cli::AuditRecord::kAll);
  EXPECT_EQ(config.audit.durability, cli::AuditDurability::kProcess);
  EXPECT_EQ(config.audit.on_failure, cli::AuditFailure::kAdmit);
  EXPECT_EQ(config.log.level, base::LogLevel::kInfo);
  EXPECT_EQ(config.cluster, "");
}

TEST_F(ConfigTest, ReadsEveryKey) {
  const cli::Config config = Loaded(R"(
server: {address: "127.0.0.1:9443", threads: 2, drainDelay: 15s, maxConnections: 50, clientCA: ca.crt}
health: {address: "[::1]:9080"}
tls: {certificate: /etc/tls/tls.crt, key: /etc/tls/tls.key}
inventory: {source: file, file: facts/registries.json, refresh: 60s, primeTimeout: 0s}
policy: policy.yaml
definitions: definitions/
audit:
  enabled: false
  database: log/audit.db
  stdout: false
  retention: {age: 7d, size: 500MiB}
  record: denied
  durability: disk
  onFailure: refuse
log: {level: debug}
cluster: prod-weu
)");
  EXPECT_EQ(config.server.address, "127.0.0.1:9443");
  EXPECT_EQ(config.server.threads, 2);
  EXPECT_EQ(config.server.drain_delay, std::chrono::seconds(15));
  EXPECT_EQ(config.server.max_connections, 50);
  EXPECT_EQ(config.server.client_ca, Path("ca.crt"));
  EXPECT_EQ(config.health.address, "[::1]:9080");
  EXPECT_EQ(config.tls.certificate, "/etc/tls/tls.crt");
  EXPECT_EQ(config.inventory.file, Path("facts/registries.json"));
  EXPECT_EQ(config.inventory.refresh, std::chrono::seconds(60));
  EXPECT_EQ(config.inventory.prime_timeout, std::chrono::seconds(0));
  EXPECT_EQ(config.policy, Path("policy.yaml"));
  EXPECT_EQ(config.definitions, Path("definitions/"));
  EXPECT_FALSE(config.audit.enabled);
  EXPECT_EQ(config.audit.database, Path("log/audit.db"));
  EXPECT_FALSE(config.audit.standard_output);
  EXPECT_EQ(config.audit.retention_age, std::chrono::days(7));
  EXPECT_EQ(config.audit.retention_bytes, std::int64_t{500} << 20);
  EXPECT_EQ(config.audit.record, cli::AuditRecord::kDenied);
  EXPECT_EQ(config.audit.durability, cli::AuditDurability::kDisk);
  EXPECT_EQ(config.audit.on_failure, cli::AuditFailure::kRefuse);
  EXPECT_EQ(config.log.level, base::LogLevel::kDebug);
  EXPECT_EQ(config.cluster, "prod-weu");
}

TEST_F(ConfigTest, TakesTheExampleOfItsDocument) {
  const auto document = base::ReadFile(ACR_TEST_DATA "/../../docs/configuration.md", 1 << 20);
  ASSERT_TRUE(document) << document.error().ToString();
  constexpr std::string_view kFence = "```yaml\n";
  const std::size_t begin = document->find(kFence);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t end = document->find("```\n", begin + kFence.size());
  const cli::Config config = Loaded(document->substr(begin + kFence.size(), end - begin - kFence.size()));
  EXPECT_EQ(config.cluster, "prod-weu");
}

TEST_F(ConfigTest, ReportsEveryProblemInTheFilesOrder) {
  EXPECT_EQ(ProblemsOf("server: {adress: x}\ntls: {certificate: a}\npolicy: [x]\n"),
            "config.yaml:1:1: the key \"inventory\" is missing\n"
            "config.yaml:1:10: server: unknown key \"adress\"; did you mean \"address\"?\n"
            "config.yaml:2:6: tls: the key \"key\" is missing\n"
            "config.yaml:3:9: policy: expected a text that is not empty, got a list");
}

TEST_F(ConfigTest, RefusesAnEmptyFileAndOneThatIsNotThere) {
  EXPECT_EQ(ProblemsOf(""), "config.yaml: is empty; expected at least tls and inventory");
  const auto absent = cli::LoadConfig(Path("absent.yaml"));
  ASSERT_FALSE(absent);
  ASSERT_EQ(absent.error().size(), 1u);
  EXPECT_EQ(absent.error()[0].file, Path("absent.yaml"));
  EXPECT_EQ(absent.error()[0].line, 0);
  EXPECT_THAT(absent.error()[0].message, EndsWith("No such file or directory"));
  EXPECT_THAT(absent.error()[0].message, testing::Not(HasSubstr("absent.yaml")));
}

TEST_F(ConfigTest, TakesAddressesOfEitherFamily) {
  for (const std::string address : {"127.0.0.1:0", "[::]:8443", "[fe80::1]:1"}) {
    EXPECT_EQ(Loaded(std::string(kRequired) + "server: {address: \"" + address + "\"}\n").server.address, address);
  }
  for (const std::string address :
       {":8443", "8443", "host", "host:", "host:65536", "host:-1", "::1:8443", "[::1]", "[]:1", "[x]:1", "a b:1", "[::1]x:1"}) {
    EXPECT_EQ(ProblemsBeyondRequired("server: {address: \"" + address + "\"}\n"),
              "config.yaml:3:19: server.address: expected IP:PORT or [IPV6]:PORT such as 0.0.0.0:8443, got \"" + address + "\"");
  }
}

TEST_F(ConfigTest, RefusesOneAddressForBothListeners) {
  EXPECT_THAT(ProblemsBeyondRequired("health: {address: \"0.0.0.0:8443\"}\n"), HasSubstr("health.address: is server.address too"));
  EXPECT_THAT(ProblemsBeyondRequired("server: {address: \"0.0.0.0:8080\"}\n"), HasSubstr("health.address: is server.address too"));
  EXPECT_EQ(ProblemsBeyondRequired("server: {address: \"127.0.0.1:0\"}\nhealth: {address: \"127.0.0.1:0\"}\n"), "");
}

TEST_F(ConfigTest, RefusesToWriteWhatItReads) {
  EXPECT_THAT(ProblemsOf("tls: {certificate: a, key: b}\ninventory: {file: r.json, saved: ./r.json}\n"),
              HasSubstr("inventory.saved: is inventory.file too"));
  EXPECT_THAT(ProblemsBeyondRequired("policy: p.yaml\naudit: {database: p.yaml}\n"), HasSubstr("audit.database: is policy too"));
  EXPECT_EQ(ProblemsBeyondRequired("policy: audit.db\naudit: {enabled: false}\n"), "");
}

TEST_F(ConfigTest, TakesAddressesThatCanBeListenedOnAlone) {
  EXPECT_THAT(ProblemsBeyondRequired("server: {address: \"localhost:8443\"}\n"), HasSubstr("expected IP:PORT"));
  EXPECT_EQ(ProblemsBeyondRequired("server: {address: \"[::1]:8443\"}\n"), "");
}

TEST_F(ConfigTest, SaysThatAzureIsNotReadYet) {
  const std::string tls = "tls: {certificate: a, key: b}\n";
  EXPECT_EQ(ProblemsOf(tls + "inventory: {source: azure}\n"),
            "config.yaml:2:21: inventory.source: this version reads the inventory from a file; expected source: file, with what "
            "`az acr list -o json` prints");
  EXPECT_EQ(ProblemsOf(tls + "inventory: {source: sky, file: r.json}\n"),
            "config.yaml:2:21: inventory.source: expected file or azure, got \"sky\"");
  EXPECT_EQ(ProblemsOf(tls + "inventory: {source: file}\n"), "config.yaml:2:12: inventory: the key \"file\" is missing");
}

TEST_F(ConfigTest, ReadsSizes) {
  const auto size = [&](const std::string& text) {
    return Loaded(std::string(kRequired) + "audit: {retention: {size: " + text + "}}\n").audit.retention_bytes;
  };
  EXPECT_EQ(size("1MiB"), std::int64_t{1} << 20);
  EXPECT_EQ(size("2048KiB"), std::int64_t{2} << 20);
  EXPECT_EQ(size("3GiB"), std::int64_t{3} << 30);
  EXPECT_EQ(size("16TiB"), std::int64_t{1} << 44);
  EXPECT_EQ(size("1048576"), std::int64_t{1} << 20);
  for (const std::string text : {"1GB", "64KiB", "17TiB", "99999999999999999999", "-1GiB", "1.5GiB", "GiB", "1 GiB", "''"}) {
    EXPECT_THAT(ProblemsBeyondRequired("audit: {retention: {size: " + text + "}}\n"),
                HasSubstr("config.yaml:3:27: audit.retention.size: expected a size from 1MiB to 16TiB such as 500MiB or 1GiB, got"));
  }
}

TEST_F(ConfigTest, BoundsNumbersAndDurations) {
  EXPECT_THAT(ProblemsBeyondRequired("server: {threads: 257}\n"), HasSubstr("server.threads: expected a whole number from 0 to 256"));
  EXPECT_THAT(ProblemsBeyondRequired("server: {maxConnections: 0}\n"), HasSubstr("server.maxConnections: expected a whole number from 1"));
  EXPECT_THAT(ProblemsBeyondRequired("server: {drainDelay: 1h}\n"), HasSubstr("server.drainDelay: expected a duration from 0s to 10m"));
  EXPECT_THAT(ProblemsBeyondRequired("audit: {retention: {age: 1s}}\n"), HasSubstr("audit.retention.age: expected a duration from 1m to"));
  EXPECT_THAT(ProblemsBeyondRequired("cluster: " + std::string(254, 'c') + "\n"),
              HasSubstr("cluster: expected a name of at most 253 bytes"));
}

TEST_F(ConfigTest, NamesTheChoicesThereAre) {
  EXPECT_THAT(ProblemsBeyondRequired("log: {level: verbose}\n"),
              HasSubstr("log.level: expected debug, info, warning or error, got \"verbose\""));
  EXPECT_THAT(ProblemsBeyondRequired("audit: {record: some}\n"), HasSubstr("audit.record: expected all or denied, got \"some\""));
  EXPECT_THAT(ProblemsBeyondRequired("audit: {durability: none}\n"), HasSubstr("audit.durability: expected process or disk"));
  EXPECT_THAT(ProblemsBeyondRequired("audit: {onFailure: panic}\n"), HasSubstr("audit.onFailure: expected admit or refuse"));
}

}  // namespace
