#include "cli/environment.h"

#include <cstdlib>

namespace cli {

std::optional<std::string> EnvironmentVariable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nothing changes the environment
  return value == nullptr ? std::nullopt : std::make_optional<std::string>(value);
}

}  // namespace cli
