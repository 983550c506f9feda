#include "kube/event_book.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/file.h"
#include "base/text.h"

namespace kube {
namespace {

// An Event's name is that of its object, a dot and these: at most 253 bytes in all.
constexpr std::size_t kMaxNamePrefixBytes = 200;
constexpr std::size_t kNameDigits = 16;

}  // namespace

bool EventBook::Note(const Event& event, base::Time now, Instant instant) {
  std::erase_if(series_, [&](const auto& entry) {
    return entry.second.count == entry.second.written && instant >= entry.second.last_instant + kSeriesEnd;
  });
  const Key key = KeyOf(event);
  auto found = series_.find(key);
  if (found == series_.end()) {
    if (series_.size() >= kMaxSeries) {
      return false;
    }
    Series series;
    series.event = event;
    series.event.note = base::Printable(event.note, kMaxNoteBytes);
    series.name = NameFor(event, now);
    series.first = now;
    series.due = instant;
    found = series_.emplace(key, std::move(series)).first;
  }
  Series& series = found->second;
  ++series.count;
  series.last = now;
  series.last_instant = instant;
  return true;
}

std::optional<EventBook::Write> EventBook::Next(Instant now) {
  Series* next = nullptr;  // the one that has waited longest
  for (auto& [key, series] : series_) {
    if (series.count > series.written && now >= series.due && (next == nullptr || series.due < next->due)) {
      next = &series;
    }
  }
  if (next == nullptr || !writes_.Take(now)) {
    return std::nullopt;
  }
  next->due = now + kSeriesInterval;
  return Write{next->event, next->name, !next->created, next->count, next->first, next->last};
}

void EventBook::Done(const Write& write, Outcome outcome) {
  const auto found = series_.find(KeyOf(write.event));
  if (found == series_.end()) {
    return;
  }
  switch (outcome) {
    case Outcome::kWritten:
      found->second.created = true;
      found->second.written = write.count;
      return;
    case Outcome::kGone:
      found->second.created = false;
      return;
    case Outcome::kRefused:
      series_.erase(found);
      return;
    case Outcome::kFailed:
      return;
  }
}

EventBook::Key EventBook::KeyOf(const Event& event) {
  const ObjectReference& object = event.regarding;
  return {object.kind, object.namespace_name, object.name, event.reason, base::Printable(event.note, kMaxNoteBytes)};
}

std::string EventBook::NameFor(const Event& event, base::Time now) {
  std::string prefix = event.regarding.name.substr(0, kMaxNamePrefixBytes);
  while (!prefix.empty() && std::isalnum(static_cast<unsigned char>(prefix.back())) == 0) {
    prefix.pop_back();
  }
  constexpr std::string_view kAlgorithm = "sha256:";
  const std::string digest = base::Sha256(instance_ + "\n" + base::FormatTime(now) + "\n" + std::to_string(++named_));
  return prefix + "." + digest.substr(kAlgorithm.size(), kNameDigits);
}

}  // namespace kube
