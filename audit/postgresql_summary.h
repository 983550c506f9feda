// What the rows in PostgreSQL come to: from the hourly counts where they can tell, else from the rows.
#pragma once

#include <string>

#include "audit/postgresql.h"
#include "audit/reader.h"
#include "base/wait.h"

namespace audit::postgresql {

// Inside a transaction, all of whose statements see one moment: counts and rows must be of the same. `own_cluster` as AddFilter has it.
//
// Whole hours are taken from the counts, and of those that since or until cut the rows are counted. Filters beside time, cluster,
// namespace and decision are answered from rows alone.
Outcome<Summary> Summarise(Connection& connection, const Filter& filter, const std::string& own_cluster, const base::Until& until);

}  // namespace audit::postgresql
