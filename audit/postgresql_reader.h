// Answers from PostgreSQL, for all replicas of all clusters that send their records there.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "audit/postgresql.h"
#include "audit/reader.h"
#include "base/result.h"
#include "base/wait.h"

namespace audit {

struct PostgresqlReaderOptions {
  postgresql::Server server;
  postgresql::Resolve resolve;
  std::string cluster = {};                                      // the only one whose records are read, whatever a filter says; "": all
  std::chrono::milliseconds deadline{std::chrono::minutes(10)};  // of a call
  std::shared_ptr<const base::Event> stop = std::make_shared<base::Event>();  // ends calls that are under way
};

// Connects when it is asked for the first time, and anew when the connection is lost. Oldest first, rows come in the order in which they
// arrived in PostgreSQL: whoever follows misses none, however long it was on its way.
std::unique_ptr<Reader> MakePostgresqlReader(PostgresqlReaderOptions options);

}  // namespace audit
