// What a scan found, for a person and as JSON.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/streams.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "scan/assess.h"
#include "scan/compare.h"
#include "scan/index.h"

namespace cli {

// A policy, what is known of the registries under it, and what the two say of what runs.
struct ScanSide {
  const policy::Policy& policy;
  const policy::Facts& facts;
  scan::Assessment assessment;
};

struct ScanReport {
  base::Time time{};  // at which it was decided
  const scan::Index& index;
  ScanSide asked;
  std::optional<ScanSide> before{};  // what `asked` is compared with
  scan::Comparison comparison{};     // with `before`
  std::vector<std::string> incomplete{};
};

void WriteScanTables(const ScanReport& report, const Terminal& terminal, std::ostream& out);
void WriteScanJson(const ScanReport& report, std::ostream& out);

}  // namespace cli
