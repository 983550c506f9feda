#include "cli/audit_database.h"

#include "cli/config.h"

namespace cli {

base::Result<std::string> AuditDatabaseOf(const std::string& config, const std::string& database) {
  if (!config.empty() && !database.empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--config and --database both name a database", "leave one of them out");
  }
  if (config.empty()) {
    return database.empty() ? "audit.db" : database;
  }
  const auto loaded = LoadConfig(config);
  if (!loaded) {
    return base::Fail(base::ErrorCode::kInvalidArgument, base::ToString(loaded.error()));
  }
  return loaded->audit.database;
}

}  // namespace cli
