// How the rows that a filter asks for are found in this database. Looks at little of it.
#pragma once

#include <cstdint>

#include "audit/selection.h"
#include "audit/sqlite.h"

namespace audit {

inline constexpr std::int64_t kVersionWithQuestions = 3;  // whose indexes, side table and roll-ups answer what is asked

struct Plan {
  Way way = Way::kRows;
  IdRange ids;  // rows outside are not of the filter's time; those inside may be of another
};

// Of rows in `within` alone. `version`: the database's schema version.
sqlite::Outcome<Plan> PlanFor(sqlite::Connection& connection, const Filter& filter, const IdRange& within, std::int64_t version);

// With its values bound: `selection` must live as long.
sqlite::Outcome<sqlite::Statement> Prepare(sqlite::Connection& connection, const Selection& selection);

}  // namespace audit
