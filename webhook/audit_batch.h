// Group commit: the records of one turn of an io thread's loop are committed together, and only then are their requests
// answered.
#pragma once

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "audit/record.h"
#include "base/clock.h"
#include "base/result.h"
#include "webhook/handler.h"
#include "webhook/metrics.h"

namespace webhook {

// For one thread.
class AuditBatch {
 public:
  using Commit = std::function<base::Result<void>(std::span<const audit::Record>)>;
  using Lost = std::function<void(std::span<const audit::Record>)>;
  using Answer = std::function<void(Outcome)>;

  // `refuse`: what could not be recorded is not answered as decided, but by a 500.
  AuditBatch(Commit commit, Lost lost, bool refuse, const base::Clock& clock, MetricsShard& metrics)
      : commit_(std::move(commit)), lost_(std::move(lost)), refuse_(refuse), clock_(clock), metrics_(metrics) {}

  // REQUIRES: outcome.record. True for the first of a batch: a Flush must follow, once the turn's other requests are in.
  bool Add(Outcome outcome, Answer answer);

  // Commits, and answers in the order of Add. An answer may Add to the next batch.
  void Flush();

 private:
  const Commit commit_;
  const Lost lost_;
  const bool refuse_;
  const base::Clock& clock_;
  MetricsShard& metrics_;
  std::vector<audit::Record> records_;
  std::vector<std::pair<Outcome, Answer>> waiting_;  // as many
};

}  // namespace webhook
