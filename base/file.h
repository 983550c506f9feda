// Files at the world's edge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace base {

// The whole file, or an error that names it; a file over `max_bytes` is refused before it is read.
Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes);

// Written beside the target, synced, and renamed over it: readers see the old content or the new, also after a power loss.
Result<void> WriteFileAtomically(const std::string& path, std::string_view content);

// "sha256:" and 64 hex digits.
std::string Sha256(std::string_view content);

// Tells when a file changed, by its state after symbolic links are followed: Kubernetes swaps a link (`..data`) and never
// writes to the file that was opened, so inotify on it hears nothing. For one thread.
class WatchedFile {
 public:
  WatchedFile(std::string path, std::size_t max_bytes) : path_(std::move(path)), max_bytes_(max_bytes) {}

  struct Change {
    Result<std::string> content;  // the error when it cannot be read (reported once, not at every Poll)
    Time modified{};
  };

  // The file's content when anything about it differs from the last Poll (also its time alone); nothing when it is as it
  // was. The first Poll always returns something.
  std::optional<Change> Poll();

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::size_t max_bytes_;
  std::string signature_;  // device, inode, size, times; or the error
  bool first_ = true;
};

}  // namespace base
