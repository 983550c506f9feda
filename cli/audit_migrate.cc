#include "cli/audit_migrate.h"

#include <chrono>

#include "audit/postgresql.h"
#include "audit/postgresql_schema.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/postgresql_names.h"

namespace cli {
namespace {

constexpr std::chrono::seconds kConnect{15};
constexpr std::chrono::minutes kMigrate{10};  // an index over years of records

base::Result<std::string> Migrate(const AuditMigrateArguments& arguments) {
  const base::Loaded<Config> config = LoadConfig(arguments.config);
  if (!config) {
    return base::Fail(base::ErrorCode::kInvalidArgument, base::ToString(config.error()));
  }
  if (!config->audit.postgresql) {
    return base::Fail(base::ErrorCode::kInvalidArgument,
                      arguments.config + ": has no audit.postgresql, and no other log is migrated by hand");
  }
  audit::postgresql::Server server = config->audit.postgresql->server;
  if (!arguments.user.empty()) {
    server.user = arguments.user;
  }
  if (!arguments.password_file.empty()) {
    server.password_file = arguments.password_file;
  }
  const base::Event never;
  const auto in = [&](std::chrono::steady_clock::duration time) { return base::Until{std::chrono::steady_clock::now() + time, &never}; };
  auto connection = audit::postgresql::Connection::Open(server, ResolveNames(), in(kConnect));
  if (!connection) {
    return tl::unexpected<base::Error>(connection.error());
  }
  const auto migration = audit::postgresql::Migrate(*connection, config->audit.postgresql->retention, in(kMigrate));
  if (!migration) {
    return tl::unexpected(migration.error());
  }
  const auto& [before, after] = *migration;
  const std::string where = Describe(server) + ", database " + server.database + ": ";
  const std::string version = "the schema has version " + std::to_string(after.version);
  if (before.version == after.version) {
    return where + version + ", as before";
  }
  return where + version + (before.version == 0 ? ", made anew" : ", migrated from version " + std::to_string(before.version));
}

}  // namespace

int RunAuditMigrate(const AuditMigrateArguments& arguments, const Streams& streams) {
  const auto done = Migrate(arguments);
  if (!done) {
    streams.err << done.error().ToString() << '\n';
    return kExitError;
  }
  streams.out << *done << '\n';
  return kExitOk;
}

}  // namespace cli
