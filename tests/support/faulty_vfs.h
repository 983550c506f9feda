// A file system for SQLite that fails where a test says: while it lives it is SQLite's default VFS, and hands everything on to the real
// one.
//
// Calls are counted in the order in which SQLite makes them, so that a sweep can fail each in turn. Nothing is synced: no test
// takes the power away. A lock is never refused on its way out, as a kernel never does.
//
// Threads: plans and traces are for tests of one thread; Block and Unblock for any. Every connection must be closed when it is destroyed.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"

namespace support {

class FaultyVfs {
 public:
  enum class Call { kOpen, kRead, kWrite, kTruncate, kSync, kFileSize, kLock, kControl, kShmMap, kShmLock, kDelete, kAccess };
  enum class File { kDatabase, kLog, kOther };
  enum class Fault {
    kIoError,     // EIO
    kNoSpace,     // ENOSPC: where something is written
    kShortWrite,  // half of it is written, and then there is no space
    kReadOnly,    // EROFS: what is written fails, what is opened can only be read
    kShortRead,   // half of it is read, as where a file ends
  };

  struct Made {
    Call call;
    File file;
    auto operator<=>(const Made&) const = default;
  };

  struct Plan {
    std::int64_t at = 0;  // the call that fails, from 0
    Fault fault = Fault::kIoError;
    bool lasting = false;  // every call from there on that the fault applies to
  };

  FaultyVfs();
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  void Begin(std::optional<Plan> plan);  // counts from 0 again
  void Mend() { plan_.reset(); }
  std::int64_t calls() const { return static_cast<std::int64_t>(trace_.size()); }
  std::int64_t failed() const { return failed_; }
  const std::vector<Made>& trace() const { return trace_; }  // since Begin

  // A disk that hangs: writes wait until Unblock.
  void Block() EXCLUDES(mutex_);
  void Unblock() EXCLUDES(mutex_);
  void WaitForBlocked() EXCLUDES(mutex_);  // until a write waits

  static bool Applies(Fault fault, Call call);

 private:
  friend struct VfsMethods;

  std::optional<Fault> Next(Call call, File file);  // counts a call; the fault that it fails of
  void WaitWhileBlocked() EXCLUDES(mutex_);

  sqlite3_vfs vfs_{};
  sqlite3_vfs* real_ = nullptr;
  std::optional<Plan> plan_;
  std::vector<Made> trace_;
  std::int64_t failed_ = 0;
  bool counting_ = false;

  base::Mutex mutex_;
  base::CondVar changed_;
  bool blocked_ GUARDED_BY(mutex_) = false;
  int waiting_ GUARDED_BY(mutex_) = 0;
};

}  // namespace support
