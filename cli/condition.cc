#include "cli/condition.h"

namespace cli {

void Condition::Log(const std::optional<std::string>& problem, const base::Log& log) {
  if (problem.has_value() == logged.has_value()) {
    return;
  }
  if (problem) {
    log(base::LogLevel::kError, what + ": " + *problem);
  } else {
    log(base::LogLevel::kInfo, "over: " + what);
  }
  logged = problem;
}

}  // namespace cli
