// What stands in the database: docs/audit.md, "Storage format".
#pragma once

#include <cstdint>
#include <string>

#include "audit/sqlite.h"
#include "base/result.h"

namespace audit {

inline constexpr std::int64_t kSchemaVersion = 3;           // PRAGMA user_version
inline constexpr std::int64_t kApplicationId = 0x41435241;  // PRAGMA application_id, "ACRA": no other program's file is taken for ours

struct Content {
  enum class Kind { kEmpty, kAuditLog, kOlderVersion, kOtherProgram, kOtherVersion };
  Kind kind = Kind::kEmpty;
  std::int64_t version = 0;
};
sqlite::Outcome<Content> ReadContent(sqlite::Connection& connection);

// Why a database that holds something else is not touched, and what to do.
base::Error RefusalOf(const Content& content, const std::string& path);

// From version `from` (0: an empty database) to kSchemaVersion, in one transaction: a process that dies meanwhile leaves the
// database as it was.
sqlite::Outcome<void> MigrateSchema(sqlite::Connection& connection, std::int64_t from);

}  // namespace audit
