#include "cli/config.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/yaml.h"
#include "cli/config_values.h"

namespace cli {
namespace {

using base::YamlMapping;
using base::YamlNode;
using std::chrono::microseconds;

constexpr std::int64_t kMostThreads = 256;          // of the largest machines that Kubernetes runs on, twice over
constexpr std::int64_t kMostConnections = 100'000;  // 60 KB of TLS state each
constexpr microseconds kLongestDrain = std::chrono::minutes(10);
constexpr microseconds kShortestRetention = std::chrono::minutes(1);
constexpr microseconds kLongestRetention = std::chrono::days(3650);
constexpr std::int64_t kSmallestLog = std::int64_t{1} << 20;  // below it retention would fight the write-ahead log
constexpr std::int64_t kLargestLog = std::int64_t{1} << 44;   // what SQLite's default page size can hold
constexpr std::size_t kLongestCluster = 253;                  // bytes: a DNS name; it goes into every record

// "64KiB", "500MiB", "1GiB", "2TiB", or bytes alone.
std::optional<std::int64_t> ParseSize(std::string_view text) {
  struct Unit {
    std::string_view name;
    int shift;
  };
  constexpr std::array<Unit, 5> kUnits = {Unit{"", 0}, Unit{"KiB", 10}, Unit{"MiB", 20}, Unit{"GiB", 30}, Unit{"TiB", 40}};
  std::int64_t number = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(last - text.data()));
  for (const Unit& unit : kUnits) {
    if (text == unit.name && number <= (kLargestLog >> unit.shift)) {
      return number << unit.shift;
    }
  }
  return std::nullopt;
}

// IP:PORT or [IPV6]:PORT. Port 0 is any free one.
bool IsAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return false;
  }
  const std::string_view port = text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [last, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || last != port.data() + port.size()) {
    return false;
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    in6_addr parsed{};
    return host.ends_with(']') && inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &parsed) == 1;
  }
  in_addr parsed{};
  return inet_pton(AF_INET, std::string(host).c_str(), &parsed) == 1;
}

class ConfigReader {
 public:
  ConfigReader(const YamlNode& document, const std::string& file, base::Problems& problems)
      : document_(document, file, "", problems), file_(file), folder_(std::filesystem::path(file).parent_path()), problems_(problems) {}

  Config Read() {
    ReadServer();
    ReadHealth();
    ReadTlsSection();
    ReadInventorySection();
    ReadKubernetesSection();
    ReadPath(document_, "policy", folder_, &config_.policy);
    ReadPath(document_, "definitions", folder_, &config_.definitions);
    ReadCluster();
    ReadAudit();
    ReadScanSection();
    ReadLog();
    CheckWritten();
    document_.Finish();
    return std::move(config_);
  }

 private:
  // What serve writes is none of what it reads: a file that is no database or saved inventory would be moved aside.
  void CheckWritten() {
    const auto same = [](const std::string& a, const std::string& b) {
      return !a.empty() && !b.empty() && std::filesystem::path(a).lexically_normal() == std::filesystem::path(b).lexically_normal();
    };
    const std::string saved = config_.inventory.saved;
    const std::string database = config_.audit.enabled ? config_.audit.database : std::string();
    std::vector<std::pair<std::string, std::string>> read = FilesOf(config_.inventory);
    read.insert(read.end(), {{"policy", config_.policy},
                             {"tls.certificate", config_.tls.certificate},
                             {"tls.key", config_.tls.key},
                             {"server.clientCA", config_.server.client_ca},
                             {"kubernetes.kubeconfig", config_.kubernetes ? config_.kubernetes->kubeconfig : ""},
                             {"audit.replicas.ca", config_.audit.replicas ? config_.audit.replicas->ca : ""},
                             {"this file", file_}});
    for (const auto& [name, path] : read) {
      if (same(saved, path)) {
        document_.AddProblem(document_.node(), "inventory.saved", "is " + name + " too; expected a file of its own");
      }
      if (same(database, path)) {
        document_.AddProblem(document_.node(), "audit.database", "is " + name + " too; expected a file of its own");
      }
    }
    if (same(database, saved)) {
      document_.AddProblem(document_.node(), "audit.database", "is inventory.saved too; expected a file of its own");
    }
  }

  // A section that may be left out.
  std::optional<YamlMapping> Section(YamlMapping& parent, std::string_view key) {
    const YamlNode* member = parent.Member(key);
    return member == nullptr ? std::nullopt : std::make_optional<YamlMapping>(*member, file_, parent.PathOf(key), problems_);
  }

  std::optional<YamlMapping> RequiredSection(std::string_view key) {
    return document_.RequiredMember(key) == nullptr ? std::nullopt : Section(document_, key);
  }

  static void ReadAddress(YamlMapping& mapping, std::string* out) {
    if (mapping.Optional("address", out) && !IsAddress(*out)) {
      mapping.AddProblem(*mapping.Member("address"), "address",
                         "expected IP:PORT or [IPV6]:PORT such as 0.0.0.0:8443, got " + base::Quoted(*out));
    }
  }

  static void ReadNumber(YamlMapping& mapping, std::string_view key, int* out, std::int64_t least, std::int64_t most) {
    std::int64_t number = 0;
    if (mapping.Optional(key, &number, least, most)) {
      *out = static_cast<int>(number);
    }
  }

  void ReadServer() {
    if (auto server = Section(document_, "server")) {
      ReadAddress(*server, &config_.server.address);
      ReadNumber(*server, "threads", &config_.server.threads, 0, kMostThreads);
      server->Optional("drainDelay", &config_.server.drain_delay, microseconds(0), kLongestDrain);
      ReadNumber(*server, "maxConnections", &config_.server.max_connections, 1, kMostConnections);
      ReadPath(*server, "clientCA", folder_, &config_.server.client_ca);
      server->Finish();
    }
  }

  void ReadHealth() {
    if (auto health = Section(document_, "health")) {
      ReadAddress(*health, &config_.health.address);
      health->Finish();
    }
    if (config_.health.address == config_.server.address && !config_.health.address.ends_with(":0")) {
      document_.AddProblem(document_.node(), "health.address",
                           "is server.address too: " + config_.health.address + "; expected another port");
    }
  }

  void ReadTlsSection() {
    if (const YamlNode* node = document_.RequiredMember("tls")) {
      config_.tls = ReadTls(*node, file_, folder_, problems_);
      if (config_.tls.managed && document_.Member("kubernetes") == nullptr) {
        document_.AddProblem(*node, "tls.mode", "managed needs the section kubernetes; {} is enough in a pod");
      }
    }
  }

  void ReadInventorySection() {
    if (const YamlNode* node = document_.RequiredMember("inventory")) {
      config_.inventory = ReadInventory(*node, file_, folder_, problems_);
    }
  }

  void ReadKubernetesSection() {
    if (const YamlNode* node = document_.Member("kubernetes")) {
      config_.kubernetes = ReadKubernetes(*node, file_, folder_, problems_);
      // Each would write away what the other keeps.
      if (config_.tls.managed && !config_.tls.managed->secret.empty() &&
          config_.kubernetes->inventory_secret == config_.tls.managed->secret) {
        document_.AddProblem(*node, "kubernetes.inventorySecret", "is tls.secret too; expected a Secret of its own");
      }
    }
  }

  void ReadAudit() {
    config_.audit.database = (folder_ / config_.audit.database).string();
    auto audit = Section(document_, "audit");
    if (!audit) {
      return;
    }
    audit->Optional("enabled", &config_.audit.enabled);
    ReadPath(*audit, "database", folder_, &config_.audit.database);
    audit->Optional("stdout", &config_.audit.standard_output);
    audit->Optional("verdictChanges", &config_.audit.verdict_changes);
    if (auto retention = Section(*audit, "retention")) {
      retention->Optional("age", &config_.audit.retention_age, kShortestRetention, kLongestRetention);
      ReadSize(*retention, "size", &config_.audit.retention_bytes);
      retention->Finish();
    }
    ReadChoice(*audit, "record", &config_.audit.record, {{"all", AuditRecord::kAll}, {"denied", AuditRecord::kDenied}});
    ReadChoice(*audit, "durability", &config_.audit.durability, {{"process", AuditDurability::kProcess}, {"disk", AuditDurability::kDisk}});
    ReadChoice(*audit, "onFailure", &config_.audit.on_failure, {{"admit", AuditFailure::kAdmit}, {"refuse", AuditFailure::kRefuse}});
    ReadEvents(*audit);
    if (const YamlNode* node = audit->Member("postgresql")) {
      config_.audit.postgresql = ReadPostgresql(*node, file_, folder_, problems_);
    }
    if (audit->Optional("api", &config_.audit.api) && config_.audit.api) {
      CheckAuditApi(*audit);
    }
    ReadReplicasSection(*audit);
    audit->Finish();
  }

  void ReadReplicasSection(YamlMapping& audit) {
    const YamlNode* const node = audit.Member("replicas");
    if (node == nullptr) {
      return;
    }
    config_.audit.replicas = ReadReplicas(*node, file_, folder_, config_.tls.managed.has_value(), problems_);
    if (document_.Member("kubernetes") == nullptr) {
      audit.AddProblem(*node, "replicas", "needs the section kubernetes, whose token says who we are; {} is enough in a pod");
    }
    if (!config_.audit.api) {
      audit.AddProblem(*node, "replicas", "needs audit.api: true, on every replica: it is what they answer with");
    }
  }

  void ReadEvents(YamlMapping& audit) {
    if (!audit.Optional("events", &config_.audit.events) || !config_.audit.events) {
      return;
    }
    if (document_.Member("kubernetes") == nullptr) {
      audit.AddProblem(*audit.Member("events"), "events", "needs the section kubernetes; {} is enough in a pod");
    }
    if (!config_.audit.enabled) {
      audit.AddProblem(*audit.Member("events"), "events", "needs audit.enabled: what is told is read from the audit log");
    }
  }

  void CheckAuditApi(YamlMapping& audit) {
    if (!config_.audit.enabled) {
      audit.AddProblem(*audit.Member("api"), "api", "needs audit.enabled: true; there is no log that it could read");
    }
    if (document_.Member("kubernetes") == nullptr) {
      audit.AddProblem(*audit.Member("api"), "api",
                       "needs the section kubernetes, since the API server knows who may read the log; {} is enough in a pod");
    }
    // Who may read a namespace is known of this cluster's alone.
    if (config_.audit.postgresql && config_.cluster.empty()) {
      audit.AddProblem(
          *audit.Member("api"), "api",
          "needs cluster with audit.postgresql, which may have other clusters' records, of namespaces with the same names; set "
          "cluster to a name that no other has");
    }
  }

  void ReadScanSection() {
    if (const YamlNode* node = document_.Member("scan")) {
      config_.scan = ReadScan(*node, file_, problems_);
      if (document_.Member("kubernetes") == nullptr) {
        document_.AddProblem(*node, "scan", "needs the section kubernetes; {} is enough in a pod");
      }
    }
  }

  static void ReadSize(YamlMapping& mapping, std::string_view key, std::int64_t* out) {
    const YamlNode* member = mapping.Member(key);
    if (member == nullptr) {
      return;
    }
    const auto size = ParseSize(member->text);
    if (!size || *size < kSmallestLog || *size > kLargestLog) {
      mapping.AddProblem(*member, key, "expected a size from 1MiB to 16TiB such as 500MiB or 1GiB, got " + base::Describe(*member));
      return;
    }
    *out = *size;
  }

  void ReadLog() {
    if (auto log = Section(document_, "log")) {
      using enum base::LogLevel;
      ReadChoice(*log, "level", &config_.log.level, {{"debug", kDebug}, {"info", kInfo}, {"warning", kWarning}, {"error", kError}});
      log->Finish();
    }
  }

  void ReadCluster() {
    if (document_.Optional("cluster", &config_.cluster) && config_.cluster.size() > kLongestCluster) {
      document_.AddProblem(
          *document_.Member("cluster"), "cluster",
          "expected a name of at most " + std::to_string(kLongestCluster) + " bytes, got " + std::to_string(config_.cluster.size()));
    }
  }

  YamlMapping document_;
  const std::string& file_;
  const std::filesystem::path folder_;
  base::Problems& problems_;
  Config config_;
};

}  // namespace

base::Loaded<Config> LoadConfig(const std::string& file) {
  const auto text = base::ReadFile(file, base::kMaxYamlBytes);
  if (!text) {
    std::string message = text.error().ToString();
    if (message.starts_with(file + ": ")) {
      message.erase(0, file.size() + 2);  // a Problem begins with the file's name itself
    }
    return tl::unexpected(base::Problems{{file, 0, 0, std::move(message)}});
  }
  return ParseConfig(*text, file);
}

base::Loaded<Config> ParseConfig(std::string_view text, const std::string& file) {
  const auto document = base::ParseYaml(text, file);
  if (!document) {
    return tl::unexpected(document.error());
  }
  if (document->kind == YamlNode::Kind::kNull) {
    return tl::unexpected(base::Problems{{file, 0, 0, "is empty; expected at least tls and inventory"}});
  }
  base::Problems problems;
  Config config = ConfigReader(*document, file, problems).Read();
  if (!problems.empty()) {
    base::SortByPlace(problems);
    return tl::unexpected(std::move(problems));
  }
  return config;
}

}  // namespace cli
