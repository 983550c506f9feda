// Which audit log a command asks.
#pragma once

#include <memory>
#include <string>

#include "audit/reader.h"
#include "base/result.h"

namespace cli {

// The log that serve with the configuration file `config` keeps, or the one in `database`, or in "audit.db"; an error when both are
// given.
base::Result<std::unique_ptr<audit::Reader>> OpenAuditSource(const std::string& config, const std::string& database);

}  // namespace cli
