#include "cli/audit_command.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "audit/query.h"
#include "base/result.h"
#include "base/text.h"
#include "cli/audit_database.h"
#include "cli/audit_rows.h"
#include "cli/streams.h"
#include "policy/image_reference.h"

namespace cli {
namespace {

constexpr std::int64_t kDefaultLimit = 100;
constexpr std::chrono::seconds kPollInterval{1};

base::Result<base::Time> TimeOf(std::string_view option, const std::string& text, base::Time now) {
  if (const auto back = base::ParseDuration(text)) {
    return now - *back;
  }
  if (const auto time = base::ParseTime(text)) {
    return *time;
  }
  return base::Fail(base::ErrorCode::kInvalidArgument, std::string(option) + " " + text + ": is no time",
                    "give a duration back from now (90m, 1h30m, 7d), a date (2026-11-23), or a time (2026-11-23T12:00:00Z)");
}

base::Result<std::string> DecisionOf(const std::string& text) {
  constexpr std::array<std::string_view, 3> kDecisions = {"Allowed", "Warned", "Denied"};
  for (const std::string_view decision : kDecisions) {
    if (base::EqualsIgnoreAsciiCase(text, decision)) {
      return std::string(decision);
    }
  }
  return base::Fail(base::ErrorCode::kInvalidArgument, "--decision " + text + ": is no decision", "give Allowed, Warned or Denied");
}

base::Result<audit::Query> QueryOf(const AuditArguments& arguments) {
  audit::Query query;
  if (!arguments.since.empty()) {
    const auto since = TimeOf("--since", arguments.since, arguments.now);
    if (!since) {
      return tl::unexpected(since.error());
    }
    query.since = *since;
  }
  if (!arguments.until.empty()) {
    const auto until = TimeOf("--until", arguments.until, arguments.now);
    if (!until) {
      return tl::unexpected(until.error());
    }
    query.until = *until;
  }
  if (!arguments.decision.empty()) {
    auto decision = DecisionOf(arguments.decision);
    if (!decision) {
      return tl::unexpected(decision.error());
    }
    query.decision = std::move(*decision);
  }
  if (arguments.limit && *arguments.limit < 1) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--limit " + std::to_string(*arguments.limit) + ": must be 1 or more");
  }
  if (arguments.follow && arguments.output != AuditOutput::kTable && arguments.output != AuditOutput::kJsonLines) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--follow never ends, and this output would", "use -o table or -o jsonl");
  }
  if (arguments.follow && query.until) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "--follow shows what is yet to come, --until what is over",
                      "leave one of them out");
  }
  query.namespace_name = arguments.namespace_name;
  query.registry = policy::FoldRegistryHost(arguments.registry);  // as records have it
  query.image = arguments.image;
  query.user = arguments.user;
  query.uid = arguments.uid;
  query.limit = arguments.limit.value_or(arguments.follow ? std::numeric_limits<std::int64_t>::max() : kDefaultLimit);
  return query;
}

base::Result<void> PrintTable(const std::string& database, const audit::Query& query, const Terminal& terminal, std::ostream& out) {
  std::vector<AuditRow> rows;
  auto result = audit::RunQuery(database, query, [&](const audit::Row& row) {
    rows.push_back(ReadAuditRow(row.json));
    return true;
  });
  if (result) {
    out << AuditTable(rows, terminal);
  }
  return result;
}

base::Result<void> PrintJson(const std::string& database, const audit::Query& query, std::ostream& out) {
  // The bracket comes with the first row, so that a database that cannot be read leaves standard output empty.
  bool begun = false;
  auto result = audit::RunQuery(database, query, [&](const audit::Row& row) {
    out << (begun ? ",\n" : "[\n") << row.json;
    begun = true;
    return out.good();
  });
  if (result) {
    out << (begun ? "\n]\n" : "[]\n");
  }
  return result;
}

base::Result<void> PrintCsv(const std::string& database, const audit::Query& query, std::ostream& out) {
  std::string heading = AuditCsvHeading();
  auto result = audit::RunQuery(database, query, [&](const audit::Row& row) {
    out << std::exchange(heading, {}) << AuditCsvLine(ReadAuditRow(row.json));
    return out.good();
  });
  if (result) {
    out << heading;
  }
  return result;
}

base::Result<void> PrintJsonLines(const std::string& database, const audit::Query& query, std::ostream& out) {
  return audit::RunQuery(database, query, [&](const audit::Row& row) {
    out << row.json << '\n';
    return out.good();
  });
}

base::Result<void> Follow(const std::string& database, audit::Query query, const AuditArguments& arguments, std::ostream& out) {
  auto newest = audit::NewestRow(database);
  if (!newest) {
    return tl::unexpected(newest.error());
  }
  query.after_row = query.since ? 0 : *newest;
  if (arguments.output == AuditOutput::kTable) {
    out << AuditLineHeading(arguments.terminal);
  }
  std::int64_t left = query.limit;
  while (true) {
    query.limit = left;
    std::int64_t last = *query.after_row;
    auto result = audit::RunQuery(database, query, [&](const audit::Row& row) {
      last = row.id;
      --left;
      out << (arguments.output == AuditOutput::kTable ? AuditLine(ReadAuditRow(row.json), arguments.terminal) : row.json + "\n");
      return out.good();
    });
    if (!result) {
      return result;
    }
    // Rows up to `newest` were looked at, whether they matched or not.
    query.after_row = std::max(last, *newest);
    if (!out.flush() || left <= 0 || !arguments.wait()) {
      return {};
    }
    newest = audit::NewestRow(database);
    if (!newest) {
      return tl::unexpected(newest.error());
    }
    if (*newest < *query.after_row) {
      query.after_row = 0;  // a damaged log was set aside, and a new one begun
    }
  }
}

base::Result<void> Print(const std::string& database, const audit::Query& query, const AuditArguments& arguments, std::ostream& out) {
  if (arguments.follow) {
    return Follow(database, query, arguments, out);
  }
  switch (arguments.output) {
    case AuditOutput::kTable:
      return PrintTable(database, query, arguments.terminal, out);
    case AuditOutput::kJson:
      return PrintJson(database, query, out);
    case AuditOutput::kJsonLines:
      return PrintJsonLines(database, query, out);
    case AuditOutput::kCsv:
      return PrintCsv(database, query, out);
  }
  return {};
}

}  // namespace

bool WaitForRecords() {
  std::this_thread::sleep_for(kPollInterval);
  return true;
}

int RunAuditCommand(const AuditArguments& arguments, std::ostream& out, std::ostream& err) {
  const auto run = [&]() -> base::Result<void> {
    const auto query = QueryOf(arguments);
    if (!query) {
      return tl::unexpected(query.error());
    }
    const auto database = AuditDatabaseOf(arguments.config, arguments.database);
    if (!database) {
      return tl::unexpected(database.error());
    }
    return Print(*database, *query, arguments, out);
  };
  if (const auto result = run(); !result) {
    err << result.error().ToString() << '\n';
    return kExitError;
  }
  return kExitOk;
}

}  // namespace cli
