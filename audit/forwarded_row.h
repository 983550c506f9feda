// A row as PostgreSQL takes it. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "audit/postgresql.h"
#include "audit/store.h"

namespace audit {

// What each of the parameters of one row stands for, in order.
inline constexpr const char* kForwardedColumns =
    "time, log, sequence, cluster, replica, decision, dry_run, uid, namespace, \"user\", registries, images, blamed_registries, "
    "blamed_requirements, record";
inline constexpr std::size_t kForwardedColumnCount = 15;

// Appends the row's parameters. `log` is the log's name. Texts are as the server can hold them, so that it refuses none.
void AppendForwardedRow(std::string_view log, const StoredRow& row, std::vector<postgresql::Parameter>& parameters);

// The row's time as the column has it: far-off times of a wrong clock become the first or the last that texts can tell.
base::Time ForwardedTime(base::Time time);

}  // namespace audit
