// Which audit log a command asks.
#pragma once

#include <memory>
#include <string>

#include "audit/reader.h"
#include "base/environment.h"
#include "base/result.h"
#include "cli/environment.h"

namespace cli {

// With serve's configuration file `config` and its audit.replicas, the logs of all replicas; without them the log that serve keeps, or
// the one in `database`, or in "audit.db". An error when both are given.
base::Result<std::unique_ptr<audit::Reader>> OpenAuditSource(const std::string& config, const std::string& database,
                                                             const base::Environment& environment = EnvironmentVariable);

}  // namespace cli
