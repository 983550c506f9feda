// The CA certificates that callers' client certificates are checked against.
#pragma once

#include <string>

#include "base/result.h"

namespace cli {

// The file's PEM text, when all of its blocks are certificates and there is one at least.
base::Result<std::string> ReadClientCa(const std::string& file);

}  // namespace cli
