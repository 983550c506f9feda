#include "audit/database_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace audit {
namespace {

constexpr std::string_view kAsideInfix = ".corrupt-";
constexpr const char* kLogSuffix = "-wal";
constexpr const char* kSharedSuffix = "-shm";

constexpr mode_t kOwnerOnly = 0600;  // records name users, images and resources

// What somebody's disk does, and may stop doing, is told apart from what was given wrongly.
base::ErrorCode CodeOf(int error) {
  return error == EROFS || error == ENOSPC || error == EDQUOT || error == EIO ? base::ErrorCode::kUnavailable
                                                                              : base::ErrorCode::kInvalidArgument;
}

tl::unexpected<base::Error> FailErrno(const std::string& path, std::string_view what, std::string remedy) {
  const base::ErrorCode code = CodeOf(errno);
  const std::string reason = std::generic_category().message(errno);
  return base::Fail(code, "audit database " + path + ": " + std::string(what) + ": " + reason, std::move(remedy));
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
  const std::string wanted = path + std::string(kAsideInfix) + stamp;
  std::string name = wanted;
  for (int i = 2; Exists(name) || Exists(name + kLogSuffix); ++i) {
    name = wanted + "-" + std::to_string(i);
  }
  // The database first: without its log it would be sound, and lack the newest records. Should the process die in between, the log is
  // left alone, which the next start sees.
  for (const char* suffix : {"", kLogSuffix, kSharedSuffix}) {
    if (std::rename((path + suffix).c_str(), (name + suffix).c_str()) != 0 && errno != ENOENT) {
      return FailErrno(path, "is damaged and cannot be renamed to " + name + suffix, "move it away");
    }
  }
  return name;
}

bool LogIsLeftAlone(const std::string& path) { return !Exists(path) && Exists(path + kLogSuffix); }

std::int64_t CountSetAside(const std::string& path) {
  const std::filesystem::path database(path);
  const std::filesystem::path folder = database.has_parent_path() ? database.parent_path() : std::filesystem::path(".");
  const std::string prefix = database.filename().string() + std::string(kAsideInfix);
  std::int64_t count = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    count += name.starts_with(prefix) && !name.ends_with(kLogSuffix) && !name.ends_with(kSharedSuffix) ? 1 : 0;
  }
  return count;
}

}  // namespace audit
