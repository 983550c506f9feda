// Which audit log a command asks.
#pragma once

#include <memory>
#include <string>

#include "audit/reader.h"
#include "base/environment.h"
#include "base/result.h"
#include "cli/environment.h"

namespace cli {

// With serve's configuration file `config`: PostgreSQL where it has audit.postgresql, the logs of all replicas where it has audit.replicas,
// else the log that serve keeps. Without it the one in `database`, or in "audit.db". An error when both are given.
base::Result<std::unique_ptr<audit::Reader>> OpenAuditSource(const std::string& config, const std::string& database,
                                                             const base::Environment& environment = EnvironmentVariable);

}  // namespace cli
