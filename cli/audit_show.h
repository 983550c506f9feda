// `audit show`: all that one record says.
#pragma once

#include <string>
#include <string_view>

#include "audit/reader.h"
#include "cli/streams.h"

namespace cli {

struct AuditShowArguments {
  std::string config;    // serve's configuration, for its audit.database
  std::string database;  // not together with `config`; neither: "audit.db"
  std::string uid;
  std::string cluster;                         // as AuditFilterArguments has it
  OutputFormat output = OutputFormat::kTable;  // kJson: the record as it is stored
};

// 0; 2 with a message on `err` when there is no record of that uid, or the log cannot be read.
int RunAuditShow(const AuditShowArguments& arguments, const Streams& streams);

// The same of a log that is open already.
int ShowRecord(audit::Reader& log, const AuditShowArguments& arguments, const Streams& streams);

}  // namespace cli
