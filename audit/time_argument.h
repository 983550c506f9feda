// A time as people give it to a query: the command line's --since, the HTTP endpoints' `since`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace audit {

// A duration back from `now`, a date (its first instant, UTC) or an RFC 3339 time. An error begins with `name`, the option's own, and
// says what would be a time.
base::Result<base::Time> ParseTimeArgument(std::string_view name, std::string_view text, base::Time now);

}  // namespace audit
