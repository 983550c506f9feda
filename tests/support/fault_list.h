// What a test wants to go wrong, with which calls and how often.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "tests/support/azure_call.h"

namespace support {

inline constexpr int kUntilMended = -1;

// Safe for concurrent use.
template <class Fault>
class FaultList {
 public:
  // Meets the next `times` calls of that kind. Returns what Remove takes.
  int Add(AzureCalls calls, Fault fault, int times = kUntilMended) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    entries_.push_back({++last_id_, std::move(calls), std::move(fault), times});
    return last_id_;
  }

  void Remove(int id) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    std::erase_if(entries_, [id](const Entry& entry) { return entry.id == id; });
  }

  void Clear() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    entries_.clear();
  }

  // The oldest that meets this call; counted.
  std::optional<Fault> Take(const AzureCall& call) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.calls(call); });
    if (found == entries_.end()) {
      return std::nullopt;
    }
    std::optional<Fault> fault = found->fault;
    if (found->times != kUntilMended && --found->times == 0) {
      entries_.erase(found);
    }
    return fault;
  }

 private:
  struct Entry {
    int id = 0;
    AzureCalls calls;
    Fault fault;
    int times = kUntilMended;
  };

  base::Mutex mutex_;
  int last_id_ GUARDED_BY(mutex_) = 0;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace support
