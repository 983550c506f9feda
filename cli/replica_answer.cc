#include "cli/replica_answer.h"

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "audit/cursor.h"
#include "audit/record.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"

namespace cli {
namespace {

namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

using audit::LogPage;
using audit::Order;
using audit::Row;
using audit::Summary;

constexpr std::string_view kRecordBegin = R"({"time":")";  // docs/audit.md: keys always stand in this order
constexpr std::size_t kMaxErrorBytes = 300;

base::Error Wrong(std::string_view what) {
  return {base::ErrorCode::kUnavailable, "its answer is not understood: " + std::string(what),
          "replicas must be of the same version; wait for the end of a rollout"};
}

tl::unexpected<base::Error> Refuse(std::string_view what) { return tl::unexpected(Wrong(what)); }

// The body with what simdjson reads beyond it.
simdjson::padded_string_view Padded(std::string& body) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  return simdjson::padded_string_view(body.data(), body.size(), body.capacity());
}

// Calls `member` with each key and value of an object; it says whether the value is as it has to be. An unknown key is skipped, as the
// format says.
template <class Member>
bool EachMember(ondemand::object object, Member&& member) {
  for (auto field : object) {
    std::string_view key;
    ondemand::value value;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS || field.value().get(value) != simdjson::SUCCESS || !member(key, value)) {
      return false;
    }
  }
  return true;
}

template <class Item>
bool EachItem(ondemand::value value, Item&& item) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return false;
  }
  for (auto element : array) {
    ondemand::value each;
    if (element.get(each) != simdjson::SUCCESS || !item(each)) {
      return false;
    }
  }
  return true;
}

bool ReadText(ondemand::value value, std::string& out) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) {
    return false;
  }
  out = text;
  return true;
}

bool ReadCount(ondemand::value value, std::int64_t& out) { return value.get_int64().get(out) == simdjson::SUCCESS && out >= 0; }

// The whole text is one object, and nothing else.
template <class Member>
bool ReadDocument(std::string& body, Member&& member) {
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  const simdjson::padded_string_view padded = Padded(body);
  return parser.allocate(body.size(), base::kMaxJsonDepth) == simdjson::SUCCESS &&
         parser.iterate(padded).get(document) == simdjson::SUCCESS && document.get_object().get(object) == simdjson::SUCCESS &&
         EachMember(object, member) && document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

class PageReader {
 public:
  PageReader(std::string body, const AskedPage& asked) : body_(std::move(body)), asked_(asked) {}

  base::Result<LogPage> Read() {
    const auto member = [this](std::string_view key, ondemand::value value) {
      if (key == "decisions") {
        return !std::exchange(has_rows_, true) && EachItem(value, [this](ondemand::value record) { return ReadRecord(record); });
      }
      if (key == "sequences") {
        return !std::exchange(has_sequences_, true) && EachItem(value, [this](ondemand::value number) { return ReadSequence(number); });
      }
      if (key == "log") {
        return log_.empty() && ReadText(value, log_);
      }
      if (key == "next") {
        return !std::exchange(has_next_, true) && (value.is_null().value_unsafe() || ReadText(value, next_));
      }
      return true;
    };
    if (!ReadDocument(body_, member)) {
      return Refuse(problem_.empty() ? "it is no page of decisions" : problem_);
    }
    if (!has_rows_ || !has_sequences_ || !has_next_) {
      return Refuse("decisions, next or sequences are missing");
    }
    if (sequences_.size() != rows_.size()) {
      return Refuse("there are not as many sequences as decisions");
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      rows_[i].sequence = sequences_[i];
    }
    return MakeLogPage(asked_, std::move(log_), std::move(rows_), next_);
  }

 private:
  bool Fail(std::string_view problem) {
    problem_ = problem;
    return false;
  }

  bool ReadRecord(ondemand::value value) {
    ondemand::object object;
    std::string_view raw;
    if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(raw) != simdjson::SUCCESS) {
      return false;
    }
    if (static_cast<std::int64_t>(rows_.size()) == asked_.limit) {
      return Fail("it has more decisions than were asked for");
    }
    if (raw.size() > audit::kMaxRecordBytes) {
      return Fail("a record is too long");
    }
    const std::size_t end = raw.find('"', kRecordBegin.size());
    const auto time = raw.starts_with(kRecordBegin) && end != std::string_view::npos
                          ? base::ParseTime(raw.substr(kRecordBegin.size(), end - kRecordBegin.size()))
                          : std::nullopt;
    if (!time) {
      return Fail("a record does not begin with its time");
    }
    // What is skipped above is not looked into.
    if (raw.find_first_of("\r\n") != std::string_view::npos || records_.parse(raw.data(), raw.size()).error() != simdjson::SUCCESS) {
      return Fail("a record is no JSON on one line");
    }
    rows_.push_back({*time, 0, std::string(raw)});
    return true;
  }

  bool ReadSequence(ondemand::value value) {
    std::int64_t sequence = 0;
    if (!ReadCount(value, sequence)) {
      return false;
    }
    sequences_.push_back(sequence);
    return true;
  }

  std::string body_;
  const AskedPage& asked_;
  dom::parser records_{audit::kMaxRecordBytes};
  std::vector<Row> rows_;
  std::vector<std::int64_t> sequences_;
  std::string log_, next_;
  bool has_rows_ = false, has_sequences_ = false, has_next_ = false;
  std::string problem_;
};

bool ReadCounts(std::string_view key, ondemand::value value, audit::Counts& counts) {
  if (key == "allowed") {
    return ReadCount(value, counts.allowed);
  }
  if (key == "warned") {
    return ReadCount(value, counts.warned);
  }
  return key != "denied" || ReadCount(value, counts.denied);
}

bool ReadHours(ondemand::value list, std::vector<Summary::Hour>& hours) {
  return EachItem(list, [&](ondemand::value item) {
    Summary::Hour hour;
    std::optional<base::Time> begin;
    ondemand::object object;
    if (item.get_object().get(object) != simdjson::SUCCESS || !EachMember(object, [&](std::string_view key, ondemand::value value) {
          std::string text;
          if (key == "begin") {
            begin = ReadText(value, text) ? base::ParseTime(text) : std::nullopt;
            return begin.has_value();
          }
          return ReadCounts(key, value, hour.counts);
        })) {
      return false;
    }
    if (!begin || begin->time_since_epoch() % std::chrono::hours(1) != std::chrono::microseconds(0)) {
      return false;
    }
    hour.begin = *begin;
    hours.push_back(hour);
    return true;
  });
}

bool ReadValues(ondemand::value list, std::vector<Summary::Value>& values) {
  return EachItem(list, [&](ondemand::value item) {
    Summary::Value& read = values.emplace_back();
    bool has_value = false;
    ondemand::object object;
    return item.get_object().get(object) == simdjson::SUCCESS &&
           EachMember(object,
                      [&](std::string_view key, ondemand::value value) {
                        if (key == "value") {
                          has_value = true;
                          return ReadText(value, read.value);
                        }
                        return ReadCounts(key, value, read.counts);
                      }) &&
           has_value;
  });
}

// 0 and the greatest number are not given to rows: before each there is a place, and behind it.
bool IsSequence(std::int64_t sequence) { return sequence >= 1 && sequence < std::numeric_limits<std::int64_t>::max(); }

}  // namespace

base::Result<LogPage> MakeLogPage(const AskedPage& asked, std::string log, std::vector<Row> rows, const std::string& next) {
  if (!audit::ParseLogCursor(audit::LogCursor(log, 0))) {
    return Refuse("its log has no name");
  }
  if (!asked.log.empty() && asked.log != log) {
    return base::Fail(base::ErrorCode::kNotFound, "it has begun another log");
  }
  const bool newest_first = asked.order == Order::kNewestFirst;
  const auto leads_on = [&](std::int64_t sequence, std::int64_t from) { return newest_first ? sequence < from : sequence > from; };
  std::optional<std::int64_t> last = asked.place;
  std::size_t bytes = 0;
  for (const Row& row : rows) {
    if (!IsSequence(row.sequence) || (last && !leads_on(row.sequence, *last))) {
      return Refuse("its decisions are not in the order that was asked for");
    }
    last = row.sequence;
    bytes += row.record.size();
  }
  LogPage page{std::move(log), std::move(rows), 0, false};
  if (newest_first && next.empty()) {
    return page;
  }
  const auto end = audit::ParseLogCursor(next);
  if (!end || end->log_hex != page.log) {
    return Refuse("next is no cursor of its log");
  }
  page.end = end->sequence;
  if (last && page.end != *last && !leads_on(page.end, *last)) {
    return Refuse("next does not lead on");
  }
  if (newest_first) {
    if (page.rows.empty()) {
      return Refuse("next leads on from nothing");
    }
    page.more = true;
  } else {
    const bool large = bytes + audit::kMaxRecordBytes > audit::kMaxPageBytes;
    page.more = !page.rows.empty() && (static_cast<std::int64_t>(page.rows.size()) >= asked.limit || large);
  }
  return page;
}

base::Result<LogPage> ReadReplicaPage(std::string body, const AskedPage& asked) { return PageReader(std::move(body), asked).Read(); }

base::Result<Summary> ReadReplicaSummary(std::string body) {
  struct List {
    std::string_view key;
    std::vector<Summary::Value> Summary::* values;
    bool read = false;
  };
  std::array<List, 4> lists = {{{"registries", &Summary::by_registry},
                                {"requirements", &Summary::by_requirement},
                                {"namespaces", &Summary::by_namespace},
                                {"users", &Summary::by_user}}};
  Summary summary;
  bool has_hours = false;
  const auto member = [&](std::string_view key, ondemand::value value) {
    if (key == "hours") {
      return !std::exchange(has_hours, true) && ReadHours(value, summary.hours);
    }
    for (List& list : lists) {
      if (key == list.key) {
        return !std::exchange(list.read, true) && ReadValues(value, summary.*list.values);
      }
    }
    return true;
  };
  if (!ReadDocument(body, member)) {
    return Refuse("it is no summary");
  }
  for (const List& list : lists) {
    if (!has_hours || !list.read) {
      return Refuse("hours, registries, requirements, namespaces or users are missing");
    }
  }
  return summary;
}

std::string ReadReplicaError(std::string_view body) {
  std::string text(body);
  std::string error;
  const bool read =
      ReadDocument(text, [&](std::string_view key, ondemand::value value) { return key != "error" || ReadText(value, error); });
  return read ? base::Printable(error, kMaxErrorBytes) : "";
}

}  // namespace cli
