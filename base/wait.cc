#include "base/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

namespace base {

Event::Event() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Event::~Event() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

void Event::Set() {
  set_ = true;
  const std::uint64_t one = 1;
  // Fails only when it was set 2^64 - 2 times, and then it is set.
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof(one));
}

Result<void> WaitFor(int fd, short events, const Until& until, std::string_view doing) {
  const auto failed = [&](std::string_view why) { return Fail(ErrorCode::kUnavailable, std::string(doing) + ": " + std::string(why)); };
  if (fd < 0 || until.stop->fd() < 0) {
    return failed("no file descriptor is left");
  }
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until.deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) {
      return failed("timed out");
    }
    constexpr std::int64_t kLongest = 60'000;  // poll takes an int; longer waits are several
    std::array<pollfd, 2> polled = {{{fd, events, 0}, {until.stop->fd(), POLLIN, 0}}};
    const int ready = poll(polled.data(), polled.size(), static_cast<int>(std::min<std::int64_t>(left, kLongest)));
    if (ready < 0 && errno != EINTR) {
      return failed(std::system_category().message(errno));
    }
    if (ready > 0 && polled[1].revents != 0) {
      return failed("stopped");
    }
    if (ready > 0) {
      return {};
    }
  }
}

}  // namespace base
