// A registry as people give it to a query: the command line's --registry, the HTTP endpoints' `registry`.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace audit {

// As records have it: a host, folded; of one that ends with '*', the beginning of a host, only its case. An error begins with `name`, the
// option's own: what leaves nothing of a host (":443") would select every registry.
base::Result<std::string> ParseRegistryArgument(std::string_view name, std::string_view text);

}  // namespace audit
