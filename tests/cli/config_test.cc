#include "cli/config.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

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

  static std::string WithInventory(std::string_view section) {
    return "tls: {certificate: a, key: b}\ninventory: " + std::string(section) + "\n";
  }
  cli::InventoryConfig Inventory(std::string_view section) const { return Loaded(WithInventory(section)).inventory; }
  std::string ProblemsOfInventory(std::string_view section) const { return ProblemsOf(WithInventory(section)); }

  std::filesystem::path folder_;
};

TEST_F(ConfigTest, EventsOfDenialsNeedAnApiServerAndALog) {
  EXPECT_FALSE(Loaded(kRequired).audit.events);
  EXPECT_TRUE(Loaded(std::string(kRequired) + "audit: {events: true}\nkubernetes: {}\n").audit.events);
  EXPECT_EQ(ProblemsBeyondRequired("audit: {events: true}\n"),
            "config.yaml:3:17: audit.events: needs the section kubernetes; {} is enough in a pod");
  EXPECT_EQ(ProblemsBeyondRequired("audit: {enabled: false, events: true}\nkubernetes: {}\n"),
            "config.yaml:3:33: audit.events: needs audit.enabled: what is told is read from the audit log");
}

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
  EXPECT_FALSE(config.audit.api);
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
  verdictChanges: false
  retention: {age: 7d, size: 500MiB}
  record: denied
  durability: disk
  onFailure: refuse
log: {level: debug}
cluster: prod-weu
kubernetes: {kubeconfig: kube/config, context: prod, inventorySecret: acr-inventory, policyConfigMap: acr.last-good}
scan: {lease: scanner}
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
  EXPECT_FALSE(config.audit.verdict_changes);
  EXPECT_EQ(config.audit.retention_age, std::chrono::days(7));
  EXPECT_EQ(config.audit.retention_bytes, std::int64_t{500} << 20);
  EXPECT_EQ(config.audit.record, cli::AuditRecord::kDenied);
  EXPECT_EQ(config.audit.durability, cli::AuditDurability::kDisk);
  EXPECT_EQ(config.audit.on_failure, cli::AuditFailure::kRefuse);
  EXPECT_EQ(config.log.level, base::LogLevel::kDebug);
  EXPECT_EQ(config.cluster, "prod-weu");
  ASSERT_TRUE(config.kubernetes);
  EXPECT_EQ(config.kubernetes->kubeconfig, Path("kube/config"));
  EXPECT_EQ(config.kubernetes->context, "prod");
  EXPECT_EQ(config.kubernetes->inventory_secret, "acr-inventory");
  EXPECT_EQ(config.kubernetes->policy_config_map, "acr.last-good");
  ASSERT_TRUE(config.scan);
  EXPECT_EQ(config.scan->lease, "scanner");
}

TEST_F(ConfigTest, WhatRunsIsLookedAtWhereThereIsACluster) {
  EXPECT_FALSE(Loaded(std::string(kRequired) + "kubernetes: {}\n").scan);
  EXPECT_TRUE(Loaded(std::string(kRequired) + "kubernetes: {}\nscan: {}\n").scan);
  EXPECT_THAT(ProblemsBeyondRequired("scan: {}\n"), HasSubstr("needs the section kubernetes"));
}

TEST_F(ConfigTest, TalksToNoApiServerUnlessAsked) {
  EXPECT_FALSE(Loaded(kRequired).kubernetes);
  const auto inside = Loaded(std::string(kRequired) + "kubernetes: {}\n").kubernetes;
  ASSERT_TRUE(inside);
  EXPECT_EQ(inside->kubeconfig + inside->context + inside->inventory_secret + inside->policy_config_map, "");
}

TEST_F(ConfigTest, AnAuditApiNeedsALogAndAnApiServer) {
  EXPECT_TRUE(Loaded(std::string(kRequired) + "kubernetes: {}\naudit: {api: true}\n").audit.api);
  EXPECT_THAT(ProblemsBeyondRequired("audit: {api: true}\n"),
              HasSubstr("config.yaml:3:14: audit.api: needs the section kubernetes, since the API server knows who may read the log; {} is "
                        "enough in a pod"));
  EXPECT_THAT(ProblemsBeyondRequired("kubernetes: {}\naudit: {enabled: false, api: true}\n"),
              HasSubstr("audit.api: needs audit.enabled: true"));
  EXPECT_EQ(ProblemsBeyondRequired("audit: {enabled: false, api: false}\n"), "");
}

TEST_F(ConfigTest, AnAuditApiOverPostgresqlNeedsToKnowItsCluster) {
  const std::string postgresql = "postgresql: {host: db.example, database: audit, user: writer}";
  const std::string needed = "kubernetes: {}\naudit: {api: true, " + postgresql + "}\n";
  EXPECT_THAT(ProblemsBeyondRequired(needed),
              HasSubstr("config.yaml:4:14: audit.api: needs cluster with audit.postgresql, which may have other clusters' records, of "
                        "namespaces with the same names; set cluster to a name that no other has"));
  EXPECT_THAT(ProblemsBeyondRequired(needed + "cluster: \"\"\n"), HasSubstr("audit.api: needs cluster"));
  EXPECT_EQ(ProblemsBeyondRequired(needed + "cluster: prod-weu\n"), "");
  EXPECT_EQ(ProblemsBeyondRequired("audit: {" + postgresql + "}\n"), "");
}

TEST_F(ConfigTest, ReplicasAreFoundByAServiceAndBelievedByAName) {
  const std::string needed = "kubernetes: {}\naudit:\n  api: true\n";
  const cli::Config config =
      Loaded(std::string(kRequired) + needed +
             "  replicas: {service: \"acr-admission-replicas.acr.svc:8443\", serverName: acr-admission.acr.svc, ca: ca.crt}\n");
  ASSERT_TRUE(config.audit.replicas);
  EXPECT_EQ(config.audit.replicas->host, "acr-admission-replicas.acr.svc");
  EXPECT_EQ(config.audit.replicas->port, 8443);
  EXPECT_EQ(config.audit.replicas->server_name, "acr-admission.acr.svc");
  EXPECT_THAT(config.audit.replicas->ca, testing::EndsWith("/ca.crt"));
  EXPECT_FALSE(Loaded(std::string(kRequired) + needed).audit.replicas);

  const auto problems = [&](const std::string& replicas) { return ProblemsBeyondRequired(needed + "  replicas: {" + replicas + "}\n"); };
  for (const char* service : {"replicas", "replicas:", "replicas:0", "replicas:65536", "replicas:x", "replicas:80x", ":8443",
                              "10.0.0.1:8443", "[::1]:8443", "a/b:8443", "Upper:8443"}) {
    EXPECT_THAT(problems("service: \"" + std::string(service) + "\", serverName: a.b"),
                HasSubstr("audit.replicas.service: expected NAME:PORT"))
        << service;
  }
  for (const char* name : {"10.0.0.1", "a_b", "https://a"}) {
    EXPECT_THAT(problems("service: \"a.b:1\", serverName: \"" + std::string(name) + "\""),
                HasSubstr("audit.replicas.serverName: expected a DNS name"))
        << name;
  }
  EXPECT_THAT(problems(""), AllOf(HasSubstr("service"), HasSubstr("serverName")));
  EXPECT_THAT(problems("service: \"a.b:1\", serverName: a.b, port: 1"), HasSubstr("unknown key"));
}

TEST_F(ConfigTest, ReplicasNeedATokenAndTheApi) {
  const std::string replicas = "replicas: {service: \"a.b:1\", serverName: a.b}";
  EXPECT_THAT(ProblemsBeyondRequired("audit: {" + replicas + "}\n"),
              AllOf(HasSubstr("audit.replicas: needs the section kubernetes"), HasSubstr("audit.replicas: needs audit.api: true")));
}

TEST_F(ConfigTest, ManagedCertificatesHaveTheirOwnAuthority) {
  const auto config = Load(
      "tls: {mode: managed, secret: s, service: w, webhookConfiguration: w}\ninventory: {file: r.json}\nkubernetes: {}\n"
      "audit: {api: true, replicas: {service: \"a.b:1\", serverName: a.b, ca: ca.crt}}\n");
  ASSERT_FALSE(config);
  EXPECT_THAT(base::ToString(config.error()), HasSubstr("audit.replicas.ca: is of no use with tls.mode managed"));
}

TEST_F(ConfigTest, RefusesWhatTheClusterWouldRefuse) {
  const auto problem = [this](const std::string& kubernetes) {
    const auto config = Load(std::string(kRequired) + "kubernetes: {" + kubernetes + "}\n");
    return config ? std::string("none") : base::ToString(config.error());
  };
  for (const char* name : {"Upper", "-a", "a.", ".a", "a..b", "a/b", "a_b"}) {
    EXPECT_THAT(problem("inventorySecret: " + std::string(name)), HasSubstr("kubernetes.inventorySecret: expected an object's name"))
        << name;
  }
  EXPECT_THAT(problem("policyConfigMap: " + std::string(254, 'a')), HasSubstr("expected an object's name"));
  EXPECT_THAT(problem("context: prod"), HasSubstr("kubernetes.context: is of no use without kubeconfig"));
  EXPECT_THAT(problem("secret: a"), HasSubstr("unknown key \"secret\""));
}

TEST_F(ConfigTest, ReadsManagedCertificates) {
  const std::string rest = "inventory: {file: registries.json}\nkubernetes: {}\n";
  const cli::Config config = Loaded("tls: {mode: managed, secret: acr-tls, service: acr, webhookConfiguration: acr-hooks}\n" + rest);
  ASSERT_TRUE(config.tls.managed);
  EXPECT_EQ(config.tls.managed->secret, "acr-tls");
  EXPECT_EQ(config.tls.managed->service, "acr");
  EXPECT_EQ(config.tls.managed->webhook_configuration, "acr-hooks");
  EXPECT_EQ(config.tls.managed->validity, std::chrono::days(30));
  EXPECT_EQ(config.tls.managed->authority_validity, std::chrono::days(365));
  EXPECT_EQ(config.tls.managed->overlap_before, std::chrono::minutes(10));
  EXPECT_EQ(config.tls.managed->overlap_after, std::chrono::hours(1));
  const cli::Config fast = Loaded(
      "tls: {mode: managed, secret: a, service: b, webhookConfiguration: c, validity: 30s, caValidity: 90s, overlap: {before: 1s, "
      "after: 2s}}\n" +
      rest);
  EXPECT_EQ(fast.tls.managed->validity, std::chrono::seconds(30));
  EXPECT_EQ(fast.tls.managed->authority_validity, std::chrono::seconds(90));
  EXPECT_EQ(fast.tls.managed->overlap_before, std::chrono::seconds(1));
  EXPECT_EQ(fast.tls.managed->overlap_after, std::chrono::seconds(2));
  EXPECT_FALSE(Loaded("tls: {mode: files, certificate: a, key: b}\n" + rest).tls.managed);
}

TEST_F(ConfigTest, RefusesCertificatesThatAreNeitherManagedNorFiles) {
  const auto problem = [this](const std::string& tls, const std::string& kubernetes = "kubernetes: {}\n") {
    const auto config = Load("tls: {" + tls + "}\ninventory: {file: r.json}\n" + kubernetes);
    return config ? std::string("none") : base::ToString(config.error());
  };
  const std::string managed = "mode: managed, secret: a, service: b, webhookConfiguration: c";
  ASSERT_EQ(problem(managed), "none");
  EXPECT_THAT(problem(managed, ""), HasSubstr("tls.mode: managed needs the section kubernetes"));
  EXPECT_THAT(problem("mode: managed"), HasSubstr("the key \"webhookConfiguration\" is missing"));
  EXPECT_THAT(problem(managed + ", key: k"), HasSubstr("tls.key: is of no use with mode managed"));
  EXPECT_THAT(problem("certificate: a, key: b, secret: c"), HasSubstr("tls.secret: is of no use with mode files"));
  EXPECT_THAT(problem(managed + ", validity: 29s"), HasSubstr("tls.validity"));
  EXPECT_THAT(problem(managed + ", validity: 30d, caValidity: 30d"), HasSubstr("tls.caValidity: expected more than validity"));
  EXPECT_THAT(problem(managed + ", validity: 1m, caValidity: 30m"), HasSubstr("tls.caValidity: expected three times overlap.before"));
  EXPECT_THAT(problem("mode: managed, secret: a, service: b.c, webhookConfiguration: c"),
              HasSubstr("tls.service: expected a Service's name"));
  EXPECT_THAT(problem("mode: self"), HasSubstr("tls.mode"));
  EXPECT_THAT(problem(managed, "kubernetes: {inventorySecret: a}\n"), HasSubstr("kubernetes.inventorySecret: is tls.secret too"));
}

TEST_F(ConfigTest, TakesTheExamplesOfItsDocument) {
  const auto document = base::ReadFile(ACR_TEST_DATA "/../../docs/configuration.md", 1 << 20);
  ASSERT_TRUE(document) << document.error().ToString();
  constexpr std::string_view kFence = "```yaml\n";
  std::vector<cli::Config> configs;
  for (std::size_t begin = 0; (begin = document->find(kFence, begin)) != std::string::npos;) {
    begin += kFence.size();
    const std::size_t end = document->find("```\n", begin);
    configs.push_back(Loaded(document->substr(begin, end - begin)));
  }
  ASSERT_EQ(configs.size(), 4U);
  EXPECT_EQ(configs[0].cluster, "prod-weu");
  EXPECT_EQ(configs[1].inventory.source, cli::InventorySource::kAzure);
  EXPECT_EQ(configs[1].inventory.identities.size(), 2U);
  ASSERT_TRUE(configs[2].kubernetes);
  EXPECT_EQ(configs[2].kubernetes->inventory_secret, "acr-admission-inventory");
  EXPECT_TRUE(configs[3].tls.managed);
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
  EXPECT_THAT(absent.error()[0].message, Not(HasSubstr("absent.yaml")));
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

TEST_F(ConfigTest, NeedsAFileWhereTheInventoryIsOne) {
  EXPECT_EQ(ProblemsOfInventory("{source: file}"), "config.yaml:2:12: inventory: the key \"file\" is missing");
  EXPECT_EQ(ProblemsOfInventory("{source: sky, file: r.json}"), "config.yaml:2:21: inventory.source: expected file or azure, got \"sky\"");
  EXPECT_EQ(ProblemsOfInventory("{source: Azure, cloud: AzureCloud, refresh: 10s}"),
            "config.yaml:2:21: inventory.source: expected file or azure, got \"Azure\"");
}

TEST_F(ConfigTest, NeedsNothingMoreToReadAzure) {
  const cli::InventoryConfig inventory = Inventory("{source: azure}");
  EXPECT_EQ(inventory.source, cli::InventorySource::kAzure);
  EXPECT_EQ(inventory.file, "");
  EXPECT_EQ(inventory.cloud.name, "AzureCloud");
  EXPECT_EQ(inventory.cloud.registry_suffixes, std::vector<std::string>{"azurecr.io"});
  EXPECT_EQ(inventory.api_version, "2025-11-01");
  EXPECT_EQ(inventory.ca, "");
  EXPECT_FALSE(inventory.compliance_states);
  EXPECT_EQ(inventory.saved, "");
  EXPECT_EQ(inventory.refresh, std::chrono::seconds(60));
  EXPECT_EQ(inventory.discovery, std::chrono::minutes(10));
  EXPECT_EQ(inventory.prime_timeout, std::chrono::seconds(30));
  ASSERT_EQ(inventory.identities.size(), 1U);
  EXPECT_EQ(inventory.identities[0].credential.kind, azure::CredentialKind::kAuto);
  EXPECT_TRUE(inventory.identities[0].scope.subscriptions.empty());
  EXPECT_TRUE(inventory.identities[0].scope.management_groups.empty());
}

TEST_F(ConfigTest, ReadsEveryKeyOfAzure) {
  const cli::InventoryConfig inventory = Inventory(R"(
  source: azure
  cloud: azureusgovernment
  apiVersion: 2026-03-01-preview
  ca: proxy-ca.crt
  refresh: 5m
  discovery: 1h
  complianceStates: true
  saved: inventory.saved
  primeTimeout: 1m
  azure:
    - credential: {kind: clientSecret, tenantId: contoso.onmicrosoft.com, clientId: 0b8f, clientSecretFile: secret}
      scope: {subscriptions: [00000000-0000-0000-0000-00000000000A, 00000000-0000-0000-0000-00000000000b], managementGroups: ["mg-(1)_x."]}
    - credential: {kind: clientCertificate, clientCertificateFile: /etc/sp.pem}
    - credential: {kind: workloadIdentity, federatedTokenFile: token}
    - credential: {kind: managedIdentity, clientId: 0b8f}
      scope: {}
    - {}
)");
  EXPECT_EQ(inventory.cloud.name, "AzureUSGovernment");
  EXPECT_EQ(inventory.api_version, "2026-03-01-preview");
  EXPECT_EQ(inventory.ca, Path("proxy-ca.crt"));
  EXPECT_EQ(inventory.refresh, std::chrono::minutes(5));
  EXPECT_EQ(inventory.discovery, std::chrono::hours(1));
  EXPECT_TRUE(inventory.compliance_states);
  EXPECT_EQ(inventory.saved, Path("inventory.saved"));
  EXPECT_EQ(inventory.prime_timeout, std::chrono::minutes(1));
  ASSERT_EQ(inventory.identities.size(), 5U);
  const cli::AzureIdentity& first = inventory.identities[0];
  EXPECT_EQ(first.credential.kind, azure::CredentialKind::kClientSecret);
  EXPECT_EQ(first.credential.tenant_id, "contoso.onmicrosoft.com");
  EXPECT_EQ(first.credential.client_id, "0b8f");
  EXPECT_EQ(first.credential.client_secret_file, Path("secret"));
  EXPECT_EQ(first.scope.subscriptions,
            (std::vector<std::string>{"00000000-0000-0000-0000-00000000000A", "00000000-0000-0000-0000-00000000000b"}));
  EXPECT_EQ(first.scope.management_groups, std::vector<std::string>{"mg-(1)_x."});
  EXPECT_EQ(inventory.identities[1].credential.kind, azure::CredentialKind::kClientCertificate);
  EXPECT_EQ(inventory.identities[1].credential.client_certificate_file, "/etc/sp.pem");
  EXPECT_EQ(inventory.identities[2].credential.kind, azure::CredentialKind::kWorkloadIdentity);
  EXPECT_EQ(inventory.identities[2].credential.federated_token_file, Path("token"));
  EXPECT_EQ(inventory.identities[3].credential.kind, azure::CredentialKind::kManagedIdentity);
  EXPECT_EQ(inventory.identities[4].credential.kind, azure::CredentialKind::kAuto);
}

TEST_F(ConfigTest, ReadsACloudOfOnesOwn) {
  const azure::Cloud cloud = Inventory(R"({source: azure, cloud: {name: Stack, resourceManager: "https://management.stack.example/",
    authority: "https://localhost:8443", registrySuffixes: [.Azsacr.stack.example, azurecr.io]}})")
                                 .cloud;
  EXPECT_EQ(cloud.name, "Stack");
  EXPECT_EQ(cloud.resource_manager, "https://management.stack.example");
  EXPECT_EQ(cloud.authority, "https://localhost:8443");
  EXPECT_EQ(cloud.registry_suffixes, (std::vector<std::string>{"azsacr.stack.example", "azurecr.io"}));
}

TEST_F(ConfigTest, RefusesACloudThatIsNone) {
  const auto cloud = [&](const std::string& text) { return ProblemsOfInventory("{source: azure, cloud: " + text + "}"); };
  EXPECT_EQ(cloud("AzureUSGoverment"),
            "config.yaml:2:35: inventory.cloud: there is no cloud AzureUSGoverment; did you mean AzureUSGovernment?");
  EXPECT_THAT(cloud("[AzureCloud]"),
              HasSubstr("config.yaml:2:35: inventory.cloud: expected the name of a cloud, or its name, resourceManager"));
  EXPECT_EQ(cloud("{name: Stack, resourceManger: \"https://a.example\", registrySuffixes: []}"),
            "config.yaml:2:35: inventory.cloud: the key \"resourceManager\" is missing\n"
            "config.yaml:2:35: inventory.cloud: the key \"authority\" is missing\n"
            "config.yaml:2:49: inventory.cloud: unknown key \"resourceManger\"; did you mean \"resourceManager\"?\n"
            "config.yaml:2:104: inventory.cloud.registrySuffixes: expected a list of at least one item, got an empty one");
  EXPECT_THAT(cloud("{name: S, resourceManager: \"http://a.example\", authority: \"https://b.example\", registrySuffixes: [c.example]}"),
              HasSubstr("config.yaml:2:35: inventory.cloud: cloud S: its Resource Manager is no https URL without a path; write"));
  std::string many = "a.example";
  for (std::size_t i = 0; i < cli::kMaxRegistrySuffixes; ++i) {
    many += ", a" + std::to_string(i) + ".example";
  }
  EXPECT_THAT(
      cloud("{name: S, resourceManager: \"https://a.example\", authority: \"https://b.example\", registrySuffixes: [" + many + "]}"),
      HasSubstr("inventory.cloud.registrySuffixes: expected a list of at most 16 items, got 17"));
}

TEST_F(ConfigTest, RefusesTheOtherSourcesKeys) {
  EXPECT_EQ(ProblemsOfInventory("{source: azure, file: r.json}"),
            "config.yaml:2:34: inventory.file: belongs to source: file, and the source is azure; leave it out, or write source: file");
  for (const std::string key :
       {"cloud: AzureCloud", "apiVersion: 2025-11-01", "ca: ca.crt", "discovery: 10m", "complianceStates: true", "azure: [{}]"}) {
    EXPECT_EQ(ProblemsOfInventory("{file: r.json, " + key + "}"),
              "config.yaml:2:" + std::to_string(29 + key.find(':')) + ": inventory." + key.substr(0, key.find(':')) +
                  ": belongs to source: azure, and the source is file; leave it out, or write source: azure");
  }
}

TEST_F(ConfigTest, BoundsHowOftenAzureIsRead) {
  EXPECT_THAT(ProblemsOfInventory("{source: azure, refresh: 5s}"), HasSubstr("inventory.refresh: expected a duration from 10s to 1d"));
  EXPECT_THAT(ProblemsOfInventory("{source: azure, discovery: 30s}"), HasSubstr("inventory.discovery: expected a duration from 1m to 1d"));
  EXPECT_EQ(ProblemsOfInventory("{file: r.json, refresh: 5s}"), "");
}

TEST_F(ConfigTest, TakesApiVersionsThatAreDates) {
  for (const std::string version : {"2025-11-01", "\"2026-03-01-preview\""}) {
    EXPECT_EQ(ProblemsOfInventory("{source: azure, apiVersion: " + version + "}"), "");
  }
  for (const std::string version :
       {"latest", "2025-11", "2025-13-01", "2025-11-01-beta", "2025-11-01-", "2025-11-01T00:00:00Z", "20251101xx"}) {
    EXPECT_EQ(ProblemsOfInventory("{source: azure, apiVersion: \"" + version + "\"}"),
              "config.yaml:2:40: inventory.apiVersion: expected a date such as 2025-11-01, or one with -preview after it, got \"" +
                  version + "\"");
  }
}

TEST_F(ConfigTest, RefusesCredentialsThatMakeNoSense) {
  const auto credential = [&](const std::string& text) {
    return ProblemsOfInventory("{source: azure, azure: [{credential: {" + text + "}}]}");
  };
  EXPECT_EQ(credential("kind: password"),
            "config.yaml:2:56: inventory.azure[0].credential.kind: expected auto, workloadIdentity, managedIdentity, clientSecret or "
            "clientCertificate, got \"password\"");
  EXPECT_THAT(credential("clientSecret: hush"), HasSubstr("unknown key \"clientSecret\"; did you mean \"clientSecretFile\"?"));
  EXPECT_THAT(credential("clientSecret: hush"), Not(HasSubstr("hush"))) << "what may be a secret is not repeated";
  EXPECT_EQ(credential("kind: managedIdentity, tenantId: t"),
            "config.yaml:2:83: inventory.azure[0].credential.tenantId: is of no use to a credential of this kind; leave it out");
  EXPECT_THAT(credential("kind: workloadIdentity, clientSecretFile: s"), HasSubstr("is of no use"));
  EXPECT_THAT(credential("kind: clientSecret, federatedTokenFile: s"), HasSubstr("is of no use"));
  EXPECT_THAT(credential("kind: clientCertificate, clientSecretFile: s"), HasSubstr("is of no use"));
  EXPECT_EQ(credential("kind: auto, tenantId: t, clientId: c, clientSecretFile: s, clientCertificateFile: p, federatedTokenFile: f"), "");
  EXPECT_THAT(credential("tenantId: ../x"), HasSubstr("inventory.azure[0].credential.tenantId: expected an id"));
  EXPECT_THAT(ProblemsOfInventory("{source: azure, azure: []}"), HasSubstr("inventory.azure: expected a list of at least one item"));
  std::string many = "{}";
  for (std::size_t i = 0; i < cli::kMaxIdentities; ++i) {
    many += ", {}";
  }
  EXPECT_THAT(ProblemsOfInventory("{source: azure, azure: [" + many + "]}"),
              HasSubstr("inventory.azure: expected a list of at most 16 items, got 17"));
}

TEST_F(ConfigTest, RefusesScopesThatMakeNoSense) {
  const auto scope = [&](const std::string& text) { return ProblemsOfInventory("{source: azure, azure: [{scope: {" + text + "}}]}"); };
  EXPECT_EQ(scope("subscriptions: [prod]"),
            "config.yaml:2:61: inventory.azure[0].scope.subscriptions[0]: expected a subscription's id, 8-4-4-4-12 hexadecimal digits, got "
            "\"prod\"");
  const std::string id = "0aaaaaaa-0000-0000-0000-000000000000";
  EXPECT_THAT(scope("subscriptions: [" + id + ", 0AAAAAAA-0000-0000-0000-000000000000]"),
              HasSubstr("subscriptions[1]: \"0AAAAAAA-0000-0000-0000-000000000000\" is listed already, in line 2"));
  EXPECT_THAT(scope("subscriptions: []"), HasSubstr("subscriptions: expected a list of at least one item")) << "must not read as all";
  EXPECT_EQ(scope("managementGroups: [a, " + std::string(90, 'b') + "]"), "");
  for (const std::string& name : {std::string("a b"), std::string("a/b"), std::string("ä"), std::string(), std::string(91, 'b')}) {
    EXPECT_THAT(scope("managementGroups: [\"" + name + "\"]"), HasSubstr("managementGroups[0]: expected a")) << name;
  }
  EXPECT_THAT(scope("managementGroups: [a, A]"), HasSubstr("is listed already"));
  std::string many = "m";
  for (std::size_t i = 0; i < cli::kMaxScopeMembers; ++i) {
    many += ", m" + std::to_string(i);
  }
  EXPECT_THAT(scope("managementGroups: [" + many + "]"), HasSubstr("managementGroups: expected a list of at most 10000 items, got 10001"));
}

TEST_F(ConfigTest, RefusesToWriteWhatItReadsAzureWith) {
  EXPECT_THAT(ProblemsOfInventory("{source: azure, ca: x, saved: ./x}"), HasSubstr("inventory.saved: is inventory.ca too"));
  for (const std::string key : {"clientSecretFile", "clientCertificateFile", "federatedTokenFile"}) {
    EXPECT_THAT(ProblemsOfInventory("{source: azure, saved: x, azure: [{}, {credential: {" + key + ": x}}]}"),
                HasSubstr("inventory.saved: is inventory.azure[1].credential." + key + " too"));
  }
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
