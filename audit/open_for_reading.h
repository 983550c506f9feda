// A read-only connection to an audit database, for whoever asks about it beside a running `serve`.
#pragma once

#include <string>

#include "audit/sqlite.h"
#include "base/result.h"

namespace audit {

enum class Versions { kAll, kNewestOnly };

// An error when there is no such file, or it holds no audit log of such a version.
base::Result<sqlite::Connection> OpenForReading(const std::string& path, Versions versions);

}  // namespace audit
