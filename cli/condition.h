// One thing that works or does not, logged when that changes and not at every attempt.
#pragma once

#include <optional>
#include <string>

#include "base/log.h"

namespace cli {

// For one thread.
struct Condition {
  std::string what;                        // that does not work: "standard output takes no audit records"
  std::optional<std::string> logged = {};  // the problem that was told last
  // none: it works.
  void Log(const std::optional<std::string>& problem, const base::Log& log);
};

}  // namespace cli
