#include "cli/audit_source.h"

#include "audit/database_reader.h"
#include "cli/audit_database.h"

namespace cli {

base::Result<std::unique_ptr<audit::Reader>> OpenAuditSource(const std::string& config, const std::string& database) {
  const auto path = AuditDatabaseOf(config, database);
  if (!path) {
    return tl::unexpected(path.error());
  }
  return audit::OpenDatabaseReader(*path);
}

}  // namespace cli
