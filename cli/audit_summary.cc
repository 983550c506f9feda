#include "cli/audit_summary.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/record.h"
#include "audit/summary_json.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "base/text.h"
#include "cli/audit_outcome.h"
#include "cli/audit_source.h"
#include "cli/bar.h"
#include "cli/local_time.h"
#include "cli/table.h"

namespace cli {
namespace {

using std::chrono::hours;

constexpr std::size_t kMaxBuckets = 31;       // lines over time: they fit a screen, and a month by days
constexpr std::size_t kMaxValueBytes = 1024;  // of a value that is shown
constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastBar = 8;

std::string Counted(std::int64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string RightAligned(std::int64_t number, std::size_t width) {
  const std::string text = std::to_string(number);
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

struct Line {
  std::string label;
  audit::Counts counts;
};

// A table with a bar a line: denials where there are any among its lines, else warnings.
std::string TableWithBars(const std::string& heading, const std::vector<Line>& lines, bool with_allowed, const Terminal& terminal) {
  struct Column {
    const char* heading;
    std::int64_t audit::Counts::* count;
  };
  std::vector<Column> columns = {{"DENIED", &audit::Counts::denied}, {"WARNED", &audit::Counts::warned}};
  if (with_allowed) {
    columns.push_back({"ALLOWED", &audit::Counts::allowed});
  }
  std::vector<std::string> headings = {heading};
  std::vector<std::size_t> widths;
  std::size_t taken = kGap;
  for (const Column& column : columns) {
    std::size_t width = std::string_view(column.heading).size();
    for (const Line& line : lines) {
      width = std::max(width, std::to_string(line.counts.*column.count).size());
    }
    widths.push_back(width);
    headings.push_back(std::string(width - std::string_view(column.heading).size(), ' ') + column.heading);
    taken += width + kGap;
  }
  headings.emplace_back();

  const auto terminal_width = static_cast<std::size_t>(std::max(terminal.width, 0));
  const std::size_t room = terminal_width > taken + kLeastBar ? terminal_width - taken - kLeastBar : 1;
  std::size_t label_width = heading.size();
  std::int64_t most_denied = 0;
  std::int64_t most_warned = 0;
  for (const Line& line : lines) {
    label_width = std::max(label_width, std::min(TextWidth(line.label), room));
    most_denied = std::max(most_denied, line.counts.denied);
    most_warned = std::max(most_warned, line.counts.warned);
  }
  const std::size_t bar_width = terminal_width > taken + label_width ? terminal_width - taken - label_width : kLeastBar;
  std::vector<std::vector<Cell>> rows;
  for (const Line& line : lines) {
    std::vector<Cell> cells = {{FitText(line.label, label_width)}};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      cells.push_back({RightAligned(line.counts.*columns[i].count, widths[i])});
    }
    cells.push_back(most_denied > 0 ? Cell{Bar(line.counts.denied, most_denied, bar_width, terminal), Style::kBad}
                                    : Cell{Bar(line.counts.warned, most_warned, bar_width, terminal), Style::kWarning});
    rows.push_back(std::move(cells));
  }
  return FormatTable(headings, rows, terminal);
}

// The local beginning of the span of `length` that the hour is in. Spans of a day or less begin at a local midnight or a part of the day,
// longer ones count from `first`.
base::Time BucketOf(base::Time hour, hours length, base::Time first) {
  const base::Time midnight = LocalMidnight(hour);
  if (length <= hours(24)) {
    return midnight + (hour - midnight) / length * length;
  }
  const base::Time begin = LocalMidnight(first);
  return LocalMidnight(begin + (hour - begin) / length * length + hours(12));
}

// Every span between the first hour and the last, also those in which nothing was decided.
std::vector<Line> OverTime(const audit::Summary& summary, std::optional<base::Time> since) {
  if (summary.hours.empty()) {
    return {};
  }
  const base::Time first = since ? std::chrono::floor<hours>(*since) : base::Time(summary.hours.front().begin);
  const base::Time last = summary.hours.back().begin;
  constexpr std::array kLengths = {1, 3, 6, 12, 24, 24 * 7, 24 * 30, 24 * 365};
  hours length{kLengths.back()};
  for (const int candidate : kLengths) {
    if (static_cast<std::size_t>((last - first) / hours(candidate)) + 1 <= kMaxBuckets) {
      length = hours(candidate);
      break;
    }
  }
  std::map<base::Time, audit::Counts> buckets;
  for (base::Time hour = first; hour <= last; hour += std::min(length, hours(24))) {
    buckets.try_emplace(BucketOf(hour, length, first));
  }
  for (const audit::Summary::Hour& hour : summary.hours) {
    buckets[BucketOf(hour.begin, length, first)] += hour.counts;
  }
  std::vector<Line> lines;
  for (const auto& [begin, counts] : buckets) {
    constexpr std::size_t kDate = 10;
    constexpr std::size_t kMinutes = 16;
    lines.push_back({FormatLocalTime(begin).substr(0, length < hours(24) ? kMinutes : kDate), counts});
  }
  return lines;
}

std::vector<Line> Top(const std::vector<audit::Summary::Value>& values, std::int64_t limit) {
  std::vector<Line> lines;
  audit::Counts others;
  std::int64_t left_out = 0;
  for (const audit::Summary::Value& value : values) {
    if (static_cast<std::int64_t>(lines.size()) < limit && value.value != audit::kOtherValues) {
      lines.push_back({base::Printable(value.value, kMaxValueBytes), value.counts});
    } else {
      others += value.counts;
      ++left_out;
    }
  }
  if (left_out > 0) {
    lines.push_back({audit::kOtherValues, others});
  }
  return lines;
}

void PrintTables(const audit::Summary& summary, const audit::Filter& filter, std::int64_t limit, const Streams& streams) {
  audit::Counts total;
  for (const audit::Summary::Hour& hour : summary.hours) {
    total += hour.counts;
  }
  std::ostream& out = streams.out;
  out << Counted(total.allowed + total.warned + total.denied, "admission");
  if (filter.since) {
    out << " since " << FormatLocalTime(*filter.since);
  }
  if (filter.until) {
    out << " until " << FormatLocalTime(*filter.until);
  }
  out << ": " << total.denied << " denied, " << total.warned << " warned about, " << total.allowed << " allowed\n";
  if (const std::vector<Line> lines = OverTime(summary, filter.since); !lines.empty()) {
    out << '\n' << TableWithBars("TIME", lines, true, streams.terminal);
  }
  for (const auto& [heading, values] : {std::pair{"REGISTRY", &summary.by_registry}, std::pair{"REQUIREMENT", &summary.by_requirement},
                                        std::pair{"NAMESPACE", &summary.by_namespace}, std::pair{"USER", &summary.by_user}}) {
    if (!values->empty()) {
      out << '\n' << TableWithBars(heading, Top(*values, limit), false, streams.terminal);
    }
  }
}

base::Result<void> Print(audit::Reader& log, const audit::Filter& filter, const AuditSummaryArguments& arguments, const Streams& streams) {
  const auto summary = log.Summarise(filter);
  if (!summary) {
    return tl::unexpected(summary.error());
  }
  if (arguments.output == OutputFormat::kJson) {
    std::string text;
    base::JsonWriter json(text);
    audit::WriteSummary(json, *summary);
    streams.out << text << '\n';
    return {};
  }
  for (const audit::Incomplete& missing : summary->incomplete) {
    TellIncomplete(missing, streams.err);
  }
  PrintTables(*summary, filter, arguments.limit, streams);
  return {};
}

base::Result<audit::Filter> FilterOf(const AuditSummaryArguments& arguments, base::Time now) {
  if (arguments.limit < 1) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--limit " + std::to_string(arguments.limit) + ": must be 1 or more");
  }
  auto filter = AuditFilterOf(arguments.filter, now);
  if (filter && filter->decision == audit::kVerdictChanged) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--decision VerdictChanged: a summary counts admissions",
                      "list verdicts that turned with: acr-admission audit --decision VerdictChanged");
  }
  return filter;
}

}  // namespace

int RunAuditSummary(const AuditSummaryArguments& arguments, const Streams& streams, const base::Clock& clock) {
  // Before anything is opened: what was asked for must make sense.
  const auto filter = FilterOf(arguments, clock.Now());
  if (!filter) {
    return ExitOf(tl::unexpected(filter.error()), streams.err);
  }
  const auto log = OpenAuditSource(arguments.config, arguments.database);
  return ExitOf(log ? Print(**log, *filter, arguments, streams) : tl::unexpected(log.error()), streams.err);
}

int SummariseLog(audit::Reader& log, const AuditSummaryArguments& arguments, const Streams& streams, const base::Clock& clock) {
  const auto filter = FilterOf(arguments, clock.Now());
  return ExitOf(filter ? Print(log, *filter, arguments, streams) : tl::unexpected(filter.error()), streams.err);
}

}  // namespace cli
