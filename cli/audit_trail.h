// Where serve's records go: the store, from there to standard output, and what happens when the store fails.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "audit/record.h"
#include "audit/store.h"
#include "audit/stream.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "cli/condition.h"

namespace cli {

// Records that could not be committed and wait for standard output take at most this; what comes beyond is counted. A
// reader that has stopped must not fill our memory. As much again may be on its way out.
inline constexpr std::size_t kMaxLostBytes = 16 * 1024 * 1024;

// Threads: Commit, Lost, problem, age_doubt and Measure from any; Run and Close from one at a time.
class AuditTrail {
 public:
  // Opens the store, or where that may be later goes on without it. `copy_committed`: the output also gets every committed record, not only
  // those that the store refused, and anchors of the log's chain in the name of `replica`.
  static base::Result<std::unique_ptr<AuditTrail>> Open(const audit::StoreOptions& options, bool copy_committed, audit::StreamOutput output,
                                                        const base::Clock& clock, std::string replica, base::Log log);
  AuditTrail(const AuditTrail&) = delete;
  AuditTrail& operator=(const AuditTrail&) = delete;

  base::Result<void> Commit(std::span<const audit::Record> records) EXCLUDES(mutex_);

  // Takes records that the store refused, for Run to write. Never waits for the output.
  void Lost(std::span<const audit::Record> records) EXCLUDES(mutex_);

  // Keeps the store in order, and writes what there is to write as far as the output takes it. Call several times a second.
  void Run() EXCLUDES(mutex_);

  // A last Run, until the output takes no more. After the last Commit.
  void Close() EXCLUDES(mutex_);

  // Why records cannot be committed at present, if they cannot.
  std::optional<std::string> problem() const EXCLUDES(mutex_);
  // Why records that are too old stay at present, if they do.
  std::optional<std::string> age_doubt() const EXCLUDES(mutex_);
  audit::Store::Size Measure() const { return store_->Measure(); }
  // Records that neither the store nor the output took, since the start.
  std::uint64_t lost() const EXCLUDES(mutex_);

  // For others that read what was committed.
  audit::Store& store() { return *store_; }

 private:
  AuditTrail(std::unique_ptr<audit::Store> store, audit::StreamOutput output, base::Log log);

  bool Copy();
  void WriteLost() EXCLUDES(mutex_);
  void TakeLost() EXCLUDES(mutex_);
  void TakeAgeDoubt() EXCLUDES(mutex_);
  std::size_t LostBytes() const EXCLUDES(mutex_);  // that standard output has not taken yet
  void LogChanges() EXCLUDES(mutex_);
  base::Result<std::size_t> Write(std::string_view bytes);

  const std::unique_ptr<audit::Store> store_;
  const audit::StreamOutput output_;
  const base::Log log_;
  std::optional<audit::Stream> stream_;  // none: committed records are not copied

  // Of the thread that calls Run.
  bool not_open_ = false;         // the store, since the start
  std::string lost_;              // lines on their way out
  std::size_t lost_written_ = 0;  // of lost_
  bool at_line_begin_ = true;     // whose lines come next may change only there
  std::optional<std::string> output_problem_;
  std::optional<std::string> upkeep_problem_;
  Condition commits_{"audit records cannot be committed and go to standard output"};
  Condition outputs_{"standard output takes no audit records"};
  Condition upkeep_{"the audit database cannot be kept in order"};
  Condition ages_{"no audit record is deleted for its age"};

  std::atomic<bool> failing_{false};  // spares Commit the mutex while all is well
  mutable base::Mutex mutex_;
  std::optional<std::string> problem_ GUARDED_BY(mutex_);
  std::optional<std::string> age_doubt_ GUARDED_BY(mutex_);
  std::string waiting_ GUARDED_BY(mutex_);  // lost lines that Run has not taken yet
  std::uint64_t dropped_ GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_logged_ = 0;  // of the thread that calls Run
};

}  // namespace cli
