// The `tls` section of the configuration file: where the serving certificate comes from.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "base/problem.h"
#include "base/yaml.h"

namespace cli {

// Mode managed: the replicas make it themselves, in the cluster.
struct ManagedTlsConfig {
  std::string secret, service, webhook_configuration;  // names
  std::chrono::microseconds validity = std::chrono::days(30);
  std::chrono::microseconds authority_validity = std::chrono::days(365);
  std::chrono::microseconds overlap_before = std::chrono::minutes(10);
  std::chrono::microseconds overlap_after = std::chrono::hours(1);
};

struct TlsConfig {
  std::string certificate, key;             // mode files; paths as in Config
  std::optional<ManagedTlsConfig> managed;  // none: mode files
};

// `node` is the section, `file` and `folder` are the configuration file's.
TlsConfig ReadTls(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder, base::Problems& problems);

}  // namespace cli
