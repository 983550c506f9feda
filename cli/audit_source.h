// Which audit log a command asks.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "audit/reader.h"
#include "base/environment.h"
#include "base/result.h"
#include "base/wait.h"
#include "cli/config.h"
#include "cli/environment.h"

namespace cli {

// With serve's configuration file `config`: PostgreSQL where it has audit.postgresql, the logs of all replicas where it has audit.replicas,
// else the log that serve keeps. Without it the one in `database`, or in "audit.db". An error when both are given.
base::Result<std::unique_ptr<audit::Reader>> OpenAuditSource(const std::string& config, const std::string& database,
                                                             const base::Environment& environment = EnvironmentVariable);

// Whose records a policy is to be tried on: where the configuration's log is PostgreSQL, which has all clusters', those of its own, and an
// error where it has no name for that; else "", those of the log.
base::Result<std::string> ClusterOfPolicy(const std::string& config);

// For the audit API, of a configuration with audit.postgresql: what all replicas of this cluster sent to PostgreSQL, and nothing of other
// clusters. Whoever may read a namespace here may know nothing of the one that is called so elsewhere.
std::unique_ptr<audit::Reader> OpenClusterRecords(const Config& config, std::chrono::milliseconds deadline,
                                                  std::shared_ptr<const base::Event> stop);

}  // namespace cli
