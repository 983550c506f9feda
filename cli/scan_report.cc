#include "cli/scan_report.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cli/finding_text.h"
#include "cli/numbers.h"
#include "cli/remedy.h"
#include "cli/table.h"

namespace cli {
namespace {

using nlohmann::json;
using policy::Effect;
using scan::Outcome;
using scan::Tally;
using scan::Violation;

constexpr std::size_t kShownRows = 20;              // of each table: nobody reads more, and -o json tells them
constexpr std::size_t kShownViolations = 5;         // of a workload
constexpr std::size_t kShownReasons = 20;           // registries and requirements, each told once
constexpr std::size_t kSearchedForReasons = 1'000;  // workloads
constexpr std::size_t kMaxText = 1024;              // of one text
// Of -o json: some 20 MB, where a cluster is as bad as it can be.
constexpr std::size_t kMaxWorkloads = 10'000;
constexpr std::size_t kMaxViolations = 50;  // of a workload
constexpr std::size_t kMaxValues = 10'000;  // of requirements, registries and namespaces each

std::string Shown(std::string_view text) { return base::Printable(text, kMaxText); }
std::string OrNone(const std::string& text) { return text.empty() ? "(none)" : text; }

// What happens to who makes it.
std::string_view WordOf(Effect effect) {
  switch (effect) {
    case Effect::kDeny:
      return "refused";
    case Effect::kWarn:
      return "warned";
    case Effect::kAudit:
      return "audited";
    case Effect::kDisabled:
      break;
  }
  return "let in";
}

Style StyleOf(Effect effect) {
  return effect == Effect::kDeny    ? Style::kBad
         : effect == Effect::kWarn  ? Style::kWarning
         : effect == Effect::kAudit ? Style::kPlain
                                    : Style::kGood;
}

Cell EffectCell(Effect effect) { return {std::string(WordOf(effect)), StyleOf(effect)}; }

Cell CountCell(std::int64_t count, Style style) { return {Grouped(count), count > 0 ? style : Style::kFaint}; }

std::string RemedyOf(const Violation& violation) {
  return violation.facts != nullptr ? RemedyCommand(violation.finding, violation.facts->registry) : violation.finding.remedy;
}

// A workload that is told of: its place in the assessments.
using Place = std::size_t;

// Those with anything wrong, or, in a comparison, those that change: the worst and largest first.
std::vector<Place> Told(const ScanReport& report) {
  const std::vector<Outcome>& all = report.asked.assessment.workloads;
  std::vector<Place> told;
  if (report.before) {
    for (const scan::Change& change : report.comparison.changes) {
      told.push_back(change.workload);
    }
  } else {
    for (Place place = 0; place < all.size(); ++place) {
      if (all[place].effect != Effect::kDisabled) {
        told.push_back(place);
      }
    }
  }
  std::ranges::sort(
      told, [&](Place a, Place b) { return std::tuple(all[b].effect, all[b].pods, a) < std::tuple(all[a].effect, all[a].pods, b); });
  return told;
}

// What is wrong by what is asked about; where a change is for the better, what was wrong before.
scan::Violations ViolationsAt(const ScanReport& report, Place place, std::size_t max) {
  const bool better = report.before && report.before->assessment.workloads[place].effect > report.asked.assessment.workloads[place].effect;
  const ScanSide& side = better ? *report.before : report.asked;
  return scan::ViolationsOf(report.index, side.assessment.workloads[place], side.policy, side.facts, report.time, max);
}

std::string HeadLine(const ScanReport& report) {
  const scan::Assessment& asked = report.asked.assessment;
  const std::string all = Counted(static_cast<std::int64_t>(asked.workloads.size()), "workload", "workloads");
  if (report.before) {
    const scan::Comparison& comparison = report.comparison;
    std::string text = Grouped(comparison.newly_refused) + " of " + all + " would newly be refused, " +
                       Grouped(comparison.no_longer_refused) + " no longer";
    if (comparison.newly_warned + comparison.no_longer_warned > 0) {
      text +=
          "; " + Grouped(comparison.newly_warned) + " would newly be warned about, " + Grouped(comparison.no_longer_warned) + " no longer";
    }
    return text + "; in all " + Grouped(asked.of_workloads.refused) + " would be refused, where it was " +
           Grouped(report.before->assessment.of_workloads.refused);
  }
  std::string text = Grouped(asked.of_workloads.refused) + " of " + all + " would be refused (" + Grouped(asked.of_pods.refused) + " of " +
                     Counted(asked.pods, "pod", "pods") + ")";
  if (asked.of_workloads.warned > 0) {
    text += ", " + Grouped(asked.of_workloads.warned) + " more warned about";
  }
  if (asked.of_workloads.audited > 0) {
    text += ", " + Grouped(asked.of_workloads.audited) + " more audited alone";
  }
  return text;
}

struct Value {
  std::string value;
  Tally asked, before;
};

// The worst first.
std::vector<Value> Values(const ScanReport& report, std::map<std::string, Tally, std::less<>> scan::Assessment::* by) {
  std::map<std::string, Value> all;
  for (const auto& [value, tally] : report.asked.assessment.*by) {
    all[value].asked = tally;
  }
  if (report.before) {
    for (const auto& [value, tally] : report.before->assessment.*by) {
      all[value].before = tally;
    }
  }
  std::vector<Value> values;
  values.reserve(all.size());
  for (auto& [name, value] : all) {
    value.value = name;
    values.push_back(std::move(value));
  }
  const auto weight = [](const Value& value) {
    return std::tuple(value.asked.refused, value.asked.warned, value.asked.audited, value.before.refused, value.before.warned);
  };
  std::ranges::sort(values,
                    [&](const Value& a, const Value& b) { return weight(a) != weight(b) ? weight(a) > weight(b) : a.value < b.value; });
  return values;
}

void WriteMore(std::size_t shown, std::size_t all, std::ostream& out) {
  if (shown < all) {
    out << "… and " << Grouped(static_cast<std::int64_t>(all - shown)) << " more; -o json has them\n";
  }
}

void WriteValues(const std::string& heading, const std::vector<Value>& values, bool compared, const Terminal& terminal, std::ostream& out) {
  if (values.empty()) {
    return;
  }
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < std::min(values.size(), kShownRows); ++i) {
    const Value& value = values[i];
    std::vector<Cell> row = {
        {OrNone(value.value)}, CountCell(value.asked.refused, Style::kBad), CountCell(value.asked.warned, Style::kWarning)};
    if (compared) {
      row.insert(row.begin() + 1, CountCell(value.before.refused, Style::kPlain));
      row.insert(row.begin() + 3, CountCell(value.before.warned, Style::kPlain));
    } else {
      row.push_back(CountCell(value.asked.audited, Style::kPlain));
    }
    rows.push_back(std::move(row));
  }
  const std::vector<std::string> headings = compared ? std::vector<std::string>{heading, "REFUSED BEFORE", "THEN", "WARNED BEFORE", "THEN"}
                                                     : std::vector<std::string>{heading, "REFUSED", "WARNED", "AUDITED"};
  out << '\n' << FormatTable(headings, rows, terminal);
  WriteMore(rows.size(), values.size(), out);
}

void WriteWorkloads(const ScanReport& report, const std::vector<Place>& told, const Terminal& terminal, std::ostream& out) {
  std::vector<std::vector<Cell>> rows;
  std::size_t shown = 0;
  for (; shown < told.size() && rows.size() < kShownRows; ++shown) {
    const Place place = told[shown];
    const Outcome& outcome = report.asked.assessment.workloads[place];
    const scan::Violations found = ViolationsAt(report, place, kShownViolations);
    bool first = true;
    const auto add = [&](const std::string& image, const std::string& requirement) {
      std::vector<Cell> row;
      if (first) {
        row = {{outcome.workload.namespace_name}, {outcome.workload.kind + "/" + outcome.workload.name}, {Grouped(outcome.pods)}};
        if (report.before) {
          row.push_back(EffectCell(report.before->assessment.workloads[place].effect));
        }
        row.push_back(EffectCell(outcome.effect));
      } else {
        row.resize(report.before ? 5 : 4);
      }
      first = false;
      row.push_back({image});
      row.push_back({requirement});
      rows.push_back(std::move(row));
    };
    for (const Violation& violation : found.violations) {
      add(violation.image, violation.finding.requirement);
    }
    if (found.omitted > 0) {
      add("", "and " + Grouped(static_cast<std::int64_t>(found.omitted)) + " more");
    }
  }
  if (rows.empty()) {
    return;
  }
  std::vector<std::string> headings = {"NAMESPACE", "WORKLOAD", "PODS", "WOULD BE", "IMAGE", "REQUIREMENT"};
  if (report.before) {
    headings.insert(headings.begin() + 3, "WAS");
  }
  out << '\n' << FormatTable(headings, rows, terminal);
  WriteMore(shown, told.size(), out);
}

// Of each registry and requirement once why, and what mends it.
void WriteReasons(const ScanReport& report, const std::vector<Place>& told, const Terminal& terminal, std::ostream& out) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  std::string text;
  std::size_t searched = 0;
  for (const Place place : told) {
    if (++searched > kSearchedForReasons) {
      break;
    }
    for (const Violation& violation : ViolationsAt(report, place, kMaxViolations).violations) {
      const std::string reason = ReasonText(violation.finding);
      if (seen.size() >= kShownReasons || !seen.emplace(violation.registry, violation.finding.requirement, reason).second) {
        continue;
      }
      text += "  " + Shown(OrNone(violation.registry)) + ", " + Shown(violation.finding.requirement) + ": " + reason;
      text += violation.expired_exemption.empty() ? "" : " (the exemption " + Shown(violation.expired_exemption) + " has expired)";
      text += '\n';
      if (const std::string remedy = RemedyOf(violation); !remedy.empty()) {
        text += "    " + Styled(terminal, Style::kFaint, Shown(remedy)) + "\n";
      }
    }
  }
  if (!text.empty()) {
    out << '\n' << Styled(terminal, Style::kHeading, "WHY, AND WHAT MENDS IT") << '\n' << text;
  }
}

json TallyJson(const Tally& tally) { return {{"refused", tally.refused}, {"warned", tally.warned}, {"audited", tally.audited}}; }

json ValuesJson(const ScanReport& report, std::map<std::string, Tally, std::less<>> scan::Assessment::* by) {
  json rows = json::array();
  for (const Value& value : Values(report, by)) {
    if (rows.size() == kMaxValues) {
      break;
    }
    json row = TallyJson(value.asked);
    row["value"] = value.value;
    if (report.before) {
      row["before"] = TallyJson(value.before);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

json ViolationJson(const Violation& violation) {
  return {{"image", base::TextOrNull(violation.image)},
          {"container", base::TextOrNull(violation.container)},
          {"field", base::TextOrNull(violation.field)},
          {"registry", base::TextOrNull(violation.registry)},
          {"requirement", violation.finding.requirement},
          {"result", policy::ToString(violation.finding.result)},
          {"effect", policy::ToString(violation.effect)},
          {"evidence", EvidenceRows(violation.finding.evidence)},
          {"reason", base::TextOrNull(violation.finding.reason)},
          {"remedy", base::TextOrNull(RemedyOf(violation))},
          {"expiredExemption", base::TextOrNull(violation.expired_exemption)}};
}

json WorkloadJson(const ScanReport& report, Place place) {
  const Outcome& outcome = report.asked.assessment.workloads[place];
  const scan::Violations found = ViolationsAt(report, place, kMaxViolations);
  json violations = json::array();
  for (const Violation& violation : found.violations) {
    violations.push_back(ViolationJson(violation));
  }
  json row = {{"namespace", outcome.workload.namespace_name},
              {"kind", outcome.workload.kind},
              {"name", outcome.workload.name},
              {"pods", outcome.pods},
              {"effect", policy::ToString(outcome.effect)},
              {"findings", std::move(violations)},
              {"findingsOmitted", found.omitted}};
  if (report.before) {
    row["effectBefore"] = policy::ToString(report.before->assessment.workloads[place].effect);
  }
  return row;
}

}  // namespace

void WriteScanTables(const ScanReport& report, const Terminal& terminal, std::ostream& out) {
  out << HeadLine(report) << '\n';
  const bool compared = report.before.has_value();
  WriteValues("REQUIREMENT", Values(report, &scan::Assessment::by_requirement), compared, terminal, out);
  WriteValues("REGISTRY", Values(report, &scan::Assessment::by_registry), compared, terminal, out);
  WriteValues("NAMESPACE", Values(report, &scan::Assessment::by_namespace), compared, terminal, out);
  const std::vector<Place> told = Told(report);
  WriteWorkloads(report, told, terminal, out);
  WriteReasons(report, told, terminal, out);
}

void WriteScanJson(const ScanReport& report, std::ostream& out) {
  const scan::Assessment& asked = report.asked.assessment;
  json workloads = TallyJson(asked.of_workloads);
  workloads["total"] = asked.workloads.size();
  json pods = TallyJson(asked.of_pods);
  pods["total"] = asked.pods;
  json comparison;
  if (report.before) {
    comparison = {{"policy", report.before->policy.digest},          {"workloads", TallyJson(report.before->assessment.of_workloads)},
                  {"newlyRefused", report.comparison.newly_refused}, {"noLongerRefused", report.comparison.no_longer_refused},
                  {"newlyWarned", report.comparison.newly_warned},   {"noLongerWarned", report.comparison.no_longer_warned}};
  }
  const std::vector<Place> told = Told(report);
  json rows = json::array();
  for (std::size_t i = 0; i < std::min(told.size(), kMaxWorkloads); ++i) {
    rows.push_back(WorkloadJson(report, told[i]));
  }
  const std::size_t omitted = told.size() - rows.size();
  out << base::DumpJson({{"time", base::FormatTimeSeconds(report.time)},
                         {"policy", report.asked.policy.digest},
                         {"workloads", std::move(workloads)},
                         {"pods", std::move(pods)},
                         {"comparedWith", std::move(comparison)},
                         {"requirements", ValuesJson(report, &scan::Assessment::by_requirement)},
                         {"registries", ValuesJson(report, &scan::Assessment::by_registry)},
                         {"namespaces", ValuesJson(report, &scan::Assessment::by_namespace)},
                         {"violations", std::move(rows)},
                         {"violationsOmitted", omitted},
                         {"incomplete", report.incomplete}},
                        2)
      << '\n';
}

}  // namespace cli
