// `audit summary`: what the audit log comes to.
#pragma once

#include <cstdint>
#include <string>

#include "audit/reader.h"
#include "base/clock.h"
#include "cli/audit_filter.h"
#include "cli/streams.h"

namespace cli {

struct AuditSummaryArguments {
  std::string config;    // serve's configuration, for its audit.database
  std::string database;  // not together with `config`; neither: "audit.db"
  AuditFilterArguments filter = {
      .since = "24h", .until = {}, .namespace_name = {}, .decision = {}, .registry = {}, .image = {}, .user = {}, .uid = {}};
  std::int64_t limit = 10;  // rows of each table; what is beyond is counted together
  OutputFormat output = OutputFormat::kTable;
};

// 0, also when nothing matches; 2 with a message on `err` when an argument is wrong or the log cannot be read.
int RunAuditSummary(const AuditSummaryArguments& arguments, const Streams& streams, const base::Clock& clock);

// The same of a log that is open already.
int SummariseLog(audit::Reader& log, const AuditSummaryArguments& arguments, const Streams& streams, const base::Clock& clock);

}  // namespace cli
