// The `--config` file of `serve` and `validate`, checked as strictly as the policy file. Every key: docs/configuration.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/problem.h"
#include "cli/inventory_config.h"
#include "cli/kubernetes_config.h"
#include "cli/postgresql_config.h"
#include "cli/replicas_config.h"
#include "cli/scan_config.h"
#include "cli/tls_config.h"

namespace cli {

enum class AuditRecord { kAll, kDenied };
enum class AuditDurability { kProcess, kDisk };
enum class AuditFailure { kAdmit, kRefuse };

// Paths are absolute or relative to the working directory: the loader has resolved them against the file's folder.
struct Config {
  struct {
    std::string address = "0.0.0.0:8443";
    int threads = 0;  // 0: min(affinity, cgroup cpu.max rounded up, 4)
    std::chrono::microseconds drain_delay = std::chrono::seconds(5);
    int max_connections = 1000;
    std::string client_ca;  // "": client certificates are not asked for
  } server;
  struct {
    std::string address = "0.0.0.0:8080";
  } health;
  TlsConfig tls;
  InventoryConfig inventory;
  std::optional<KubernetesConfig> kubernetes;  // none: no API server is talked to
  std::string policy;                          // "": the default policy
  std::string definitions;                     // "": the built-in definitions alone
  struct {
    bool enabled = true;
    std::string database = "audit.db";
    bool standard_output = true;  // key: stdout
    std::chrono::microseconds retention_age = std::chrono::hours(24 * 30);
    std::int64_t retention_bytes = std::int64_t{1} << 30;  // "1GiB", "500MiB", …
    AuditRecord record = AuditRecord::kAll;
    AuditDurability durability = AuditDurability::kProcess;
    AuditFailure on_failure = AuditFailure::kAdmit;
    bool events = false;                         // denials, on the owner of what was denied; needs kubernetes
    std::optional<ReplicasConfig> replicas;      // none: a query is answered by this replica's log alone
    std::optional<PostgresqlConfig> postgresql;  // none: records stay in the database alone
    bool verdict_changes = true;                 // verdicts that turn are recorded, too
    bool api = false;                            // GET /audit/v1/…; `kubernetes` is there then
  } audit;
  std::optional<ScanConfig> scan;  // none: what runs is not looked at; else `kubernetes` is there too
  struct {
    base::LogLevel level = base::LogLevel::kInfo;
  } log;
  std::string cluster;  // goes into every record
};

// Addresses are checked in form, files not at all: whether they can be read is found where they are.
base::Loaded<Config> LoadConfig(const std::string& file);
// The same of a text that `file` holds.
base::Loaded<Config> ParseConfig(std::string_view text, const std::string& file);

}  // namespace cli
