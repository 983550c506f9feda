// Standard output: one line a committed record, and an anchor of the chain from time to time (audit/anchor.h), in the order of commits,
// from a saved cursor on. At least once: a line may come twice when the process died between writing it and saving the cursor; none is left
// out, unless retention deletes rows that a consumer has not taken yet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "audit/store.h"
#include "base/clock.h"
#include "base/result.h"

namespace audit {

// Takes a beginning of `bytes` and returns how much; 0: it can take nothing now. An error is tried again at the next Pump.
using StreamOutput = std::function<base::Result<std::size_t>(std::string_view bytes)>;

// Writes to a descriptor, and waits at most `patience` for one that is full (a pipe whose reader is slow). For pipes,
// files and terminals; the descriptor's own flags stay as they are, since other processes may share it.
StreamOutput DescriptorOutput(int descriptor, std::chrono::milliseconds patience);

// For one thread.
class Stream {
 public:
  static constexpr std::size_t kBatchRows = 64;       // in memory at a time: at most 4 MiB; what may come twice
  static constexpr std::size_t kMaxPumpRows = 16384;  // so that a stop need not wait for a long backlog

  // Anchors: the first thing of a run; then behind so many rows, and this long after the last one if there are new rows.
  static constexpr std::int64_t kAnchorRows = 1024;
  static constexpr std::chrono::minutes kAnchorInterval{1};

  // Retention deletes no more until the next anchor than the last one said: none where there was nothing to delete, else as many as since
  // the anchor before twice over and a step, at most this. An anchor is due, too, when that is used up, and when it is too much.
  static constexpr std::int64_t kMostDeletions = 8192;
  static constexpr std::int64_t kDeletionStep = 128;

  // Begins where the last run with this `consumer` name ended, with the first Pump of an open store. The store and the clock must outlive
  // it. `replica` goes into anchors.
  Stream(Store& store, std::string consumer, StreamOutput output, const base::Clock& clock, std::string replica);

  // Writes what was committed since, until there is nothing more, the output takes nothing more, or kMaxPumpRows are
  // written: true in that last case, call again. Saves the cursor behind each batch that was taken whole; what was taken
  // of the next one is remembered, and the next Pump goes on there.
  base::Result<bool> Pump();

  // From now on every Pump that writes all there is ends with an anchor, if it wrote rows since the last one: for a stop.
  void Finish() { finishing_ = true; }

 private:
  enum class Progress { kDone, kBlocked, kMore };
  base::Result<void> Begin();
  base::Result<void> SaveTaken();
  base::Result<Progress> WriteBatches();
  base::Result<bool> WritePending();         // false: the output takes no more
  base::Result<bool> WriteAll(bool at_end);  // and an anchor if one is due
  bool AnchorIsDue(bool at_end) const;
  std::int64_t NextDeletions(const Store::Size& size) const;

  Store* store_;
  std::string consumer_;
  StreamOutput output_;
  const base::Clock* clock_;
  std::string replica_;
  bool begun_ = false;      // the cursor is loaded
  std::int64_t saved_ = 0;  // in the store
  std::int64_t taken_ = 0;  // the output has every line up to it
  std::int64_t read_ = 0;   // the lines behind taken_ up to it are in pending_
  std::string pending_;
  std::size_t written_ = 0;  // of pending_

  std::optional<std::int64_t> anchored_;  // the last anchor's row; none: there is none of this run
  std::chrono::steady_clock::time_point anchored_at_;
  std::int64_t deleted_ = 0;  // when it was written
  std::int64_t at_most_ = 0;  // as it says
  bool anchoring_ = false;    // it stands in pending_
  bool finishing_ = false;
};

}  // namespace audit
