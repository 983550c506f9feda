// The section `audit.postgresql` of the configuration file: where all replicas' records are brought together.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "audit/postgresql.h"
#include "base/problem.h"
#include "base/yaml.h"

namespace cli {

// Paths as in Config.
struct PostgresqlConfig {
  audit::postgresql::Server server;
  std::optional<std::chrono::microseconds> retention;  // none: nothing is dropped
};

// `node` is the section, `file` and `folder` are the configuration file's. Files are looked at where they are used.
PostgresqlConfig ReadPostgresql(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder,
                                base::Problems& problems);

}  // namespace cli
