#include "audit/schema.h"

#include <array>
#include <cstddef>

namespace audit {
namespace {

// Steps are never changed once released: step i makes version i + 1 of version i, and a new database takes all of them.
//
// Indexes cost every commit, so there are few: one over all rows, the others over what is rare.
// `kept` is "PEER NAMESPACE" by now: who shares with whom in what retention keeps. In older rows it is the namespace alone.
constexpr const char* kDecisions = R"sql(
CREATE TABLE decision (
  id INTEGER PRIMARY KEY,    -- in the order of commits; never used twice
  time INTEGER NOT NULL,     -- microseconds since 1970, as the clock said
  latest INTEGER NOT NULL,   -- the greatest time up to this row: never falls when a clock is set back, so ids can be searched by it
  size INTEGER NOT NULL,     -- bytes that retention counts it with
  dry_run INTEGER NOT NULL,
  decision TEXT NOT NULL,
  uid TEXT NOT NULL,
  namespace TEXT NOT NULL,
  kept TEXT,                 -- the namespace again, for what retention keeps longest; NULL: allowed, or a dry run
  user TEXT NOT NULL,
  registries TEXT NOT NULL,  -- each between spaces: ' a.azurecr.io docker.io '
  record TEXT NOT NULL       -- the JSON object
) STRICT;
CREATE INDEX decision_by_uid ON decision(uid);
CREATE INDEX decision_not_allowed ON decision(decision) WHERE decision <> 'Allowed';
CREATE INDEX decision_kept ON decision(kept) WHERE kept IS NOT NULL;
CREATE TABLE cursor (consumer TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tally (       -- one row: what the rows up to id `upto` come to, so that a start need not count them
  only INTEGER PRIMARY KEY CHECK (only = 1),
  upto INTEGER NOT NULL,
  spare_rows INTEGER NOT NULL, spare_bytes INTEGER NOT NULL,
  kept_rows INTEGER NOT NULL, kept_bytes INTEGER NOT NULL
) STRICT;
INSERT INTO tally VALUES (1, 0, 0, 0, 0, 0);
PRAGMA application_id = 0x41435241;
)sql";

constexpr const char* kChain = R"sql(
ALTER TABLE decision ADD COLUMN chain BLOB;  -- the chain's value behind this row; NULL: the row is older than the chain
ALTER TABLE tally ADD COLUMN head BLOB;      -- the chain's value behind the row `upto`
ALTER TABLE tally ADD COLUMN tombstones INTEGER NOT NULL DEFAULT 0;
CREATE TABLE chain (       -- one row
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log BLOB NOT NULL,       -- 16 random bytes, this log's name
  first INTEGER NOT NULL   -- the id that the chain begins with
) STRICT;
CREATE TABLE tombstone (id INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT;  -- of a deleted row
CREATE TABLE gap (         -- rows of which not even tombstones are left
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL,
  chain BLOB NOT NULL      -- the chain's value behind the row `last`
) STRICT;
)sql";

// What is not allowed is found by whose it is. What is allowed, most of a log, costs a commit nothing more.
constexpr const char* kQuestions = R"sql(
CREATE INDEX decision_by_namespace ON decision(decision, namespace) WHERE decision <> 'Allowed';
CREATE INDEX decision_by_user ON decision(decision, user) WHERE decision <> 'Allowed';
CREATE INDEX decision_set_back ON decision(id) WHERE latest - time > 60000000;  -- committed when the clock had been set back
CREATE TABLE decision_registry (  -- each of `registries` of each row that is not allowed
  decision TEXT NOT NULL, registry TEXT NOT NULL, id INTEGER NOT NULL,
  PRIMARY KEY (decision, registry, id)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO decision_registry
  SELECT d.decision, r.value, d.id
  FROM decision AS d INDEXED BY decision_not_allowed, json_each('[' || replace(json_quote(trim(d.registries)), ' ', '","') || ']') AS r
  WHERE d.decision <> 'Allowed' AND r.value <> '';
CREATE TABLE hourly (             -- what rows up to the cursor 'hourly' come to; stays when they go
  hour INTEGER NOT NULL,          -- since 1970
  namespace TEXT NOT NULL,
  dimension INTEGER NOT NULL,     -- 0: all admissions; of those that were not allowed: 1 registry, 2 requirement, 3 user
  value TEXT NOT NULL,            -- '' where all are counted
  allowed INTEGER NOT NULL, warned INTEGER NOT NULL, denied INTEGER NOT NULL,
  PRIMARY KEY (hour, namespace, dimension, value)
) STRICT, WITHOUT ROWID;
)sql";

constexpr std::array<const char*, kSchemaVersion> kSteps = {kDecisions, kChain, kQuestions};

}  // namespace

sqlite::Outcome<Content> ReadContent(sqlite::Connection& connection) {
  const auto objects = connection.QueryInt("SELECT count(*) FROM sqlite_schema");
  if (!objects) {
    return tl::unexpected(objects.error());
  }
  const auto application = connection.QueryInt("PRAGMA application_id");
  if (!application) {
    return tl::unexpected(application.error());
  }
  const auto version = connection.QueryInt("PRAGMA user_version");
  if (!version) {
    return tl::unexpected(version.error());
  }
  if (*objects == 0) {
    return Content{Content::Kind::kEmpty, 0};
  }
  if (*application != kApplicationId) {
    return Content{Content::Kind::kOtherProgram, *version};
  }
  if (*version >= 1 && *version < kSchemaVersion) {
    return Content{Content::Kind::kOlderVersion, *version};
  }
  return Content{*version == kSchemaVersion ? Content::Kind::kAuditLog : Content::Kind::kOtherVersion, *version};
}

base::Error RefusalOf(const Content& content, const std::string& path) {
  if (content.kind == Content::Kind::kOlderVersion) {
    return {base::ErrorCode::kInvalidArgument,
            "audit database " + path + ": has schema version " + std::to_string(content.version) + ", this needs version " +
                std::to_string(kSchemaVersion),
            "serve of this program migrates it when it starts"};
  }
  if (content.kind == Content::Kind::kOtherVersion) {
    return {base::ErrorCode::kInvalidArgument,
            "audit database " + path + ": has schema version " + std::to_string(content.version) +
                ", this program reads and writes version " + std::to_string(kSchemaVersion),
            "use the acr-admission that wrote it, or move the file (with its -wal) away to begin a new one"};
  }
  return {base::ErrorCode::kInvalidArgument, "audit database " + path + ": holds no audit log", "give the path of an audit database"};
}

sqlite::Outcome<void> MigrateSchema(sqlite::Connection& connection, std::int64_t from) {
  std::string sql = "BEGIN IMMEDIATE;";
  for (std::int64_t version = from; version < kSchemaVersion; ++version) {
    sql += kSteps[static_cast<std::size_t>(version)];
  }
  sql += "PRAGMA user_version = " + std::to_string(kSchemaVersion) + "; COMMIT";
  auto migrated = connection.Execute(sql.c_str());
  if (!migrated) {
    static_cast<void>(connection.Execute("ROLLBACK"));  // fails where the transaction is over already
  }
  return migrated;
}

}  // namespace audit
