#include "cli/audit_source.h"

#include "audit/database_reader.h"
#include "audit/postgresql_reader.h"
#include "cli/audit_database.h"
#include "cli/config.h"
#include "cli/fleet_source.h"
#include "cli/postgresql_names.h"

namespace cli {

base::Result<std::unique_ptr<audit::Reader>> OpenAuditSource(const std::string& config, const std::string& database,
                                                             const base::Environment& environment) {
  const auto path = AuditDatabaseOf(config, database);
  if (!path) {
    return tl::unexpected(path.error());
  }
  if (!config.empty()) {
    const auto loaded = LoadConfig(config);
    if (loaded && loaded->audit.postgresql) {
      return audit::MakePostgresqlReader({.server = loaded->audit.postgresql->server, .resolve = ResolveNames()});
    }
    if (loaded && loaded->audit.replicas) {
      return OpenFleetSource(*loaded, environment);
    }
  }
  return audit::OpenDatabaseReader(*path);
}

}  // namespace cli
