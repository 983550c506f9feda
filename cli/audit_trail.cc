#include "cli/audit_trail.h"

#include <chrono>
#include <utility>

namespace cli {
namespace {

// For the end: less than what is left of a stop, so that a slow reader of standard output does not turn it into a failure.
constexpr std::chrono::milliseconds kCloseWait{1200};

}  // namespace

base::Result<std::unique_ptr<AuditTrail>> AuditTrail::Open(const audit::StoreOptions& options, bool copy_committed,
                                                           audit::StreamOutput output, const base::Clock& clock, std::string replica,
                                                           base::Log log) {
  std::string notice;
  base::Result<std::unique_ptr<audit::Store>> store = audit::Store::Open(options, clock, &notice);
  if (!notice.empty()) {
    log(base::LogLevel::kWarning, notice);
  }
  if (!store) {
    return tl::unexpected(store.error());
  }
  std::unique_ptr<AuditTrail> trail(new AuditTrail(*std::move(store), std::move(output), std::move(log)));
  if (copy_committed) {
    AuditTrail& self = *trail;
    self.stream_.emplace(
        *self.store_, "stdout", [&self](std::string_view bytes) { return self.lost_.empty() ? self.Write(bytes) : std::size_t{0}; }, clock,
        std::move(replica));
  }
  trail->not_open_ = !trail->Commit({});
  return trail;
}

AuditTrail::AuditTrail(std::unique_ptr<audit::Store> store, audit::StreamOutput output, base::Log log)
    : store_(std::move(store)), output_(std::move(output)), log_(std::move(log)) {}

base::Result<void> AuditTrail::Commit(std::span<const audit::Record> records) {
  base::Result<void> committed = store_->Commit(records);
  if (!committed || failing_.load(std::memory_order_relaxed)) {
    const base::MutexLock lock(mutex_);
    failing_.store(!committed, std::memory_order_relaxed);
    problem_ = committed ? std::nullopt : std::optional(committed.error().ToString());
  }
  return committed;
}

void AuditTrail::Lost(std::span<const audit::Record> records) {
  const base::MutexLock lock(mutex_);
  for (const audit::Record& record : records) {
    if (waiting_.size() + record.json.size() >= kMaxLostBytes) {
      ++dropped_;
      continue;
    }
    waiting_ += record.json;
    waiting_ += '\n';
  }
}

void AuditTrail::Run() {
  output_problem_.reset();
  WriteLost();
  Copy();  // before Maintain, which may set a damaged database aside, with what was not copied yet
  const base::Result<void> kept = store_->Maintain();
  if (kept && not_open_) {
    not_open_ = !Commit({});
  }
  upkeep_problem_ = kept ? std::nullopt : std::optional(kept.error().ToString());
  if (const auto notice = store_->TakeNotice()) {
    log_(base::LogLevel::kWarning, *notice);
  }
  TakeAgeDoubt();
  LogChanges();
}

void AuditTrail::Close() {
  output_problem_.reset();
  const auto end = std::chrono::steady_clock::now() + kCloseWait;
  bool more = true;
  if (stream_) {
    stream_->Finish();
  }
  while ((more || LostBytes() > 0) && !output_problem_ && std::chrono::steady_clock::now() < end) {
    WriteLost();
    more = Copy();
  }
  if (const std::size_t left = LostBytes(); left > 0) {
    log_(base::LogLevel::kError, std::to_string(left) + " bytes of audit records are lost: standard output did not take them");
  }
  LogChanges();
}

std::size_t AuditTrail::LostBytes() const {
  const base::MutexLock lock(mutex_);
  return lost_.size() - lost_written_ + waiting_.size();
}

std::optional<std::string> AuditTrail::problem() const {
  const base::MutexLock lock(mutex_);
  return problem_;
}

std::optional<std::string> AuditTrail::age_doubt() const {
  const base::MutexLock lock(mutex_);
  return age_doubt_;
}

std::uint64_t AuditTrail::lost() const {
  const base::MutexLock lock(mutex_);
  return dropped_;
}

// True when there is more.
bool AuditTrail::Copy() {
  if (!stream_ || not_open_) {
    return false;
  }
  const base::Result<bool> more = stream_->Pump();
  if (!more) {
    output_problem_ = more.error().ToString();
  }
  return more.value_or(false);
}

void AuditTrail::TakeAgeDoubt() {
  std::optional<std::string> doubt = store_->AgeDoubt();
  const base::MutexLock lock(mutex_);
  age_doubt_ = std::move(doubt);
}

void AuditTrail::TakeLost() {
  const base::MutexLock lock(mutex_);
  lost_.swap(waiting_);
}

void AuditTrail::WriteLost() {
  if (!at_line_begin_ && lost_.empty()) {
    return;  // a committed line is half written: it comes first
  }
  if (lost_.empty()) {
    TakeLost();
  }
  while (lost_written_ < lost_.size()) {
    const base::Result<std::size_t> written = Write(std::string_view(lost_).substr(lost_written_));
    if (!written) {
      output_problem_ = written.error().ToString();
      return;
    }
    if (*written == 0) {
      return;
    }
    lost_written_ += *written;
  }
  lost_.clear();
  lost_written_ = 0;
}

base::Result<std::size_t> AuditTrail::Write(std::string_view bytes) {
  base::Result<std::size_t> written = output_(bytes);
  if (written && *written > 0) {
    at_line_begin_ = bytes[*written - 1] == '\n';
  }
  return written;
}

void AuditTrail::LogChanges() {
  if (const std::uint64_t dropped = lost(); dropped != dropped_logged_) {
    const std::uint64_t since = dropped - std::exchange(dropped_logged_, dropped);
    log_(base::LogLevel::kError, std::to_string(since) + " audit records are lost: neither the database nor standard output takes them");
  }
  commits_.Log(problem(), log_);
  outputs_.Log(output_problem_, log_);
  upkeep_.Log(upkeep_problem_, log_);
  ages_.Log(age_doubt(), log_);
}

}  // namespace cli
