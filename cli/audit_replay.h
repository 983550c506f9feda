// `audit replay`: what another policy would have decided about the admissions on record.
#pragma once

#include <string>

#include "audit/reader.h"
#include "azure/credential.h"
#include "base/clock.h"
#include "cli/inputs.h"
#include "cli/streams.h"

namespace cli {

struct AuditReplayArguments {
  Inputs inputs;               // the policy that is asked about, and what is known of registries now
  std::string database;        // the log, with `records` empty; both empty: the configuration's, or "audit.db"
  std::string records;         // a collected standard output instead, "-": standard input
  std::string since, until;    // a duration back from now, a date, or an RFC 3339 time; since "": 7d
  std::string namespace_name;  // with '*' at the end, what begins so
  std::string cluster;         // "*": any; "": where the log is PostgreSQL, the configuration's, for a policy is of one; else any
  OutputFormat output = OutputFormat::kTable;
};

// 0: nothing would newly be denied. 1: something would, or cannot be told not to. 2, with a message on `err`: something cannot be
// read, or a replica did not answer.
int RunAuditReplay(const AuditReplayArguments& arguments, const Streams& streams, const base::Clock& clock,
                   const azure::Environment& environment);

// The same of a log that is open already.
int RunAuditReplay(audit::Reader& log, const AuditReplayArguments& arguments, const Streams& streams, const base::Clock& clock,
                   const azure::Environment& environment);

}  // namespace cli
