// The database as files: creating it, keeping other writers off, setting a damaged one aside.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace audit {

// Created empty and readable by its owner alone when it is not there (SQLite would leave the mode to the umask, and gives
// its -wal and -shm files the mode of the database).
// kUnavailable, here and below: its file system is full, read-only or failing.
base::Result<void> CreateDatabaseFile(const std::string& path);

// An exclusive lock on "<path>.lock", held until destruction or the process's end. A file of its own, because readers must
// not be kept off, and because closing any descriptor of the database itself would drop SQLite's own locks.
class WriterLock {
 public:
  static base::Result<WriterLock> Take(const std::string& path);
  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&&) = delete;
  ~WriterLock();

 private:
  explicit WriterLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Renames the database and its -wal and -shm files, as many of them as there are, so that who saves what is left finds them
// together, and returns the new name "<path>.corrupt-<time>". No connection may be open.
base::Result<std::string> SetAside(const std::string& path, base::Time now);

// The database is gone, but there is a write-ahead log of it: what is begun anew would delete that.
bool LogIsLeftAlone(const std::string& path);

// How many were set aside and are still there; 0 where the folder cannot be read.
std::int64_t CountSetAside(const std::string& path);

}  // namespace audit
