#include "audit/merge.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "audit/cursor.h"

namespace audit {
namespace {

constexpr std::string_view kSinceMark = "t.";

tl::unexpected<base::Error> NoCursor() {
  return base::Fail(base::ErrorCode::kInvalidArgument, "the cursor is none of these logs'",
                    "give `next` of the page before, unchanged, or begin without a cursor");
}

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && last == text.data() + text.size() && number >= 0;
  return whole && std::to_string(number) == text ? std::make_optional(number) : std::nullopt;
}

std::optional<LogPlace> ParsePlace(std::string_view text) {
  const bool missing = text.starts_with('-');
  text.remove_prefix(missing ? 1 : 0);
  auto position = ParseLogCursor(text);
  return position ? std::make_optional<LogPlace>(std::move(position->log_hex), position->sequence, missing) : std::nullopt;
}

// One log's page, and how much of it has been handed out.
struct Source {
  LogPage page;
  std::size_t taken = 0;

  bool Empty() const { return taken == page.rows.size(); }
  const Row& Head() const { return page.rows[taken]; }
};

bool ComesFirst(const Source& a, const Source& b, Order order) {
  if (a.Head().time != b.Head().time) {
    return order == Order::kNewestFirst ? a.Head().time > b.Head().time : a.Head().time < b.Head().time;
  }
  return a.page.log < b.page.log;
}

// The source of the next row; null when there is none, or when it may be one that was not read yet.
Source* Next(std::vector<Source>& sources, Order order) {
  Source* next = nullptr;
  for (Source& source : sources) {
    if (source.Empty()) {
      if (source.page.more) {
        return nullptr;
      }
      continue;
    }
    if (next == nullptr || ComesFirst(source, *next, order)) {
      next = &source;
    }
  }
  return next;
}

std::int64_t PlaceAfter(const Source& source, const LogPlace* before, Order order) {
  if (source.Empty()) {
    return source.page.end;
  }
  if (source.taken > 0) {
    return source.page.rows[source.taken - 1].sequence;
  }
  if (before != nullptr) {
    return before->sequence;
  }
  return order == Order::kNewestFirst ? source.Head().sequence + 1 : source.Head().sequence - 1;
}

MergeCursor CursorAfter(const std::vector<Source>& sources, const MergeCursor& from, Order order) {
  MergeCursor next;
  next.since = from.since;
  std::set<std::string_view> present;
  for (const Source& source : sources) {
    present.insert(source.page.log);
    next.places.push_back({source.page.log, PlaceAfter(source, from.Find(source.page.log), order), false});
  }
  for (const bool missed_before : {false, true}) {
    for (const LogPlace& place : from.places) {
      if (place.missing == missed_before && !present.contains(place.log)) {
        next.places.push_back({place.log, place.sequence, true});
      }
    }
  }
  next.places.resize(std::min(next.places.size(), kMaxCursorLogs));
  return next;
}

}  // namespace

const LogPlace* MergeCursor::Find(std::string_view log) const {
  const auto found = std::find_if(places.begin(), places.end(), [&](const LogPlace& place) { return place.log == log; });
  return found == places.end() ? nullptr : &*found;
}

std::string ToString(const MergeCursor& cursor) {
  std::string text;
  for (const LogPlace& place : cursor.places) {
    text += (text.empty() ? "" : ",");
    text += (place.missing ? "-" : "") + LogCursor(place.log, place.sequence);
  }
  if (cursor.since) {
    text += (text.empty() ? "" : ",");
    text += std::string(kSinceMark) + std::to_string(cursor.since->time_since_epoch().count());
  }
  return text;
}

base::Result<MergeCursor> ParseMergeCursor(std::string_view text) {
  MergeCursor cursor;
  std::set<std::string> logs;
  bool ended = text.empty();
  while (!ended) {
    const std::size_t comma = text.find(',');
    ended = comma == std::string_view::npos;
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(ended ? text.size() : comma + 1);
    if (part.starts_with(kSinceMark)) {
      const auto since = ParseNumber(part.substr(kSinceMark.size()));
      if (!since || !ended) {
        return NoCursor();
      }
      cursor.since = base::Time(std::chrono::microseconds(*since));
      continue;
    }
    auto place = ParsePlace(part);
    if (!place || cursor.places.size() == kMaxCursorLogs || !logs.insert(place->log).second) {
      return NoCursor();
    }
    cursor.places.push_back(*std::move(place));
  }
  return cursor;
}

MergedPage MergePages(std::vector<LogPage> pages, const MergeCursor& from, Order order, std::int64_t limit) {
  std::vector<Source> sources;
  sources.reserve(pages.size());
  for (LogPage& page : pages) {
    sources.push_back({std::move(page)});
  }
  MergedPage merged;
  std::size_t bytes = 0;
  while (static_cast<std::int64_t>(merged.rows.size()) < limit && bytes <= kMaxPageBytes) {
    Source* const source = Next(sources, order);
    if (source == nullptr) {
      break;
    }
    Row& row = source->page.rows[source->taken++];
    bytes += row.record.size();
    // The record alone: where a log goes on is told by the row that stays.
    merged.rows.push_back({row.time, row.sequence, std::move(row.record)});
  }
  merged.next = CursorAfter(sources, from, order);
  merged.more = std::any_of(sources.begin(), sources.end(), [](const Source& source) { return !source.Empty() || source.page.more; });
  for (const LogPlace& place : from.places) {
    const bool answered = std::any_of(sources.begin(), sources.end(), [&](const Source& source) { return source.page.log == place.log; });
    const bool expected = order == Order::kNewestFirst ? place.sequence > 0 : !place.missing;
    if (!answered && expected) {
      merged.missing.push_back(place.log);
    }
  }
  return merged;
}

}  // namespace audit
