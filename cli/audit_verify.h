// `audit verify`: whether the audit log is as it was written.
#pragma once

#include <string>

#include "cli/streams.h"

namespace cli {

struct AuditVerifyArguments {
  std::string config;    // serve's configuration, for its audit.database
  std::string database;  // not together with `config`; neither: "audit.db"
  std::string anchors;   // a collected standard output, "-": standard input; "": none
};

// 0: whole, or consistent where no anchors were given. 1: broken, and from which record on. 2, with a message on `err`: could
// not be told, since something cannot be read or no anchor is of this log.
int RunAuditVerify(const AuditVerifyArguments& arguments, const Streams& streams);

}  // namespace cli
