#include "cli/definitions_explain.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "cli/finding_text.h"
#include "cli/inputs.h"
#include "cli/registries.h"
#include "policy/definition.h"
#include "policy/definition_effect.h"
#include "policy/definition_parameters.h"
#include "policy/definition_trace.h"
#include "policy/initiative.h"
#include "policy/registry.h"
#include "state/definitions_folder.h"

namespace cli {
namespace {

using nlohmann::json;
using policy::Outcome;
using policy::RuleTrace;

constexpr std::size_t kMaxText = 1024;                               // of one value in a table
constexpr std::size_t kMaxInventoryBytes = std::size_t{256} << 20U;  // as of serve's inventory

std::string Shown(std::string_view text) { return base::Printable(text, kMaxText); }

// A definition with parameters: the one that is asked about, or one of the initiative's.
struct Subject {
  std::string name;  // an initiative's reference id
  std::shared_ptr<const policy::Definition> definition;
  json parameters;
};

struct Subjects {
  std::vector<Subject> subjects;
  std::vector<std::string> notes;     // what of an initiative is not looked at, and why
  std::vector<std::string> problems;  // each a message
};

// "NAME=VALUE" and JSON objects, one object. A value is taken as JSON, but where the parameter is a text.
base::Result<json> GivenParameters(const std::vector<std::string>& words, const std::vector<policy::ParameterDefinition>& parameters) {
  json given = json::object();
  for (const std::string& word : words) {
    if (word.starts_with('{')) {
      base::Result<json> object = base::ParseJson(word, "--parameters");
      if (!object) {
        return object;
      }
      given.update(*object);
      continue;
    }
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return base::Fail(base::ErrorCode::kInvalidArgument, "--parameters " + Shown(word) + ": expected NAME=VALUE or a JSON object");
    }
    const std::string name = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    const auto declared =
        std::ranges::find_if(parameters, [&](const policy::ParameterDefinition& p) { return base::EqualsIgnoreAsciiCase(p.name, name); });
    if (declared == parameters.end() || declared->type == "String" || declared->type == "DateTime") {
      given[name] = value;
      continue;
    }
    base::Result<json> read = base::ParseJson(value, "--parameters " + Shown(name));
    if (!read) {
      return read;
    }
    given[name] = *std::move(read);
  }
  return given;
}

Subjects OfDefinition(std::string_view text, const DefinitionsTestArguments& arguments, const std::string& name) {
  Subjects read;
  auto definition = policy::ParseDefinition(text, arguments.file, name);
  if (!definition) {
    read.problems.push_back(definition.error().ToString());
    return read;
  }
  const auto given = GivenParameters(arguments.parameters, (*definition)->parameters);
  if (!given) {
    read.problems.push_back(given.error().ToString());
    return read;
  }
  auto bound = policy::BindToJudge(**definition, *given);
  if (!bound) {
    read.problems = std::move(bound.error());
    return read;
  }
  read.subjects.push_back({name, *std::move(definition), *std::move(bound)});
  return read;
}

Subjects OfInitiative(std::string_view text, const DefinitionsTestArguments& arguments, const std::string& name) {
  Subjects read;
  const auto initiative = policy::ParseInitiative(text, arguments.file, name);
  if (!initiative) {
    read.problems.push_back(initiative.error().ToString());
    return read;
  }
  const DefinitionInputs inputs =
      LoadDefinitionInputs({.policy = {}, .registries = {}, .config = {}, .definitions = arguments.definitions});
  if (!inputs.problems.empty()) {
    read.problems.push_back(base::ToString(inputs.problems));
  }
  std::vector<policy::ParameterDefinition> parameters = (*initiative)->parameters;
  for (policy::ParameterDefinition& parameter : parameters) {
    parameter.used = false;  // what its definitions here need is said by them
  }
  const auto given = GivenParameters(arguments.parameters, parameters);
  if (!given) {
    read.problems.push_back(given.error().ToString());
    return read;
  }
  const auto bound = policy::BindParameters(name, parameters, *given);
  if (!bound) {
    read.problems.insert(read.problems.end(), bound.error().begin(), bound.error().end());
    return read;
  }
  policy::InitiativeUse use{*initiative, name};
  for (const policy::InitiativeMember& member : (*initiative)->members) {
    const auto definition = policy::FindMemberDefinition(inputs.definitions, member);
    if (!definition) {
      use.not_loaded.push_back(member.reference_id);
      continue;
    }
    const auto mapped = policy::MemberParameters(**initiative, member, *bound);
    if (!mapped) {
      read.problems.push_back(member.reference_id + ": " + mapped.error());
      continue;
    }
    auto own = policy::BindParameters(*definition, *mapped);
    if (!own) {
      for (const std::string& problem : own.error()) {
        read.problems.push_back(member.reference_id + ": " + problem);
      }
    } else if (policy::IsSwitchedOff(*definition, *own)) {
      use.switched_off.push_back(member.reference_id);
    } else if (!policy::WhyItJudgesNothing(*definition, *own).empty()) {
      use.judging_nothing.push_back(member.reference_id);
    } else {
      use.required.push_back(member.reference_id);
      read.subjects.push_back({member.reference_id, definition, *std::move(own)});
    }
  }
  read.notes.push_back(policy::Describe(use));
  return read;
}

json TraceRow(const RuleTrace& trace) {
  json row = {{"kind", policy::ToString(trace.kind)}, {"outcome", policy::ToString(trace.outcome)}, {"note", base::TextOrNull(trace.note)}};
  if (trace.kind == RuleTrace::Kind::kCondition) {
    row["subject"] = trace.subject;
    row["actual"] = JsonOrText(trace.actual);
    row["comparison"] = trace.comparison;
    row["expected"] = JsonOrText(trace.expected);
    row["matched"] = json::array();
    for (const std::string& element : trace.matched) {
      row["matched"].push_back(JsonOrText(element));
    }
    return row;
  }
  row["members"] = json::array();
  for (const RuleTrace& member : trace.members) {
    row["members"].push_back(TraceRow(member));
  }
  row["leftOut"] = trace.left_out;
  return row;
}

json ExistenceRow(const policy::ExistenceTrace& trace) {
  json related = json::array();
  for (std::size_t i = 0; i < trace.names.size(); ++i) {
    related.push_back({{"resource", trace.names[i]}, {"condition", trace.has_condition ? TraceRow(trace.conditions[i]) : json()}});
  }
  return {{"subject", trace.subject},
          {"outcome", policy::ToString(trace.outcome)},
          {"note", base::TextOrNull(trace.note)},
          {"related", std::move(related)},
          {"leftOut", trace.left_out}};
}

json TraceRows(const policy::RegistryTrace& trace) {
  json rows = json::array();
  for (const policy::ResourceTrace& resource : trace.resources) {
    rows.push_back({{"resource", base::TextOrNull(resource.name)},
                    {"rule", TraceRow(resource.rule)},
                    {"existence", resource.existence ? ExistenceRow(*resource.existence) : json()}});
  }
  return rows;
}

Style StyleOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kTrue:
      return Style::kBad;  // where all of the rule is so, the registry is non-compliant
    case Outcome::kFalse:
      return Style::kGood;
    case Outcome::kFailed:
    case Outcome::kUnknown:
      return Style::kWarning;
  }
  return Style::kPlain;
}

void WriteTrace(const RuleTrace& trace, std::size_t depth, const Terminal& terminal, std::ostream& out) {
  constexpr std::size_t kWidest = std::string_view("unknown").size();
  const std::string_view outcome = policy::ToString(trace.outcome);
  out << std::string(2 * depth, ' ') << Styled(terminal, StyleOf(trace.outcome), outcome) << std::string(kWidest - outcome.size() + 1, ' ');
  if (trace.kind == RuleTrace::Kind::kCondition) {
    out << Shown(trace.subject) << ' ' << trace.comparison << ' ' << Shown(trace.expected);
    if (!trace.actual.empty()) {
      out << "; it is " << Shown(trace.actual);
    }
    for (std::size_t i = 0; i < trace.matched.size(); ++i) {
      out << (i == 0 ? ": " : ", ") << Shown(trace.matched[i]);
    }
  } else {
    out << policy::ToString(trace.kind);
  }
  if (!trace.note.empty()) {
    out << Styled(terminal, Style::kFaint, " (" + Shown(trace.note) + ")");
  }
  out << '\n';
  for (const RuleTrace& member : trace.members) {
    WriteTrace(member, depth + 1, terminal, out);
  }
  if (trace.left_out > 0) {
    out << std::string(2 * depth + 2, ' ') << trace.left_out << " more\n";
  }
}

// What a resource for which the rule is true has to have beside it.
void WriteExistence(const policy::ExistenceTrace& trace, std::size_t depth, const Terminal& terminal, std::ostream& out) {
  const std::string indent(2 * depth, ' ');
  out << indent << "unless there is: " << Shown(trace.subject) << (trace.has_condition ? " for which" : "") << ": "
      << policy::ToString(trace.outcome) << (trace.note.empty() ? "" : " (" + Shown(trace.note) + ")") << '\n';
  for (std::size_t i = 0; i < trace.names.size(); ++i) {
    out << indent << "  " << Shown(trace.names[i]) << '\n';
    if (trace.has_condition) {
      WriteTrace(trace.conditions[i], depth + 2, terminal, out);
    }
  }
  if (trace.left_out > 0) {
    out << indent << "  and " << trace.left_out << " more\n";
  }
}

void WriteTrace(const policy::RegistryTrace& trace, const Terminal& terminal, std::ostream& out) {
  for (const policy::ResourceTrace& resource : trace.resources) {
    if (!resource.name.empty()) {
      out << "  " << Shown(resource.name) << '\n';
    }
    const std::size_t depth = resource.name.empty() ? 1 : 2;
    WriteTrace(resource.rule, depth, terminal, out);
    if (resource.existence) {
      WriteExistence(*resource.existence, depth, terminal, out);
    }
  }
  if (trace.left_out > 0) {
    out << "  and " << trace.left_out << " resources more\n";
  }
}

base::Result<std::vector<policy::Registry>> ReadInventory(const DefinitionsTestArguments& arguments, const Streams& streams,
                                                          base::Time now) {
  const auto text = ReadFileOrStandardInput(arguments.registries, streams.in, kMaxInventoryBytes);
  if (!text) {
    return tl::unexpected(text.error());
  }
  auto registries = policy::ReadRegistries(*text, arguments.registries, now);
  if (registries) {
    std::ranges::sort(*registries, {}, &policy::Registry::login_server);
  }
  return registries;
}

}  // namespace

int RunDefinitionsTest(const DefinitionsTestArguments& arguments, const Streams& streams, const base::Clock& clock) {
  const auto fail = [&](const std::string& message) {
    streams.err << message << '\n';
    return kExitError;
  };
  if (arguments.file == "-" && arguments.registries == "-") {
    return fail("standard input cannot be both the definition and the registries");
  }
  const auto text = ReadFileOrStandardInput(arguments.file, streams.in, state::kMaxDefinitionBytes);
  if (!text) {
    return fail(text.error().ToString());
  }
  const std::string name = arguments.file == "-" ? arguments.file : std::filesystem::path(arguments.file).stem().string();
  const Subjects read = policy::IsInitiative(*text) ? OfInitiative(*text, arguments, name) : OfDefinition(*text, arguments, name);
  int exit = kExitOk;
  for (const std::string& problem : read.problems) {
    exit = fail(problem);
  }
  for (const std::string& note : read.notes) {
    streams.err << note << '\n';
  }
  if (read.subjects.empty()) {
    return kExitError;
  }
  auto registries = ReadInventory(arguments, streams, clock.Now());
  if (!registries) {
    return fail(registries.error().ToString());
  }
  for (const std::string& wanted : arguments.names) {
    if (std::ranges::none_of(*registries, [&](const policy::Registry& registry) { return IsNamed(registry, wanted); })) {
      streams.err << NoSuchRegistry(wanted) << '\n';
    }
  }
  json rows = json::array();
  for (const policy::Registry& registry : *registries) {
    if (!arguments.names.empty() &&
        std::ranges::none_of(arguments.names, [&](const std::string& wanted) { return IsNamed(registry, wanted); })) {
      continue;
    }
    const auto body = base::ParseJson(registry.body.Text(), registry.login_server);
    if (!body) {
      exit = fail(body.error().ToString());
      continue;
    }
    policy::RegistryResources resources(*body, registry.children.get());
    for (const Subject& subject : read.subjects) {
      const policy::Evaluation evaluation = policy::Evaluate(*subject.definition, subject.parameters, resources, clock.Now());
      const policy::RegistryTrace trace = policy::TraceRegistry(*subject.definition, subject.parameters, resources, clock.Now());
      if (arguments.output == OutputFormat::kTable) {
        streams.out << Styled(streams.terminal, Style::kHeading, Shown(registry.login_server)) << "  " << Shown(subject.name) << "  "
                    << Styled(streams.terminal, StyleOf(evaluation.result), policy::ToString(evaluation.result))
                    << (evaluation.reason.empty() ? "" : ": " + Shown(evaluation.reason)) << '\n';
        WriteTrace(trace, streams.terminal, streams.out);
        continue;
      }
      rows.push_back({{"loginServer", registry.login_server},
                      {"name", registry.name},
                      {"resourceId", registry.resource_id},
                      {"definition", subject.name},
                      {"definitionId", base::TextOrNull(subject.definition->id)},
                      {"parameters", subject.parameters},
                      {"result", policy::ToString(evaluation.result)},
                      {"reason", base::TextOrNull(evaluation.reason)},
                      {"evidence", EvidenceRows(evaluation.evidence)},
                      {"resources", TraceRows(trace)},
                      {"leftOut", trace.left_out}});
    }
  }
  if (arguments.output == OutputFormat::kJson) {
    streams.out << base::DumpJson(rows, 2) << '\n';
  }
  return exit;
}

}  // namespace cli
