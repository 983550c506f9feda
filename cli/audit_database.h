// Which audit database a command means.
#pragma once

#include <string>

#include "base/result.h"

namespace cli {

// That of serve's configuration file `config`, or `database`, or "audit.db"; an error when both are given.
base::Result<std::string> AuditDatabaseOf(const std::string& config, const std::string& database);

}  // namespace cli
