#include "audit/database_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

namespace audit {
namespace {

constexpr mode_t kOwnerOnly = 0600;  // records name users, images and resources

tl::unexpected<base::Error> FailErrno(const std::string& path, std::string_view what, std::string remedy) {
  const std::string reason = std::generic_category().message(errno);
  return base::Fail(base::ErrorCode::kUnavailable, "audit database " + path + ": " + std::string(what) + ": " + reason, std::move(remedy));
}

bool Exists(const std::string& path) {
  struct stat status{};
  return lstat(path.c_str(), &status) == 0;
}

}  // namespace

base::Result<void> CreateDatabaseFile(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
  if (descriptor >= 0) {
    close(descriptor);
    return {};
  }
  if (errno == EEXIST) {
    return {};
  }
  return FailErrno(path, "cannot be created", "its folder must exist and be writable by this user");
}

base::Result<WriterLock> WriterLock::Take(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int descriptor = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (descriptor < 0) {
    return FailErrno(path, lock_path + " cannot be opened", "its folder must exist and be writable by this user");
  }
  WriterLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return base::Fail(base::ErrorCode::kInvalidArgument,
                        "audit database " + path + ": another process writes to it (it holds " + lock_path + ")",
                        "stop that process, or give this one another audit.database");
    }
    return FailErrno(path, lock_path + " cannot be locked", "use a file system that has flock");
  }
  return lock;
}

WriterLock::WriterLock(WriterLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

base::Result<std::string> SetAside(const std::string& path, base::Time now) {
  std::string stamp = base::FormatTimeSeconds(now);  // 20261123T120000Z: no ':' in a file name
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  const std::string wanted = path + ".corrupt-" + stamp;
  std::string name = wanted;
  for (int i = 2; Exists(name); ++i) {
    name = wanted + "-" + std::to_string(i);
  }
  // The database last: should the process die in between, the next start finds it damaged still.
  for (const char* suffix : std::array{"-wal", "-shm", ""}) {
    if (std::rename((path + suffix).c_str(), (name + suffix).c_str()) != 0 && !(errno == ENOENT && *suffix != '\0')) {
      return FailErrno(path, "is damaged and cannot be renamed to " + name + suffix, "move it away");
    }
  }
  return name;
}

}  // namespace audit
