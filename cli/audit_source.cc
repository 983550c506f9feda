#include "cli/audit_source.h"

#include <utility>

#include "audit/database_reader.h"
#include "audit/postgresql_reader.h"
#include "cli/audit_database.h"
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

base::Result<std::string> ClusterOfPolicy(const std::string& config) {
  const auto loaded = LoadConfig(config);
  if (!loaded || !loaded->audit.postgresql) {
    return std::string();  // what is wrong with the file is said by whoever opens the log
  }
  if (loaded->cluster.empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      config + ": names no cluster, and a policy is of one, while PostgreSQL may have the records of several",
                      "give --cluster NAME, or --cluster '*' for all");
  }
  return loaded->cluster;
}

std::unique_ptr<audit::Reader> OpenClusterRecords(const Config& config, std::chrono::milliseconds deadline,
                                                  std::shared_ptr<const base::Event> stop) {
  return audit::MakePostgresqlReader({.server = config.audit.postgresql->server,
                                      .resolve = ResolveNames(),
                                      .cluster = config.cluster,
                                      .deadline = deadline,
                                      .stop = std::move(stop)});
}

}  // namespace cli
