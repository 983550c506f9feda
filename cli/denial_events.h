// Denials as Events on the owner of what was denied: a ReplicaSet whose pods are refused is not what its people applied, and nobody
// else tells them. Reads committed records behind a saved cursor; what becomes of an Event never reaches the audit log.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "audit/store.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "cli/condition.h"
#include "kube/event_book.h"

namespace cli {

// An older denial is no news any more: it comes from a log that was kept while nobody told of it.
inline constexpr std::chrono::minutes kTellOfDenialsFor{10};

// What a committed record has to tell, if it is a denial that was carried out and of something that has an owner. One whose text is
// not understood tells nothing. The Event is the same as long as the same images fail for the same reasons, whatever its note says of
// ages and uids.
std::optional<kube::Event> DenialEventOf(std::string_view record, base::Time now);

// For one thread, the store's audit thread.
class DenialEvents {
 public:
  // Rows of one Run, in batches: a backlog must not hold up what else the thread does.
  static constexpr std::size_t kBatchRows = 64;
  static constexpr std::size_t kMaxRunRows = 4096;
  // The cursor is saved no more often, each time being a transaction: after a crash this much may be told twice.
  static constexpr std::chrono::seconds kSaveInterval{5};

  using Tell = std::function<void(const kube::Event& event)>;  // takes note of it, and that is all

  // Begins where the last run ended, as soon as the store is open. `store` and `clock` must outlive it.
  DenialEvents(audit::Store& store, const base::Clock& clock, Tell tell, base::Log log);

  // Tells of what was committed since. What fails is logged when that changes, and tried again at the next.
  void Run();
  // Saves how far it came.
  void Close();

 private:
  base::Result<void> Begin();
  base::Result<void> Read();
  base::Result<void> Save();
  void Log(const base::Result<void>& result);

  audit::Store* store_;
  const base::Clock* clock_;
  Tell tell_;
  base::Log log_;
  bool begun_ = false;       // the cursor is loaded
  std::int64_t cursor_ = 0;  // told of everything up to it
  std::int64_t saved_ = 0;   // in the store
  std::chrono::steady_clock::time_point saved_at_;
  Condition telling_{"denials are not told in Events"};
};

}  // namespace cli
