// Databases as older programs wrote them.
#pragma once

#include <string>

#include "tests/audit/scratch.h"

namespace support {

// As version 1 was released.
inline constexpr const char* kVersion1 = R"sql(
CREATE TABLE decision (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, latest INTEGER NOT NULL, size INTEGER NOT NULL, dry_run INTEGER NOT NULL,
  decision TEXT NOT NULL, uid TEXT NOT NULL, namespace TEXT NOT NULL, kept TEXT, user TEXT NOT NULL, registries TEXT NOT NULL,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX decision_by_uid ON decision(uid);
CREATE INDEX decision_not_allowed ON decision(decision) WHERE decision <> 'Allowed';
CREATE INDEX decision_kept ON decision(kept) WHERE kept IS NOT NULL;
CREATE TABLE cursor (consumer TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE tally (only INTEGER PRIMARY KEY CHECK (only = 1), upto INTEGER NOT NULL, spare_rows INTEGER NOT NULL,
  spare_bytes INTEGER NOT NULL, kept_rows INTEGER NOT NULL, kept_bytes INTEGER NOT NULL) STRICT;
INSERT INTO tally VALUES (1, 1, 0, 0, 1, 500);
INSERT INTO cursor VALUES ('stdout', 1);
INSERT INTO decision VALUES
  (1, 1795435200000000, 1795435200000000, 500, 0, 'Denied', 'old-1', 'shop', 'shop', 'anna', ' a.azurecr.io ', '{"uid":"old-1"}'),
  (2, 1795435200000000, 1795435200000000, 500, 0, 'Denied', 'old-2', 'shop', 'shop', 'anna', ' a.azurecr.io ', '{"uid":"old-2"}');
PRAGMA application_id = 0x41435241;
PRAGMA user_version = 1;
)sql";

// What version 2 was released with, beside that.
inline constexpr const char* kVersion2 = R"sql(
ALTER TABLE decision ADD COLUMN chain BLOB;
ALTER TABLE tally ADD COLUMN head BLOB;
ALTER TABLE tally ADD COLUMN tombstones INTEGER NOT NULL DEFAULT 0;
CREATE TABLE chain (only INTEGER PRIMARY KEY CHECK (only = 1), log BLOB NOT NULL, first INTEGER NOT NULL) STRICT;
CREATE TABLE tombstone (id INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT;
CREATE TABLE gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
INSERT INTO decision VALUES
  (3, 1795438800000000, 1795438800000000, 500, 0, 'Warned', 'two', 'bank', 'bank', 'bert', ' a.azurecr.io b.azurecr.io ', '{"uid":"two"}', NULL),
  (4, 1795438800000000, 1795438800000000, 500, 0, 'Denied', 'none', 'bank', 'bank', 'bert', ' ', '{"uid":"none"}', NULL),
  (5, 1795438800000000, 1795438800000000, 500, 0, 'Allowed', 'fine', 'bank', NULL, 'bert', ' a.azurecr.io ', '{"uid":"fine"}', NULL);
PRAGMA user_version = 2;
)sql";

inline void WriteVersion1(const std::string& database) { ExecuteOn(database, kVersion1); }

inline void WriteVersion2(const std::string& database) {
  ExecuteOn(database, kVersion1);
  ExecuteOn(database, kVersion2);
}

}  // namespace support
