// `audit`: what the audit log holds, for people and for programs.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "audit/reader.h"
#include "base/clock.h"
#include "cli/audit_filter.h"
#include "cli/terminal.h"

namespace cli {

enum class AuditOutput { kTable, kJson, kJsonLines, kCsv };

// Pauses between two looks of --follow: a second. True: look again.
bool WaitForRecords();

struct AuditArguments {
  std::string config;    // serve's configuration, for its audit.database
  std::string database;  // not together with `config`; neither: "audit.db"
  AuditFilterArguments filter;
  std::optional<std::int64_t> limit;  // none: 100, and with `follow` no limit
  AuditOutput output = AuditOutput::kTable;
  bool follow = false;  // table and jsonl alone: new records as they are committed, oldest first

  Terminal terminal = DescribeTerminal(STDOUT_FILENO);
  base::Time now = base::SystemClock().Now();
  std::function<bool()> wait = WaitForRecords;
};

// 0, also when nothing matches; 2 with a message on `err` when an argument is wrong or the log cannot be read.
int RunAuditCommand(const AuditArguments& arguments, std::ostream& out, std::ostream& err);

// The same of a log that is open already. `err` also gets a line for each replica that did not answer.
int RunAuditQuery(audit::Reader& log, const AuditArguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace cli
