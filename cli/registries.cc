#include "cli/registries.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/finding_text.h"
#include "cli/remedy.h"
#include "policy/registry.h"
#include "policy/verdict.h"

namespace cli {
namespace {

using SharedFacts = std::shared_ptr<const policy::RegistryFacts>;

constexpr std::size_t kMaxText = 1024;  // of one value in a table

nlohmann::json FindingRow(const policy::Finding& finding, const policy::Registry& registry) {
  nlohmann::json row = {{"requirement", finding.requirement},         {"definitionId", base::TextOrNull(finding.definition_id)},
                        {"result", policy::ToString(finding.result)}, {"effect", policy::ToString(finding.effect)},
                        {"evidence", EvidenceRows(finding.evidence)}, {"remedy", base::TextOrNull(RemedyCommand(finding, registry))}};
  row["azure"] = finding.azure ? nlohmann::json{{"state", policy::ToString(finding.azure->state)},
                                                {"time", base::FormatTimeSeconds(finding.azure->time)}}
                               : nlohmann::json();
  if (finding.result == policy::FindingResult::kUnknown) {
    row["reason"] = finding.reason;
  }
  return row;
}

nlohmann::json Row(const policy::RegistryFacts& facts) {
  nlohmann::json findings = nlohmann::json::array();
  for (const policy::Finding& finding : facts.verdict) {
    findings.push_back(FindingRow(finding, facts.registry));
  }
  return {{"loginServer", facts.registry.login_server},
          {"name", facts.registry.name},
          {"resourceId", facts.registry.resource_id},
          {"observed", base::FormatTimeSeconds(facts.observed())},
          {"verdict", policy::ToString(policy::WorstOf(facts.verdict))},
          {"findings", std::move(findings)}};
}

std::string Shown(std::string_view text) { return base::Printable(text, kMaxText); }

void WriteFinding(const policy::Finding& finding, const policy::Registry& registry, base::Time now, const Terminal& terminal,
                  std::ostream& out) {
  out << "  " << finding.requirement << ": " << Styled(terminal, StyleOf(finding.result), policy::ToString(finding.result)) << " ("
      << policy::ToString(finding.effect) << ")";
  if (const std::string reason = ReasonText(finding); !reason.empty()) {
    out << ": " << reason;
  }
  out << '\n';
  if (const std::string remedy = RemedyCommand(finding, registry); !remedy.empty()) {
    out << "    " << Styled(terminal, Style::kFaint, Shown(remedy)) << '\n';
  }
  if (finding.azure) {
    const bool disagrees = policy::DisagreesWithAzure(finding);
    out << "    "
        << Styled(terminal, disagrees ? Style::kWarning : Style::kFaint,
                  "Azure Policy says " + std::string(policy::ToString(finding.azure->state)) + ", " +
                      base::FormatAge(now - finding.azure->time) + " ago" + (disagrees ? ": they disagree" : ""))
        << '\n';
  }
}

void WriteTable(const std::vector<SharedFacts>& registries, base::Time now, const Terminal& terminal, std::ostream& out) {
  if (registries.empty()) {
    out << "no registries\n";
  }
  for (const SharedFacts& facts : registries) {
    const policy::FindingResult worst = policy::WorstOf(facts->verdict);
    const policy::Registry& registry = facts->registry;
    out << Styled(terminal, Style::kHeading, Shown(registry.login_server)) << "  "
        << Styled(terminal, StyleOf(worst), policy::ToString(worst)) << "  "
        << Styled(terminal, Style::kFaint, "observed " + base::FormatAge(now - facts->observed()) + " ago") << '\n';
    for (const policy::Finding& finding : facts->verdict) {
      if (finding.result != policy::FindingResult::kCompliant || policy::DisagreesWithAzure(finding)) {
        WriteFinding(finding, registry, now, terminal, out);
      }
    }
  }
}

}  // namespace

bool IsNamed(const policy::Registry& registry, std::string_view name) {
  return base::EqualsIgnoreAsciiCase(registry.login_server, name) || base::EqualsIgnoreAsciiCase(registry.name, name);
}

std::string NoSuchRegistry(std::string_view name) { return "no registry in the inventory is called " + Shown(name); }

int RunRegistries(const RegistriesArguments& arguments, const Streams& streams, const base::Clock& clock,
                  const azure::Environment& environment) {
  const auto state = LoadInputs(arguments.inputs, streams, clock, environment);
  if (!state) {
    streams.err << base::ToString(state.error()) << '\n';
    return kExitError;
  }
  if (!(*state)->primed) {
    streams.err << kNoInventoryNote;
  }
  std::vector<SharedFacts> registries = (*state)->facts.Sorted();
  if (!arguments.names.empty()) {
    for (const std::string& name : arguments.names) {
      if (std::none_of(registries.begin(), registries.end(), [&](const SharedFacts& facts) { return IsNamed(facts->registry, name); })) {
        streams.err << NoSuchRegistry(name) << '\n';
      }
    }
    std::erase_if(registries, [&](const SharedFacts& facts) {
      return std::none_of(arguments.names.begin(), arguments.names.end(),
                          [&](const std::string& name) { return IsNamed(facts->registry, name); });
    });
  }
  if (arguments.output == OutputFormat::kTable) {
    WriteTable(registries, clock.Now(), streams.terminal, streams.out);
    return kExitOk;
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const SharedFacts& facts : registries) {
    rows.push_back(Row(*facts));
  }
  streams.out << base::DumpJson(rows, 2) << '\n';
  return kExitOk;
}

}  // namespace cli
