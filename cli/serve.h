// `serve`: the webhook.
#pragma once

#include <string>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/streams.h"

namespace cli {

struct ServeArguments {
  std::string config;
};

// Returns after a drain, asked for by SIGTERM or SIGINT, which the caller has blocked. Problems at the start go to
// `streams.err`, log lines to the process's standard error, audit records to its standard output.
int RunServe(const ServeArguments& arguments, const Streams& streams, const base::Clock& clock, const azure::Environment& environment);

}  // namespace cli
