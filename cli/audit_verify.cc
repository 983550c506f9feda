#include "cli/audit_verify.h"

#include <fstream>
#include <string_view>
#include <vector>

#include "audit/anchor.h"
#include "audit/verify.h"
#include "base/hex.h"
#include "base/result.h"
#include "base/text.h"
#include "cli/audit_database.h"
#include "cli/config.h"

namespace cli {
namespace {

constexpr std::size_t kMaxShown = 256;  // bytes of a text from the log or from the collected output
constexpr std::int64_t kMaxShownLogs = 5;

std::string Shown(std::string_view text) { return base::Printable(text, kMaxShown); }

std::string Counted(std::int64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

base::Result<audit::Anchors> ReadAnchorsOf(const std::string& name, const std::string& log, std::istream& in) {
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) {
      return base::Fail(base::ErrorCode::kNotFound, "--anchors " + name + ": cannot be opened",
                        "give a file with the collected standard output of serve, or - for standard input");
    }
  }
  auto read = audit::ReadAnchors(name == "-" ? in : file, log);
  if (!read) {
    return base::Fail(read.error().code, "--anchors " + name + ": " + read.error().message, read.error().remedy);
  }
  return read;
}

std::string BreakText(const audit::Verification::Break& broken) {
  std::string text = broken.from == broken.to ? "record " + std::to_string(broken.to)
                                              : "records " + std::to_string(broken.from) + " to " + std::to_string(broken.to);
  if (!broken.time.empty()) {
    text += broken.from == broken.to ? " (" : " (the last: ";
    text += broken.time + ", uid " + Shown(broken.uid) + ")";
  }
  return text + ": " + Shown(broken.what);
}

// The logs that other anchors are of; those of `replica` alone unless it is "".
std::string OtherLogs(const audit::Anchors& anchors, const std::string& replica) {
  std::string text;
  std::int64_t count = 0;
  for (const auto& [log, anchor] : anchors.other_logs) {
    if (!replica.empty() && anchor.replica != replica) {
      continue;
    }
    if (++count > kMaxShownLogs) {
      continue;
    }
    text += (text.empty() ? "" : ", ") + Shown(log) + " (replica " + Shown(anchor.replica) + ", up to record " +
            std::to_string(anchor.sequence) + " at " + Shown(anchor.time) + ")";
  }
  return count > kMaxShownLogs ? text + ", and " + Counted(count - kMaxShownLogs, "other") : text;
}

// What was found, and the verdict.
int Print(const audit::Verification& found, const std::string& database, const std::string& log, bool with_anchors, std::ostream& out) {
  out << "log " << base::ToHex(log) << " in " << database << ": " << Counted(found.records, "record") << " stored, " << found.deleted
      << " deleted by retention\n";
  if (found.older > 0) {
    out << "not covered: " << Counted(found.older, "record") << " from before record " << found.first
        << ", where the chain begins (they were written by an older version)\n";
  }
  if (found.broken) {
    out << "broken: " << BreakText(*found.broken) << '\n';
    return kExitBroken;
  }
  if (!with_anchors) {
    out << "consistent: whoever can write to the database could have made it so; --anchors FILE shows whether it is whole\n";
    return kExitOk;
  }
  if (found.unproven_in_front > 0) {
    out << "consistent: " << Counted(found.unproven_in_front, "record")
        << " before a gap in what retention left have no anchor of their own, so that nothing is proven of them\n";
  }
  if (!found.deletions_known && found.deleted > 0) {
    out << "consistent: that retention deleted the others: the last anchor is of an older version and does not say how many\n";
  }
  if (!found.deletions_known && found.deleted > 0 && found.proven == 0) {
    return kExitOk;  // nothing is left that could be whole
  }
  out << "whole: " << Counted(found.proven, "record") << " up to record " << found.proven_to << ", by " << Counted(found.anchors, "anchor")
      << ", the last of " << Shown(found.proven_time) << '\n';
  if (found.unproven_at_end > 0) {
    out << "consistent: " << Counted(found.unproven_at_end, "record") << " after that, which no anchor names yet\n";
  }
  return kExitOk;
}

// Where records are that this says nothing of; "" where there are none.
std::string NotCovered(const std::string& config) {
  if (config.empty()) {
    return {};
  }
  const auto loaded = LoadConfig(config);
  if (!loaded || !loaded->audit.postgresql) {
    return {};
  }
  const audit::postgresql::Server& server = loaded->audit.postgresql->server;
  return Describe(server) + ", database " + server.database;
}

base::Result<int> Run(const AuditVerifyArguments& arguments, const Streams& streams) {
  const auto database = AuditDatabaseOf(arguments.config, arguments.database);
  if (!database) {
    return tl::unexpected(database.error());
  }
  const auto log = audit::LogName(*database);
  if (!log) {
    return tl::unexpected(log.error());
  }
  const bool with_anchors = !arguments.anchors.empty();
  audit::Anchors anchors;
  if (with_anchors) {
    auto read = ReadAnchorsOf(arguments.anchors, *log, streams.in);
    if (!read) {
      return tl::unexpected(read.error());
    }
    anchors = *std::move(read);
    if (anchors.unreadable > 0) {
      streams.err << "--anchors " << arguments.anchors << ": " << Counted(anchors.unreadable, "anchor") << " cannot be read\n";
    }
  }
  const auto found = audit::Verify(*database, anchors.anchors);
  if (!found) {
    return tl::unexpected(found.error());
  }
  const bool compared = found->anchors > 0 || found->broken;
  if (with_anchors && !compared) {
    const std::string others = anchors.other_logs.empty() ? "" : "; there are anchors of " + OtherLogs(anchors, "");
    return base::Fail(
        base::ErrorCode::kNotFound,
        "--anchors " + arguments.anchors + ": none can be compared with log " + base::ToHex(*log) + " in " + *database + others,
        "give the standard output of the serve that writes this database; if it is that, the database was replaced");
  }
  if (const std::string other = NotCovered(arguments.config); !other.empty()) {
    streams.out << "this replica's own log alone: the records in " << Shown(other)
                << " are not covered (docs/postgresql.md, \"Tampering\")\n";
  }
  const int exit = Print(*found, *database, *log, with_anchors, streams.out);
  const std::string others = anchors.anchors.empty() ? "" : OtherLogs(anchors, anchors.anchors.back().replica);
  if (!others.empty()) {
    streams.out << "not this log: the same replica has anchors of " << others
                << "; so it is after a damaged database was set aside, and when one was replaced\n";
  }
  return exit;
}

}  // namespace

int RunAuditVerify(const AuditVerifyArguments& arguments, const Streams& streams) {
  const auto exit = Run(arguments, streams);
  if (!exit) {
    streams.err << exit.error().ToString() << '\n';
    return kExitError;
  }
  return *exit;
}

}  // namespace cli
