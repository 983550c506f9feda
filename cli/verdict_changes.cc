#include "cli/verdict_changes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "audit/verdict_record.h"
#include "policy/verdict_change.h"

namespace cli {

VerdictChanges::VerdictChanges(policy::Facts remembered, std::string cluster, std::string replica, Write write, const base::Clock& clock,
                               Writes writes)
    : cluster_(std::move(cluster)),
      replica_(std::move(replica)),
      write_(std::move(write)),
      writes_(std::move(writes)),
      clock_(clock),
      remembered_(std::move(remembered)) {}

void VerdictChanges::Observe(std::shared_ptr<const state::State> current) {
  if (last_ != nullptr && last_->generation == current->generation) {
    return;
  }
  const audit::ChangeContext context{clock_.Now(), cluster_, replica_};
  policy::ForEachVerdictChange(
      last_ != nullptr ? last_->facts : remembered_, current->facts, *current->policy,
      [&](const policy::VerdictChange& change) { Add(audit::MakeVerdictRecord(change, *current->policy, context)); });
  remembered_ = {};
  last_ = std::move(current);
}

void VerdictChanges::Add(audit::Record record) {
  bool much = false;
  {
    const base::MutexLock lock(mutex_);
    waiting_bytes_ += record.json.size();
    much = waiting_bytes_ > kMaxWaitingBytes;
    waiting_.push_back({clock_.Monotonic(), std::move(record)});
  }
  if (much) {
    Run();
  }
}

std::deque<VerdictChanges::Waiting> VerdictChanges::Take() {
  const base::MutexLock lock(mutex_);
  waiting_bytes_ = 0;
  return std::exchange(waiting_, {});
}

void VerdictChanges::Forget() {
  const base::MutexLock lock(mutex_);
  const auto now = clock_.Monotonic();
  while (!waiting_.empty() && (waiting_bytes_ > kMaxWaitingBytes || now - waiting_.front().since >= kHandOver)) {
    waiting_bytes_ -= waiting_.front().record.json.size();
    waiting_.pop_front();
  }
}

void VerdictChanges::Run() {
  if (!writes_()) {
    Forget();
    return;
  }
  std::deque<Waiting> taken = Take();
  std::vector<audit::Record> batch;
  while (!taken.empty()) {
    batch.clear();
    while (!taken.empty() && batch.size() < kBatchRecords) {
      batch.push_back(std::move(taken.front().record));
      taken.pop_front();
    }
    write_(batch);
  }
}

}  // namespace cli
