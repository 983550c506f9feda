// What runs in a cluster, read for a command that a person waits for.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/streams.h"
#include "kube/api.h"
#include "scan/index.h"

namespace cli {

struct RunningQuestion {
  std::string namespace_name;      // "": all
  std::set<std::string> excluded;  // namespaces
};

// What could not be read of what was asked; it is told on `err` too. Owners alone: their names are guessed then.
struct Running {
  std::vector<std::string> incomplete;
};

// Fills `index`, which is empty. An error when the pods themselves cannot be read. On a terminal a line on `err` tells how far it is.
base::Result<Running> ReadRunning(kube::Api& api, const RunningQuestion& question, const Streams& streams,
                                  const std::function<void(std::chrono::milliseconds)>& wait, scan::Index& index);

}  // namespace cli
