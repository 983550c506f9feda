// Which records a command of `audit` is about, as its options say it.
#pragma once

#include <string>

#include "audit/reader.h"
#include "base/result.h"
#include "base/time.h"

namespace cli {

struct AuditFilterArguments {
  std::string since, until;                                          // as ParseTimeOfPerson reads them
  std::string namespace_name, decision, registry, image, user, uid;  // "": any; docs/audit.md says how each compares
  std::string cluster = {};                                          // "" and "*": any
};

// A cluster, as Filter has it.
std::string ClusterOf(const std::string& argument);

base::Result<audit::Filter> AuditFilterOf(const AuditFilterArguments& arguments, base::Time now);

}  // namespace cli
