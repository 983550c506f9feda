#include "cli/process.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>

namespace cli {
namespace {

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// What a shell reports of a process that a signal ended.
constexpr int kExitOfSignal = 128;

}  // namespace

void HardenProcess() {
  umask(077);
  const rlimit none{};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  // The soft limit is often 1,024: less than connections, probes and files together.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

void BlockStopSignals() {
  const sigset_t set = StopSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void UnblockStopSignals() {
  const sigset_t set = StopSet();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

StopSignals::StopSignals() {
  const sigset_t set = StopSet();
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  wakes_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::thread([this] { Run(); });
}

StopSignals::~StopSignals() {
  {
    const base::MutexLock lock(mutex_);
    finished_ = true;
  }
  Wake();
  thread_.join();
  close(signals_);
  close(wakes_);
}

void StopSignals::Serving() {
  const base::MutexLock lock(mutex_);
  serving_ = true;
}

void StopSignals::WaitUntilAsked() {
  const base::MutexLock lock(mutex_);
  while (!asked_) {
    changed_.Wait(mutex_);
  }
}

void StopSignals::EndWithin(std::chrono::seconds limit) {
  {
    const base::MutexLock lock(mutex_);
    end_ = std::chrono::steady_clock::now() + limit;
  }
  Wake();
}

void StopSignals::Wake() const { eventfd_write(wakes_, 1); }

int StopSignals::PollTimeout() {
  const base::MutexLock lock(mutex_);
  if (!end_) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end_ - std::chrono::steady_clock::now());
  return std::max(0, static_cast<int>(left.count()));
}

void StopSignals::Run() {
  while (true) {
    const int timeout = PollTimeout();
    std::array<pollfd, 2> waiting = {{{signals_, POLLIN, 0}, {wakes_, POLLIN, 0}}};
    const int ready = poll(waiting.data(), waiting.size(), timeout);
    if (ready == 0) {
      std::_Exit(EXIT_FAILURE);
    }
    eventfd_t ignored = 0;
    eventfd_read(wakes_, &ignored);
    signalfd_siginfo signal{};
    const bool signalled = read(signals_, &signal, sizeof(signal)) == sizeof(signal);
    const base::MutexLock lock(mutex_);
    if (finished_) {
      return;
    }
    if (signalled && !serving_) {
      std::_Exit(EXIT_SUCCESS);
    }
    if (signalled && asked_) {
      std::_Exit(kExitOfSignal + static_cast<int>(signal.ssi_signo));
    }
    if (signalled) {
      asked_ = true;
      changed_.NotifyAll();
    }
  }
}

}  // namespace cli
