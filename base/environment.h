// The environment as a value, so that tests need not change the process's.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace base {

// The variable's value; nothing when it is not set. Safe for concurrent use.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

}  // namespace base
