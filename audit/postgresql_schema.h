// What stands in PostgreSQL: docs/audit.md, "PostgreSQL". Made and migrated by `acr-admission audit migrate` alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "audit/postgresql.h"

namespace audit::postgresql {

inline constexpr std::int64_t kSchemaVersion = 2;

// Advisory locks, of the database. The first number is "ACRA": nobody else's locks are ours.
inline constexpr std::int64_t kLockSpace = 0x41435241;
enum class Lock { kMigration = 1, kPartitions = 2, kRetention = 3, kArrival = 4 };
// "pg_advisory_xact_lock(…)" and its like, held until the transaction ends.
std::string TakeLock(Lock lock);
std::string TakeSharedLock(Lock lock);

// What programs of which version may do with the schema.
struct SchemaVersion {
  std::int64_t version = 0;     // 0: there is none
  std::int64_t compatible = 0;  // programs that know this version, or a newer one, work with it
};
Outcome<SchemaVersion> ReadSchemaVersion(Connection& connection, const base::Until& until);

// Nothing when this program works with the schema; else an error that says what to do.
std::optional<base::Error> RefusalOf(const SchemaVersion& schema, const std::string& name);

struct Migration {
  SchemaVersion before;
  SchemaVersion after;
};
// To kSchemaVersion, in one transaction; a newer schema that this program works with stays as it is. `retention`: what is older is
// dropped, by whole days; none keeps everything. Several at a time wait for each other.
base::Result<Migration> Migrate(Connection& connection, std::optional<std::chrono::microseconds> retention, const base::Until& until);

}  // namespace audit::postgresql
