// `audit migrate`: makes the schema in PostgreSQL, or brings it to what this program needs.
#pragma once

#include <string>

#include "cli/streams.h"

namespace cli {

struct AuditMigrateArguments {
  std::string config;         // serve's configuration, for its audit.postgresql
  std::string user;           // instead of the configuration's, which may be none that makes tables; "": that
  std::string password_file;  // of `user`; "": the configuration's
};

// 0, also when there was nothing to do; 2 with a message on `err`.
int RunAuditMigrate(const AuditMigrateArguments& arguments, const Streams& streams);

}  // namespace cli
