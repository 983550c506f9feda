// The process's environment, read here and handed on as a function, so that tests have one of their own.
#pragma once

#include <optional>
#include <string>

namespace cli {

// Nothing in the process changes the environment, so any thread may ask.
std::optional<std::string> EnvironmentVariable(const std::string& name);

}  // namespace cli
