#include "audit/stream.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include "audit/anchor.h"

namespace audit {

StreamOutput DescriptorOutput(int descriptor, std::chrono::milliseconds patience) {
  return [descriptor, patience](std::string_view bytes) -> base::Result<std::size_t> {
    // A pipe that poll calls writable has room for PIPE_BUF bytes, so that this much never blocks.
    const std::string_view piece = bytes.substr(0, PIPE_BUF);
    pollfd wanted{descriptor, POLLOUT, 0};
    const int ready = poll(&wanted, 1, static_cast<int>(patience.count()));
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
      return 0;
    }
    const ssize_t taken = ready < 0 ? -1 : write(descriptor, piece.data(), piece.size());
    if (taken >= 0) {
      return static_cast<std::size_t>(taken);
    }
    if (errno == EAGAIN || errno == EINTR) {
      return 0;
    }
    return base::Fail(
        base::ErrorCode::kUnavailable,
        "audit lines cannot be written to descriptor " + std::to_string(descriptor) + ": " + std::generic_category().message(errno),
        "they are kept in the audit database, and written when it works again");
  };
}

Stream::Stream(Store& store, std::string consumer, StreamOutput output, const base::Clock& clock, std::string replica)
    : store_(&store), consumer_(std::move(consumer)), output_(std::move(output)), clock_(&clock), replica_(std::move(replica)) {}

base::Result<void> Stream::Begin() {
  const auto cursor = store_->LoadCursor(consumer_);
  if (!cursor) {
    return tl::unexpected(cursor.error());
  }
  store_->AllowDeletions(store_->Measure().deleted);  // until the first anchor
  saved_ = taken_ = read_ = *cursor;
  begun_ = true;
  return {};
}

base::Result<bool> Stream::Pump() {
  if (!begun_) {
    if (const auto begun = Begin(); !begun) {
      return tl::unexpected(begun.error());
    }
  }
  const auto progress = WriteBatches();
  if (const auto saved = SaveTaken(); !saved) {
    return tl::unexpected(saved.error());
  }
  if (!progress) {
    return tl::unexpected(progress.error());
  }
  return *progress == Progress::kMore;
}

base::Result<void> Stream::SaveTaken() {
  auto saved = taken_ == saved_ ? base::Result<void>() : store_->SaveCursor(consumer_, taken_);
  if (saved) {
    saved_ = taken_;
  }
  return saved;
}

base::Result<Stream::Progress> Stream::WriteBatches() {
  for (std::size_t rows = 0; rows < kMaxPumpRows;) {
    const auto all = WriteAll(false);
    if (!all) {
      return tl::unexpected(all.error());
    }
    if (!*all) {
      return Progress::kBlocked;
    }
    // After each batch: a process that dies in a long backlog repeats no more than one. A failure stops no lines; Pump tells of it.
    (void)SaveTaken();
    const auto records = store_->ReadCommitted(&read_, kBatchRows);
    if (!records) {
      return tl::unexpected(records.error());
    }
    if (records->empty()) {
      const auto anchored = WriteAll(true);
      return anchored ? base::Result<Progress>(*anchored ? Progress::kDone : Progress::kBlocked) : tl::unexpected(anchored.error());
    }
    for (const std::string& record : *records) {
      pending_.append(record).append("\n");
    }
    rows += records->size();
  }
  const auto all = WriteAll(false);
  if (!all) {
    return tl::unexpected(all.error());
  }
  return *all ? Progress::kMore : Progress::kBlocked;
}

base::Result<bool> Stream::WriteAll(bool at_end) {
  auto all = WritePending();
  if (!all || !*all || !AnchorIsDue(at_end)) {
    return all;
  }
  const auto link = store_->ReadLink(taken_);
  if (!link) {
    return tl::unexpected(link.error());
  }
  if (!*link) {
    return true;  // retention was faster: the next row, then
  }
  const Store::Size size = store_->Measure();
  at_most_ = NextDeletions(size);
  deleted_ = size.deleted;
  store_->AllowDeletions(deleted_);  // until it is written
  pending_ = AnchorLine(**link, clock_->Now(), replica_, Deletions{at_most_, !anchored_}) + "\n";
  anchoring_ = true;
  anchored_ = taken_;
  anchored_at_ = clock_->Monotonic();
  return WritePending();
}

bool Stream::AnchorIsDue(bool at_end) const {
  if (!anchored_) {
    return true;
  }
  const std::int64_t rows = taken_ - *anchored_;
  const bool late = finishing_ || clock_->Monotonic() - anchored_at_ >= kAnchorInterval;
  const Store::Size size = store_->Measure();
  const bool used_up = size.held_back && size.deleted >= at_most_ && !finishing_;
  return rows >= kAnchorRows || (at_end && (used_up || (late && (rows > 0 || size.deleted != at_most_))));
}

std::int64_t Stream::NextDeletions(const Store::Size& size) const {
  const bool any = size.held_back || size.deleted != deleted_;
  if (!anchored_ || finishing_ || !any) {
    return size.deleted;
  }
  const std::int64_t since = std::max<std::int64_t>(size.deleted - deleted_, 0);  // less than nothing: of another log
  return size.deleted + std::min(kMostDeletions, 2 * since + kDeletionStep);
}

base::Result<bool> Stream::WritePending() {
  while (written_ < pending_.size()) {
    const auto taken = output_(std::string_view(pending_).substr(written_));
    if (!taken) {
      return tl::unexpected(taken.error());
    }
    if (*taken == 0) {
      return false;
    }
    written_ += *taken;
  }
  pending_.clear();
  written_ = 0;
  taken_ = read_;
  if (std::exchange(anchoring_, false)) {  // once: it is of one log, and the store may replace that
    store_->AllowDeletions(at_most_);
  }
  return true;
}

}  // namespace audit
