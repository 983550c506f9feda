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

inline void WriteVersion1(const std::string& database) { ExecuteOn(database, kVersion1); }

}  // namespace support
