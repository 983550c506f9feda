// What goes wrong with one thing that is wanted of the API server, again and again: counted each time, logged when it changes.
#pragma once

#include <string>
#include <utility>

#include "base/log.h"
#include "cli/cluster.h"

namespace cli {

// For one thread at a time.
class ClusterFailures {
 public:
  // `what` as for Cluster::CountFailure.
  ClusterFailures(Cluster& cluster, std::string what, base::Log log) : cluster_(cluster), what_(std::move(what)), log_(std::move(log)) {
    cluster_.ExpectFailures(what_);
  }

  void Add(std::string problem) {
    cluster_.CountFailure(what_);
    if (problem != logged_) {
      logged_ = std::move(problem);
      log_(base::LogLevel::kWarning, logged_);
    }
  }
  // It went well: the same problem is news again.
  void Clear() { logged_.clear(); }

 private:
  Cluster& cluster_;
  const std::string what_;
  const base::Log log_;
  std::string logged_;
};

}  // namespace cli
