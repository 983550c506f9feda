#include "audit/commit_times.h"

namespace audit {
namespace {

constexpr int kParts = 64;

}  // namespace

void CommitTimes::Committed(std::int64_t id, std::chrono::steady_clock::time_point now) {
  if (parts_.empty() || now - parts_.back().begin >= age_ / kParts) {
    Aged(now);  // so that they do not become more
    parts_.push_back({now, now, id});
  }
  parts_.back().end = now;
  parts_.back().last = id;
}

std::int64_t CommitTimes::Aged(std::chrono::steady_clock::time_point now) {
  while (!parts_.empty() && now - parts_.front().end >= age_) {
    aged_ = parts_.front().last;
    parts_.pop_front();
  }
  return aged_;
}

}  // namespace audit
