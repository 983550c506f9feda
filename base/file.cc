#include "base/file.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/hex.h"

namespace base {
namespace {

// Closes a descriptor that is not -1.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool Close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

tl::unexpected<Error> FailErrno(std::string_view what, const std::string& path) {
  const int error = errno;
  const ErrorCode code = error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable;
  return Fail(code, path + ": " + std::string(what) + ": " + std::generic_category().message(error));
}

Result<std::string> ReadDescriptor(int fd, std::size_t size_hint, std::size_t max_bytes, const std::string& path) {
  std::string content;
  content.resize(std::min(size_hint, max_bytes) + 1);  // one more byte, to see a file that grew
  std::size_t length = 0;
  while (true) {
    const ssize_t got = ::read(fd, content.data() + length, content.size() - length);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("cannot be read", path);
    }
    if (got == 0) {
      break;
    }
    length += static_cast<std::size_t>(got);
    if (length > max_bytes) {
      return Fail(ErrorCode::kInvalidArgument, path + ": larger than " + std::to_string(max_bytes) + " bytes");
    }
    if (length == content.size()) {
      content.resize(std::min(content.size() * 2, max_bytes + 1));
    }
  }
  content.resize(length);
  return content;
}

Time FromTimespec(const timespec& time) {
  return Time(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)));
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return FailErrno("cannot be opened", path);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return FailErrno("cannot be read", path);
  }
  if (S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, path + ": is a folder, expected a file");
  }
  if (S_ISREG(status.st_mode) && static_cast<std::uintmax_t>(status.st_size) > max_bytes) {
    return Fail(ErrorCode::kInvalidArgument,
                path + ": " + std::to_string(status.st_size) + " bytes, more than the " + std::to_string(max_bytes) + " that are read");
  }
  constexpr std::size_t kPipeHint = 64 * 1024;  // what is no regular file tells no size
  return ReadDescriptor(file.get(), S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : kPipeHint, max_bytes, path);
}

Result<void> WriteFileAtomically(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    return FailErrno("cannot be created", temporary);
  }
  while (!content.empty()) {
    const ssize_t put = ::write(file.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return FailErrno("cannot be written", temporary);
    }
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fsync(file.get()) != 0 || !file.Close()) {
    return FailErrno("cannot be written", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return FailErrno("cannot be replaced", path);
  }
  // The name is in the folder: without this the rename may not outlive a power loss.
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor directory(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
    return FailErrno("its folder cannot be synced", path);
  }
  return {};
}

std::string Sha256(std::string_view content) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
  return "sha256:" + ToHex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::optional<WatchedFile::Change> WatchedFile::Poll() {
  struct stat status{};
  if (::stat(path_.c_str(), &status) != 0) {
    Error error = FailErrno("cannot be opened", path_).value();
    std::string signature = "error " + error.message;
    if (!first_ && signature == signature_) {
      return std::nullopt;
    }
    first_ = false;
    signature_ = std::move(signature);
    return Change{tl::unexpected<Error>(std::move(error)), Time{}};
  }
  const auto nanoseconds = [](const timespec& time) { return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec); };
  std::string signature = std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + " " + std::to_string(status.st_size) + " " +
                          nanoseconds(status.st_mtim) + " " + nanoseconds(status.st_ctim);
  if (!first_ && signature == signature_) {
    return std::nullopt;
  }
  auto content = ReadFile(path_, max_bytes_);
  if (!content) {  // tried again at every Poll (descriptors may have run out for a moment), reported once
    signature = "error " + content.error().message;
    if (!first_ && signature == signature_) {
      return std::nullopt;
    }
  }
  first_ = false;
  signature_ = std::move(signature);
  return Change{std::move(content), FromTimespec(status.st_mtim)};
}

}  // namespace base
