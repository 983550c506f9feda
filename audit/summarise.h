// What a database's rows come to: from the roll-ups where they can tell, else from the rows.
#pragma once

#include <cstdint>

#include "audit/reader.h"
#include "audit/sqlite.h"

namespace audit {

// Inside a transaction, so that roll-ups and rows are of one moment. `version`: the database's schema version.
//
// Whole hours are taken from the roll-ups, and rows that are in none yet are read. Of an hour that since or until cuts, rows are read as
// well, unless retention has taken some of it: then it counts whole. Filters beside time, namespace and decision are answered from rows
// alone, and so are hours of which there are no roll-ups any more.
sqlite::Outcome<Summary> SummariseDatabase(sqlite::Connection& connection, const Filter& filter, std::int64_t version);

}  // namespace audit
