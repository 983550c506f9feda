// How the names of PostgreSQL servers become addresses: as those of all other servers.
#pragma once

#include "audit/postgresql.h"

namespace cli {

// Safe for concurrent use.
audit::postgresql::Resolve ResolveNames();

}  // namespace cli
