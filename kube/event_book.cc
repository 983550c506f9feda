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
  std::erase_if(series_, [&](const auto& entry) { return entry.second.IsTold() && instant >= entry.second.last_instant + kSeriesEnd; });
  bool all_told = true;
  const Key key = KeyOf(event);
  auto found = series_.find(key);
  if (found == series_.end()) {
    if (series_.size() >= kMaxSeries) {
      const std::optional<bool> told = GiveWay(event.regarding.namespace_name);
      if (!told) {
        return false;
      }
      all_told = *told;
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
  return all_told;
}

std::optional<bool> EventBook::GiveWay(const std::string& namespace_name) {
  std::map<std::string, std::size_t> sizes;
  for (const auto& [key, series] : series_) {
    ++sizes[series.namespace_name()];
  }
  const auto most = std::ranges::max_element(sizes, {}, [](const auto& entry) { return entry.second; });
  if (most == sizes.end() || most->second <= sizes[namespace_name] + 1) {
    return std::nullopt;
  }
  // One that is told, since nothing of it is lost; else the youngest, for which nobody has waited long.
  auto out = series_.end();
  const auto goes_before = [](const Series& a, const Series& b) {
    return std::tuple(a.IsTold(), a.first) > std::tuple(b.IsTold(), b.first);
  };
  for (auto entry = series_.begin(); entry != series_.end(); ++entry) {
    if (entry->second.namespace_name() == most->first && (out == series_.end() || goes_before(entry->second, out->second))) {
      out = entry;
    }
  }
  const bool told = out->second.IsTold();
  series_.erase(out);
  return told;
}

std::uint64_t EventBook::LastTurn(const std::string& namespace_name) const {
  const auto found = turns_.find(namespace_name);
  return found == turns_.end() ? 0 : found->second;
}

std::optional<EventBook::Write> EventBook::Next(Instant now) {
  Series* next = nullptr;
  const auto goes_before = [this](const Series& a, const Series& b) {
    return std::tuple(LastTurn(a.namespace_name()), a.created, a.due) < std::tuple(LastTurn(b.namespace_name()), b.created, b.due);
  };
  for (auto& [key, series] : series_) {
    if (!series.IsTold() && now >= series.due && (next == nullptr || goes_before(series, *next))) {
      next = &series;
    }
  }
  if (next == nullptr || !writes_.Take(now)) {
    return std::nullopt;
  }
  if (turns_.size() >= kMaxSeries) {  // of namespaces that are long silent: all begin anew
    turns_.clear();
  }
  turns_[next->namespace_name()] = ++turn_;
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
  return {object.kind, object.namespace_name, object.name,
          object.uid,  event.reason,          event.sameness.empty() ? base::Printable(event.note, kMaxNoteBytes) : event.sameness};
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
