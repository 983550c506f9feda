// A row with all that its digest covers, read from the database: by retention that deletes it, and by `verify`.
#pragma once

#include "audit/chain.h"
#include "audit/sqlite.h"

namespace audit {

// Column 0 is the id, 1 to 11 what ReadChainedRow reads, 12 the chain's value. Parameter 1: the id.
inline constexpr const char* kReadChainedRow =
    "SELECT id, time, latest, size, dry_run, kept, decision, uid, namespace, user, registries, record, chain FROM decision WHERE id = ?1";
inline constexpr const char* kReadChainedRows =
    "SELECT id, time, latest, size, dry_run, kept, decision, uid, namespace, user, registries, record, chain FROM decision "
    "WHERE id >= ?1 ORDER BY id";

// Views into the statement's row.
inline ChainedRow ReadChainedRow(const sqlite::Statement& row) {
  return {.time = row.Int(1),
          .latest = row.Int(2),
          .size = row.Int(3),
          .dry_run = row.Int(4) != 0,
          .kept = row.IsNull(5) ? std::nullopt : std::optional(row.Text(5)),
          .decision = row.Text(6),
          .uid = row.Text(7),
          .namespace_name = row.Text(8),
          .user = row.Text(9),
          .registries = row.Text(10),
          .record = row.Text(11)};
}

}  // namespace audit
