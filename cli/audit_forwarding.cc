#include "cli/audit_forwarding.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace cli {
namespace {

// Each attempt has deadlines of its own (audit::Forwarder).
constexpr std::chrono::hours kNoDeadline{24};
constexpr std::chrono::minutes kLostLogInterval{1};
constexpr int kMostDoublings = 10;

}  // namespace

AuditForwarding::AuditForwarding(audit::Store& store, audit::postgresql::Server server, audit::postgresql::Resolve resolve,
                                 const base::Clock& clock, base::Log log, std::chrono::milliseconds finish_time)
    : store_(store),
      clock_(clock),
      log_(std::move(log)),
      finish_time_(finish_time),
      forwarder_(store, std::move(server), std::move(resolve), clock) {}

void AuditForwarding::Start() {
  thread_ = std::thread([this] { Run(); });
}

void AuditForwarding::Finish() {
  const base::MutexLock lock(mutex_);
  finish_ = std::chrono::steady_clock::now() + finish_time_;
  changed_.NotifyAll();
}

void AuditForwarding::Stop() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const base::MutexLock lock(mutex_);
    while (finish_ && !ended_ && changed_.WaitUntil(mutex_, *finish_)) {
    }
    stop_.Set();
    changed_.NotifyAll();
  }
  thread_.join();
  if (const std::int64_t waiting = store_.Measure().waiting; waiting > 0) {
    log_(base::LogLevel::kWarning,
         "audit: " + std::to_string(waiting) + " records are not in PostgreSQL yet; they wait in audit.database for the next start");
  }
}

AuditForwarding::Status AuditForwarding::status() const {
  const base::MutexLock lock(mutex_);
  return status_;
}

void AuditForwarding::Run() {
  pthread_setname_np(pthread_self(), "audit-postgres");  // 15 characters
  bool last = false;                                     // nothing is committed any more, and this is the last look
  while (!stop_.IsSet()) {
    const base::Result<audit::Forwarder::Sent> sent = forwarder_.Pump({std::chrono::steady_clock::now() + kNoDeadline, &stop_});
    if (stop_.IsSet() && !sent) {
      break;  // that it was stopped is no failure
    }
    Account(sent);
    LogLost();
    if (sent && sent->more) {
      continue;
    }
    const base::MutexLock lock(mutex_);
    if (last) {
      break;
    }
    const auto next = std::chrono::steady_clock::now() + (sent ? kInterval : NextRetry());
    while (!finish_ && !stop_.IsSet() && changed_.WaitUntil(mutex_, next)) {
    }
    last = finish_.has_value();
  }
  const base::MutexLock lock(mutex_);
  ended_ = true;
  changed_.NotifyAll();
}

void AuditForwarding::Account(const base::Result<audit::Forwarder::Sent>& sent) {
  failures_ = sent ? 0 : failures_ + 1;
  {
    const base::MutexLock lock(mutex_);
    status_.problem = sent ? std::nullopt : std::optional(sent.error().ToString());
    if (sent) {
      status_.rows += sent->rows;
      status_.refused += sent->refused;
      status_.last_success = clock_.Now();
    } else {
      ++status_.failures;
    }
  }
  LogChange("audit: records wait for PostgreSQL", problem_logged_, sent ? std::nullopt : std::optional(sent.error().ToString()));
  LogChange("audit: PostgreSQL cannot be kept in order", upkeep_logged_, forwarder_.upkeep_problem());
  if (sent && sent->refused > 0) {
    log_(base::LogLevel::kError, "audit: PostgreSQL refused a record, which is in audit.database alone: " + sent->refusal);
  }
}

void AuditForwarding::LogLost() {
  const std::int64_t lost = store_.Measure().lost;
  const auto now = std::chrono::steady_clock::now();
  if (lost == lost_logged_ || now - lost_logged_at_ < kLostLogInterval) {
    return;
  }
  log_(base::LogLevel::kError, "audit: " + std::to_string(lost - lost_logged_) +
                                   " records were deleted before PostgreSQL had them; raise audit.retention.size, or bring it back");
  lost_logged_ = lost;
  lost_logged_at_ = now;
}

void AuditForwarding::LogChange(const char* what, std::optional<std::string>& logged, const std::optional<std::string>& problem) {
  if (problem == logged) {
    return;
  }
  if (problem) {
    log_(base::LogLevel::kError, std::string(what) + ": " + *problem);
  } else {
    log_(base::LogLevel::kInfo, std::string("over: ") + what);
  }
  logged = problem;
}

std::chrono::milliseconds AuditForwarding::NextRetry() {
  const std::chrono::milliseconds retry = std::min(kFirstRetry * (1 << std::min(failures_ - 1, kMostDoublings)), kLastRetry);
  return retry / 2 + std::chrono::milliseconds(random_() % static_cast<std::uint64_t>(retry.count() / 2 + 1));
}

}  // namespace cli
