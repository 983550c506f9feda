// Tells the audit log of verdicts that turn (policy/verdict_change.h), whatever turned them: each State is compared with the one before.
//
// The first State is compared with the saved inventory that it was begun with: a restart makes no news of what was known before, and tells
// what turned while no program ran.
//
// Threads: Observe from the thread that publishes States (and before it runs, from the one that starts it), so that none is left out. It
// compares, and leaves the records to Run, on the audit thread. What
// turns all at once and comes to more than kMaxWaitingBytes, Observe hands over itself: it is never dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "audit/record.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "policy/registry.h"
#include "state/state.h"

namespace cli {

class VerdictChanges {
 public:
  // Records at a time: a commit holds up those of admissions for a millisecond or two.
  static constexpr std::size_t kBatchRecords = 64;
  // Some 8,000 changes.
  static constexpr std::size_t kMaxWaitingBytes = std::size_t{8} << 20;
  // For so long a replica that does not write keeps what it saw: for the time in which the one that wrote is gone and nobody knows it.
  static constexpr std::chrono::seconds kHandOver{30};

  // Takes records, in any thread, whether they can be kept or not.
  using Write = std::function<void(std::span<const audit::Record> records)>;
  // Whether this replica writes now. Where several see the same registries, one of them should; what it did not see, because it did not
  // write any more, another one then writes, and some perhaps twice.
  using Writes = std::function<bool()>;

  // `remembered`: policy::JudgeSaved of the inventory that the first State was begun with. `clock` must outlive it.
  VerdictChanges(
      policy::Facts remembered, std::string cluster, std::string replica, Write write, const base::Clock& clock,
      Writes writes = [] { return true; });

  void Observe(std::shared_ptr<const state::State> current) EXCLUDES(mutex_);

  // Hands over what waits. From any thread.
  void Run() EXCLUDES(mutex_);

 private:
  struct Waiting {
    std::chrono::steady_clock::time_point since;
    audit::Record record;
  };

  void Add(audit::Record record) EXCLUDES(mutex_);
  std::deque<Waiting> Take() EXCLUDES(mutex_);
  // Where another replica writes: what is too old, or too much.
  void Forget() EXCLUDES(mutex_);

  const std::string cluster_, replica_;
  const Write write_;
  const Writes writes_;
  const base::Clock& clock_;

  // Of the thread that observes.
  policy::Facts remembered_;                  // until the first State
  std::shared_ptr<const state::State> last_;  // the newest, which is there anyway; null: none yet

  base::Mutex mutex_;
  std::deque<Waiting> waiting_ GUARDED_BY(mutex_);
  std::size_t waiting_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace cli
