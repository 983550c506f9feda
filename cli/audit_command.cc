#include "cli/audit_command.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "audit/reader.h"
#include "base/result.h"
#include "cli/audit_outcome.h"
#include "cli/audit_rows.h"
#include "cli/audit_source.h"
#include "cli/streams.h"

namespace cli {
namespace {

constexpr std::int64_t kDefaultLimit = 100;
constexpr std::chrono::seconds kPollInterval{1};

// Looks of --follow that may fail in a row: while a damaged database is set aside there is none for a moment.
constexpr int kFollowTries = 5;

base::Result<audit::Query> QueryOf(const AuditArguments& arguments) {
  auto filter = AuditFilterOf(arguments.filter, arguments.now);
  if (!filter) {
    return tl::unexpected(filter.error());
  }
  if (arguments.limit && *arguments.limit < 1) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--limit " + std::to_string(*arguments.limit) + ": must be 1 or more");
  }
  if (arguments.follow && arguments.output != AuditOutput::kTable && arguments.output != AuditOutput::kJsonLines) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--follow never ends, and this output would", "use -o table or -o jsonl");
  }
  if (arguments.follow && filter->until) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--follow shows what is yet to come, --until what is over",
                      "leave one of them out");
  }
  audit::Query query;
  query.filter = *std::move(filter);
  query.limit = arguments.limit.value_or(arguments.follow ? std::numeric_limits<std::int64_t>::max() : kDefaultLimit);
  return query;
}

// Says once of each replica that it does not answer, and again when it did meanwhile.
class IncompleteNotes {
 public:
  explicit IncompleteNotes(std::ostream& err) : err_(err) {}

  void Take(const std::vector<audit::Incomplete>& incomplete) {
    std::set<std::string> replicas;
    for (const audit::Incomplete& missing : incomplete) {
      replicas.insert(missing.replica);
      if (!known_.contains(missing.replica)) {
        TellIncomplete(missing, err_);
      }
    }
    known_ = std::move(replicas);
  }

 private:
  std::ostream& err_;
  std::set<std::string> known_;
};

// Calls `row` for each that the query selects, page by page, until it returns false.
base::Result<void> ForEach(audit::Reader& log, audit::Query query, IncompleteNotes& notes,
                           const std::function<bool(const std::string& record)>& row) {
  for (std::int64_t left = query.limit; left > 0;) {
    query.limit = std::min(left, audit::kMaxPageRows);
    auto page = log.Read(query);
    if (!page) {
      return tl::unexpected(page.error());
    }
    notes.Take(page->incomplete);
    for (const audit::Row& found : page->rows) {
      if (!row(found.record)) {
        return {};
      }
    }
    if (page->next.empty()) {
      return {};
    }
    left -= static_cast<std::int64_t>(page->rows.size());
    query.cursor = std::move(page->next);
  }
  return {};
}

base::Result<void> PrintTable(audit::Reader& log, const audit::Query& query, const Terminal& terminal, std::ostream& out,
                              IncompleteNotes& notes) {
  std::vector<AuditRow> rows;
  auto result = ForEach(log, query, notes, [&](const std::string& record) {
    rows.push_back(ReadAuditRow(record));
    return true;
  });
  if (result) {
    out << AuditTable(rows, terminal);
  }
  return result;
}

base::Result<void> PrintJson(audit::Reader& log, const audit::Query& query, std::ostream& out, IncompleteNotes& notes) {
  // The bracket comes with the first row, so that a database that cannot be read leaves standard output empty.
  bool begun = false;
  auto result = ForEach(log, query, notes, [&](const std::string& record) {
    out << (begun ? ",\n" : "[\n") << record;
    begun = true;
    return out.good();
  });
  if (result) {
    out << (begun ? "\n]\n" : "[]\n");
  }
  return result;
}

base::Result<void> PrintCsv(audit::Reader& log, const audit::Query& query, std::ostream& out, IncompleteNotes& notes) {
  std::string heading = AuditCsvHeading();
  auto result = ForEach(log, query, notes, [&](const std::string& record) {
    out << std::exchange(heading, {}) << AuditCsvLine(ReadAuditRow(record));
    return out.good();
  });
  if (result) {
    out << heading;
  }
  return result;
}

base::Result<void> PrintJsonLines(audit::Reader& log, const audit::Query& query, std::ostream& out, IncompleteNotes& notes) {
  return ForEach(log, query, notes, [&](const std::string& record) {
    out << record << '\n';
    return out.good();
  });
}

base::Result<void> Follow(audit::Reader& log, audit::Query query, const AuditArguments& arguments, std::ostream& out, std::ostream& err,
                          IncompleteNotes& notes) {
  query.order = audit::Order::kOldestFirst;
  if (!query.filter.since) {
    auto end = log.End();
    if (!end) {
      return tl::unexpected(end.error());
    }
    query.cursor = *std::move(end);
  }
  if (arguments.output == AuditOutput::kTable) {
    out << AuditLineHeading(arguments.terminal);
  }
  int failures = 0;
  for (std::int64_t left = query.limit; left > 0;) {
    query.limit = std::min(left, audit::kMaxPageRows);
    auto page = log.Read(query);
    if (!page) {
      if (++failures > kFollowTries) {
        return tl::unexpected(page.error());
      }
      // Damaged, it was set aside and another begun: of that, everything is news.
      if (page.error().code == base::ErrorCode::kInvalidArgument && !query.cursor.empty()) {
        err << "the log was replaced, going on with the new one (" << page.error().message << ")\n";
        query.cursor.clear();
        continue;
      }
      if (!arguments.wait()) {
        return tl::unexpected(page.error());
      }
      continue;
    }
    failures = 0;
    notes.Take(page->incomplete);
    for (const audit::Row& row : page->rows) {
      out << (arguments.output == AuditOutput::kTable ? AuditLine(ReadAuditRow(row.record), arguments.terminal) : row.record + "\n");
    }
    left -= static_cast<std::int64_t>(page->rows.size());
    query.cursor = std::move(page->next);
    const bool wait = page->rows.empty() && left > 0;
    if (!out.flush() || (wait && !arguments.wait())) {
      return {};
    }
  }
  return {};
}

base::Result<void> Print(audit::Reader& log, const audit::Query& query, const AuditArguments& arguments, std::ostream& out,
                         std::ostream& err) {
  IncompleteNotes notes(err);
  if (arguments.follow) {
    return Follow(log, query, arguments, out, err, notes);
  }
  switch (arguments.output) {
    case AuditOutput::kTable:
      return PrintTable(log, query, arguments.terminal, out, notes);
    case AuditOutput::kJson:
      return PrintJson(log, query, out, notes);
    case AuditOutput::kJsonLines:
      return PrintJsonLines(log, query, out, notes);
    case AuditOutput::kCsv:
      return PrintCsv(log, query, out, notes);
  }
  return {};
}

}  // namespace

bool WaitForRecords() {
  std::this_thread::sleep_for(kPollInterval);
  return true;
}

int RunAuditCommand(const AuditArguments& arguments, std::ostream& out, std::ostream& err) {
  // Before anything is opened: what was asked for must make sense.
  const auto query = QueryOf(arguments);
  if (!query) {
    return ExitOf(tl::unexpected(query.error()), err);
  }
  const auto log = OpenAuditSource(arguments.config, arguments.database);
  return ExitOf(log ? Print(**log, *query, arguments, out, err) : tl::unexpected(log.error()), err);
}

int RunAuditQuery(audit::Reader& log, const AuditArguments& arguments, std::ostream& out, std::ostream& err) {
  const auto query = QueryOf(arguments);
  return ExitOf(query ? Print(log, *query, arguments, out, err) : tl::unexpected(query.error()), err);
}

}  // namespace cli
