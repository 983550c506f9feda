#include "cli/audit_replay.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/reader.h"
#include "audit/recorded_admission.h"
#include "audit/replay.h"
#include "audit/replay_totals.h"
#include "audit/verdict_record.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/audit_filter.h"
#include "cli/audit_outcome.h"
#include "cli/audit_source.h"
#include "cli/local_time.h"
#include "cli/numbers.h"
#include "cli/record_lines.h"
#include "cli/table.h"

namespace cli {
namespace {

using audit::Certainty;
using audit::ReplayChanges;
using audit::ReplayTotals;
using policy::DecisionKind;

constexpr const char* kDefaultSince = "7d";
constexpr std::size_t kShownRows = 20;  // of each table: nobody reads more, and -o json has all
constexpr std::size_t kMaxShown = 256;  // bytes of a text from a log

constexpr const char* kNoneAllowedNote =
    "note: no allowed admission is on record in this time. With `audit.record: denied` none is kept, and what would newly be denied "
    "cannot be seen\n";

std::string Shown(std::string_view text) { return base::Printable(text, kMaxShown); }

// Everything that was read.
struct Outcome {
  audit::Filter filter;
  ReplayTotals totals;
  std::int64_t unreadable = 0;                    // records
  std::map<std::string, std::string> incomplete;  // by replica: why it did not answer
};

base::Result<audit::Filter> FilterOf(const AuditReplayArguments& arguments, base::Time now) {
  audit::Filter filter;
  const auto since = ParseTimeOfPerson("--since", arguments.since.empty() ? kDefaultSince : arguments.since, now);
  if (!since) {
    return tl::unexpected(since.error());
  }
  // An end, so that a log to which somebody writes has one.
  const auto until = arguments.until.empty() ? base::Result<base::Time>(now) : ParseTimeOfPerson("--until", arguments.until, now);
  if (!until) {
    return tl::unexpected(until.error());
  }
  filter.since = *since;
  filter.until = *until;
  filter.namespace_name = arguments.namespace_name;
  filter.cluster = ClusterOf(arguments.cluster);
  return filter;
}

// As a Reader compares it.
bool Matches(std::string_view pattern, std::string_view text) {
  if (pattern.ends_with('*')) {
    return text.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  return pattern.empty() || pattern == text;
}

// Replays record by record.
class Replay {
 public:
  Replay(const state::State& state, bool with_facts, Outcome& outcome) : state_(state), with_facts_(with_facts), outcome_(outcome) {}

  void Take(std::string_view record) {
    if (audit::IsVerdictChange(record)) {
      return;  // nothing was decided
    }
    const auto recorded = audit::ReadRecord(record);
    if (!recorded) {
      ++outcome_.unreadable;
      return;
    }
    const audit::Filter& filter = outcome_.filter;
    if (recorded->time >= *filter.since && recorded->time < *filter.until &&
        Matches(filter.namespace_name, recorded->admission.namespace_name) &&
        (filter.cluster.empty() || filter.cluster == recorded->cluster)) {
      outcome_.totals.Add(*recorded, audit::Replay(*recorded, *state_.policy, with_facts_ ? &state_.facts : nullptr));
    }
  }

 private:
  const state::State& state_;
  const bool with_facts_;
  Outcome& outcome_;
};

base::Result<void> ReplayLines(const std::string& name, std::istream& standard_input, Replay& replay) {
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) {
      return base::Fail(base::ErrorCode::kNotFound, "--records " + name + ": cannot be opened",
                        "give a file with the collected standard output of serve, or - for standard input");
    }
  }
  return ForEachRecordLine(name == "-" ? standard_input : file, [&](std::string_view line) { replay.Take(line); });
}

base::Result<void> ReplayLog(audit::Reader& log, Replay& replay, Outcome& outcome) {
  audit::Query query{.filter = outcome.filter, .order = audit::Order::kOldestFirst, .cursor = {}, .limit = audit::kMaxPageRows};
  while (true) {
    auto page = log.Read(query);
    if (!page) {
      return tl::unexpected(page.error());
    }
    for (const audit::Incomplete& incomplete : page->incomplete) {
      outcome.incomplete.emplace(incomplete.replica, incomplete.reason);
    }
    if (page->rows.empty()) {
      return {};
    }
    for (const audit::Row& row : page->rows) {
      replay.Take(row.record);
    }
    query.cursor = std::move(page->next);
  }
}

std::string HeadLine(const Outcome& outcome) {
  const ReplayTotals& totals = outcome.totals;
  const ReplayChanges& changes = totals.changes();
  std::string text = Grouped(totals.admissions()) + (totals.admissions() == 1 ? " admission" : " admissions") + " since " +
                     base::FormatTimeSeconds(*outcome.filter.since) +
                     (outcome.filter.cluster.empty() ? "" : " in cluster " + Shown(outcome.filter.cluster)) + ": " +
                     Grouped(totals.same()) + " the same";
  const auto add = [&](std::int64_t count, const std::string& what) {
    if (count > 0) {
      text += ", " + Grouped(count) + " " + what;
    }
  };
  add(changes.denied, "would be denied that were not");
  add(changes.warned, "would be warned about that were allowed");
  add(changes.no_longer_denied, "would no longer be denied");
  add(changes.no_longer_warned, "would no longer be warned about");
  add(changes.untold,
      "cannot be told" + (totals.perhaps_denied() > 0 ? " (" + Grouped(totals.perhaps_denied()) + " of them might be denied that were not)"
                                                      : std::string()));
  if (totals.estimated() > 0) {
    text += "; " + Grouped(totals.estimated()) + " of all are not exact, but by what is known of the registries now";
  }
  if (outcome.unreadable > 0) {
    text += "; " + Grouped(outcome.unreadable) + (outcome.unreadable == 1 ? " record" : " records") + " cannot be read";
  }
  return text;
}

std::vector<Cell> ChangeCells(const ReplayChanges& changes) {
  const auto cell = [](std::int64_t count, Style style) { return Cell{Grouped(count), count > 0 ? style : Style::kFaint}; };
  return {cell(changes.denied, Style::kBad), cell(changes.untold, Style::kWarning), cell(changes.warned, Style::kWarning),
          cell(changes.no_longer_denied, Style::kGood), cell(changes.no_longer_warned, Style::kGood)};
}

// `all` rows there are; the table has the first of them.
void PrintTable(const std::vector<std::string>& headings, const std::vector<std::vector<Cell>>& rows, std::size_t all,
                const Streams& streams) {
  streams.out << '\n' << FormatTable(headings, rows, streams.terminal);
  if (rows.size() < all) {
    streams.out << "… and " << Grouped(static_cast<std::int64_t>(all - rows.size())) << " more; -o json has all\n";
  }
}

void PrintValues(const std::string& heading, const std::vector<ReplayTotals::Value>& values, const Streams& streams) {
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < std::min(values.size(), kShownRows); ++i) {
    std::vector<Cell> row = ChangeCells(values[i].changes);
    row.insert(row.begin(), Cell{values[i].value.empty() ? "(none)" : values[i].value});
    rows.push_back(std::move(row));
  }
  PrintTable({heading, "DENIED", "NOT TOLD", "WARNED", "NO LONGER DENIED", "NO LONGER WARNED"}, rows, values.size(), streams);
}

Cell AfterCell(const ReplayTotals::Group& group) {
  const Style style = group.after == DecisionKind::kDenied   ? Style::kBad
                      : group.after == DecisionKind::kWarned ? Style::kWarning
                                                             : Style::kGood;
  std::string text(policy::ToString(group.after));
  text += group.certainty == Certainty::kUntold ? "?" : group.certainty == Certainty::kEstimated ? " (now)" : "";
  return {std::move(text), style};
}

void PrintGroups(const std::vector<ReplayTotals::Group>& groups, const Streams& streams) {
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < std::min(groups.size(), kShownRows); ++i) {
    const ReplayTotals::Group& group = groups[i];
    rows.push_back({{group.namespace_name},
                    {group.workload},
                    {group.registry.empty() ? "(none)" : group.registry},
                    {group.requirement},
                    {std::string(policy::ToString(group.before))},
                    AfterCell(group),
                    {Grouped(group.count)}});
  }
  PrintTable({"NAMESPACE", "WORKLOAD", "REGISTRY", "REQUIREMENT", "WAS", "WOULD BE", "ADMISSIONS"}, rows, groups.size(), streams);
}

void PrintTables(const Outcome& outcome, const Streams& streams) {
  streams.out << HeadLine(outcome) << '\n';
  const ReplayTotals& totals = outcome.totals;
  if (totals.changes().sum() > 0) {
    PrintValues("REGISTRY", totals.ByRegistry(), streams);
    PrintValues("NAMESPACE", totals.ByNamespace(), streams);
    PrintGroups(totals.Groups(), streams);
  }
  const auto missing = totals.WhatIsMissing();
  if (missing.empty()) {
    return;
  }
  streams.out << "\nNot exact, because\n";
  for (std::size_t i = 0; i < std::min(missing.size(), kShownRows); ++i) {
    streams.out << "  " << Shown(missing[i].what) << " (" << Grouped(missing[i].count)
                << (missing[i].count == 1 ? " admission)\n" : " admissions)\n");
  }
}

nlohmann::ordered_json ChangesJson(const ReplayChanges& changes) {
  return {{"denied", changes.denied},
          {"warned", changes.warned},
          {"noLongerDenied", changes.no_longer_denied},
          {"noLongerWarned", changes.no_longer_warned},
          {"untold", changes.untold}};
}

nlohmann::ordered_json ValuesJson(const std::vector<ReplayTotals::Value>& values) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const ReplayTotals::Value& value : values) {
    nlohmann::ordered_json row = {{"value", value.value}};
    row.update(ChangesJson(value.changes));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string_view ToString(Certainty certainty) {
  return certainty == Certainty::kExact ? "Exact" : certainty == Certainty::kEstimated ? "Estimated" : "Untold";
}

void PrintJson(const Outcome& outcome, const policy::Policy& policy, std::ostream& out) {
  using Json = nlohmann::ordered_json;
  const ReplayTotals& totals = outcome.totals;
  Json groups = Json::array();
  for (const ReplayTotals::Group& group : totals.Groups()) {
    groups.push_back({{"namespace", group.namespace_name},
                      {"workload", group.workload},
                      {"registry", group.registry},
                      {"requirement", group.requirement},
                      {"before", policy::ToString(group.before)},
                      {"after", policy::ToString(group.after)},
                      {"certainty", ToString(group.certainty)},
                      {"count", group.count},
                      {"lastTime", base::FormatTime(group.last)},
                      {"lastUid", group.last_uid}});
  }
  Json missing = Json::array();
  for (const ReplayTotals::Missing& what : totals.WhatIsMissing()) {
    missing.push_back({{"what", what.what}, {"count", what.count}});
  }
  Json incomplete = Json::array();
  for (const auto& [replica, reason] : outcome.incomplete) {
    incomplete.push_back({{"replica", replica}, {"reason", reason}});
  }
  const Json object = {{"since", base::FormatTimeSeconds(*outcome.filter.since)},
                       {"until", base::FormatTimeSeconds(*outcome.filter.until)},
                       {"policy", policy.digest},
                       {"admissions", totals.admissions()},
                       {"same", totals.same()},
                       {"changes", ChangesJson(totals.changes())},
                       {"perhapsDenied", totals.perhaps_denied()},
                       {"estimated", totals.estimated()},
                       {"unreadable", outcome.unreadable},
                       {"registries", ValuesJson(totals.ByRegistry())},
                       {"namespaces", ValuesJson(totals.ByNamespace())},
                       {"workloads", std::move(groups)},
                       {"missing", std::move(missing)},
                       {"incomplete", std::move(incomplete)}};
  out << object.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

int ExitOf(const Outcome& outcome) {
  if (outcome.totals.changes().denied > 0 || outcome.totals.perhaps_denied() > 0 || outcome.unreadable > 0) {
    return kExitDenied;
  }
  return outcome.incomplete.empty() ? kExitOk : kExitError;
}

int Fail(const base::Error& error, std::ostream& err) {
  err << error.ToString() << '\n';
  return kExitError;
}

// Reads all records that `read` finds, and prints what comes of them.
template <typename Read>
int ReplayAll(const AuditReplayArguments& arguments, const Streams& streams, const base::Clock& clock,
              const azure::Environment& environment, const Read& read) {
  Outcome outcome;
  auto filter = FilterOf(arguments, clock.Now());
  if (!filter) {
    return Fail(filter.error(), streams.err);
  }
  outcome.filter = *std::move(filter);
  const auto state = LoadInputs(arguments.inputs, streams, clock, environment);
  if (!state) {
    streams.err << base::ToString(state.error()) << '\n';
    return kExitError;
  }
  Replay replay(**state, (*state)->primed, outcome);
  if (const base::Result<void> done = read(replay, outcome); !done) {
    return Fail(done.error(), streams.err);
  }
  for (const auto& [replica, reason] : outcome.incomplete) {
    TellIncomplete({replica, reason}, streams.err);
  }
  if (outcome.totals.admissions() > 0 && outcome.totals.allowed_before() == 0) {
    streams.err << kNoneAllowedNote;
  }
  if (arguments.output == OutputFormat::kJson) {
    PrintJson(outcome, *(*state)->policy, streams.out);
  } else {
    PrintTables(outcome, streams);
  }
  return ExitOf(outcome);
}

}  // namespace

int RunAuditReplay(const AuditReplayArguments& given, const Streams& streams, const base::Clock& clock,
                   const azure::Environment& environment) {
  AuditReplayArguments arguments = given;
  const bool configured = arguments.records.empty() && arguments.database.empty() && !arguments.inputs.config.empty();
  if (configured && arguments.cluster.empty()) {
    const base::Result<std::string> own = ClusterOfPolicy(arguments.inputs.config);
    if (!own) {
      return Fail(own.error(), streams.err);
    }
    arguments.cluster = *own;
  }
  return ReplayAll(arguments, streams, clock, environment, [&](Replay& replay, Outcome& outcome) -> base::Result<void> {
    if (!arguments.records.empty()) {
      return ReplayLines(arguments.records, streams.in, replay);
    }
    const auto log = OpenAuditSource(arguments.database.empty() ? arguments.inputs.config : "", arguments.database);
    return log ? ReplayLog(**log, replay, outcome) : tl::unexpected(log.error());
  });
}

int RunAuditReplay(audit::Reader& log, const AuditReplayArguments& arguments, const Streams& streams, const base::Clock& clock,
                   const azure::Environment& environment) {
  return ReplayAll(arguments, streams, clock, environment,
                   [&](Replay& replay, Outcome& outcome) { return ReplayLog(log, replay, outcome); });
}

}  // namespace cli
