#include "cli/definitions_command.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "policy/definition.h"
#include "policy/initiative.h"
#include "policy/policy.h"

namespace cli {
namespace {

constexpr std::size_t kMaxText = 1024;  // of one value in a table

using SharedDefinition = std::shared_ptr<const policy::Definition>;

std::string Shown(std::string_view text) { return base::Printable(text, kMaxText); }

bool IsBuiltIn(const SharedDefinition& definition) {
  return std::ranges::find(policy::BuiltInDefinitions(), definition) != policy::BuiltInDefinitions().end();
}

// By short name.
std::vector<SharedDefinition> Sorted(const policy::DefinitionSet& set) {
  std::vector<SharedDefinition> definitions = set.definitions();
  std::ranges::sort(definitions, {}, [](const SharedDefinition& definition) { return base::AsciiLower(definition->name); });
  return definitions;
}

std::vector<const policy::Requirement*> RequirementsOf(const policy::Policy& policy, const SharedDefinition& definition) {
  std::vector<const policy::Requirement*> requirements;
  for (const policy::Requirement& requirement : policy.requirements) {
    if (requirement.definition == definition) {
      requirements.push_back(&requirement);
    }
  }
  return requirements;
}

std::string_view SourceName(policy::FindingSource source) {
  return source == policy::FindingSource::kAzurePolicy ? "azurePolicy" : "registry";
}

// "registries", "tokens", …
std::vector<std::string> JudgedBy(const policy::Definition& definition) {
  std::vector<std::string> types;
  if (definition.types.registry) {
    types.emplace_back("registries");
  }
  for (const policy::ChildKind* kind : definition.types.children) {
    types.emplace_back(kind->name);
  }
  return types;
}

nlohmann::json ParameterRow(const policy::ParameterDefinition& parameter) {
  return {{"name", parameter.name},
          {"type", parameter.type},
          {"defaultValue", parameter.default_value.value_or(nlohmann::json())},
          {"allowedValues", parameter.allowed_values.empty() ? nlohmann::json() : nlohmann::json(parameter.allowed_values)},
          {"used", parameter.used}};
}

nlohmann::json Row(const SharedDefinition& definition, const policy::Policy* policy) {
  nlohmann::json parameters = nlohmann::json::array();
  for (const policy::ParameterDefinition& parameter : definition->parameters) {
    parameters.push_back(ParameterRow(parameter));
  }
  nlohmann::json requirements;  // null: no policy was given
  if (policy != nullptr) {
    requirements = nlohmann::json::array();
    for (const policy::Requirement* requirement : RequirementsOf(*policy, definition)) {
      requirements.push_back({{"name", requirement->name},
                              {"effect", policy::ToString(requirement->effect)},
                              {"source", SourceName(requirement->source)},
                              {"initiative", requirement->initiative ? nlohmann::json(requirement->initiative->name) : nlohmann::json()},
                              {"scopes", requirement->scopes.in},
                              {"notScopes", requirement->scopes.not_in},
                              {"parameters", requirement->parameters}});
    }
  }
  return {{"kind", "definition"},
          {"name", definition->name},
          {"id", base::TextOrNull(definition->id)},
          {"guid", base::TextOrNull(definition->guid)},
          {"version", base::TextOrNull(definition->version)},
          {"displayName", base::TextOrNull(definition->display_name)},
          {"builtIn", IsBuiltIn(definition)},
          {"judges", JudgedBy(*definition)},
          {"parameters", std::move(parameters)},
          {"requirements", std::move(requirements)}};
}

Style StyleOf(policy::Effect effect) {
  switch (effect) {
    case policy::Effect::kDeny:
      return Style::kBad;
    case policy::Effect::kWarn:
      return Style::kWarning;
    case policy::Effect::kAudit:
    case policy::Effect::kDisabled:
      return Style::kPlain;
  }
  return Style::kPlain;
}

void WriteParameter(const policy::ParameterDefinition& parameter, std::ostream& out) {
  out << "  " << Shown(parameter.name) << ": " << parameter.type;
  if (parameter.default_value) {
    out << ", default " << Shown(base::DumpJson(*parameter.default_value));
  } else if (parameter.used) {
    out << ", has to be given";
  }
  if (!parameter.allowed_values.empty()) {
    out << ", one of " << Shown(base::DumpJson(parameter.allowed_values));
  }
  out << (parameter.used ? "\n" : " (decides nothing)\n");
}

using SharedInitiative = std::shared_ptr<const policy::Initiative>;

nlohmann::json Row(const SharedInitiative& initiative, const DefinitionInputs& inputs) {
  nlohmann::json parameters = nlohmann::json::array();
  for (const policy::ParameterDefinition& parameter : initiative->parameters) {
    parameters.push_back(ParameterRow(parameter));
  }
  nlohmann::json members = nlohmann::json::array();
  for (const policy::InitiativeMember& member : initiative->members) {
    const SharedDefinition definition = policy::FindMemberDefinition(inputs.definitions, member);
    members.push_back({{"referenceId", member.reference_id},
                       {"definitionId", member.definition_id},
                       {"definition", definition ? nlohmann::json(definition->name) : nlohmann::json()}});
  }
  nlohmann::json uses;  // null: no policy was given
  if (inputs.policy) {
    uses = nlohmann::json::array();
    for (const policy::InitiativeUse& use : inputs.policy->initiatives) {
      if (use.initiative == initiative) {
        uses.push_back({{"name", use.name},
                        {"requirements", use.required},
                        {"requiredElsewhere", use.elsewhere},
                        {"switchedOff", use.switched_off},
                        {"judgingNothing", use.judging_nothing},
                        {"notLoaded", use.not_loaded}});
      }
    }
  }
  return {{"kind", "initiative"},
          {"name", initiative->name},
          {"id", base::TextOrNull(initiative->id)},
          {"guid", base::TextOrNull(initiative->guid)},
          {"version", base::TextOrNull(initiative->version)},
          {"displayName", base::TextOrNull(initiative->display_name)},
          {"parameters", std::move(parameters)},
          {"members", std::move(members)},
          {"uses", std::move(uses)}};
}

void WriteInitiative(const SharedInitiative& initiative, const DefinitionInputs& inputs, const Terminal& terminal, std::ostream& out) {
  out << Styled(terminal, Style::kHeading, Shown(initiative->name))
      << (initiative->version.empty() ? "" : "  " + Shown(initiative->version)) << "  " << Styled(terminal, Style::kFaint, "initiative")
      << '\n';
  if (!initiative->display_name.empty()) {
    out << "  " << Shown(initiative->display_name) << '\n';
  }
  std::size_t loaded = 0;
  for (const policy::InitiativeMember& member : initiative->members) {
    if (const SharedDefinition definition = policy::FindMemberDefinition(inputs.definitions, member)) {
      ++loaded;
      out << "  " << Shown(member.reference_id) << ": " << Shown(definition->name) << '\n';
    }
  }
  out << "  " << initiative->members.size() - loaded << " of " << initiative->members.size()
      << " definitions are not loaded: they are about other resources, or missing\n";
  if (inputs.policy) {
    for (const policy::InitiativeUse& use : inputs.policy->initiatives) {
      if (use.initiative == initiative) {
        out << "  required as " << Shown(policy::Describe(use)) << '\n';
      }
    }
  }
  for (const policy::ParameterDefinition& parameter : initiative->parameters) {
    WriteParameter(parameter, out);
  }
}

void WriteDefinition(const SharedDefinition& definition, const policy::Policy* policy, const Terminal& terminal, std::ostream& out) {
  out << Styled(terminal, Style::kHeading, Shown(definition->name));
  if (!definition->version.empty()) {
    out << "  " << Shown(definition->version);
  }
  out << "  " << Styled(terminal, Style::kFaint, IsBuiltIn(definition) ? "built-in" : "file");
  if (policy != nullptr) {
    const auto requirements = RequirementsOf(*policy, definition);
    if (requirements.empty()) {
      out << "  " << Styled(terminal, Style::kFaint, "not required");
    }
    for (const policy::Requirement* requirement : requirements) {
      out << "  " << (requirement->name == definition->name ? std::string() : Shown(requirement->name) + ": ")
          << Styled(terminal, StyleOf(requirement->effect), policy::ToString(requirement->effect))
          << (requirement->initiative ? " by " + Shown(requirement->initiative->name) : std::string());
    }
  }
  out << '\n';
  if (!definition->display_name.empty()) {
    out << "  " << Shown(definition->display_name) << '\n';
  }
  std::string_view separator = "  judges ";
  for (const std::string& type : JudgedBy(*definition)) {
    out << separator << type;
    separator = ", ";
  }
  if (!definition->guid.empty()) {
    out << "; " << Shown(definition->guid);
  }
  out << '\n';
  for (const policy::ParameterDefinition& parameter : definition->parameters) {
    WriteParameter(parameter, out);
  }
}

}  // namespace

int RunDefinitionsList(const DefinitionsListArguments& arguments, const Streams& streams) {
  const DefinitionInputs inputs = LoadDefinitionInputs(arguments.inputs);
  if (!inputs.problems.empty()) {
    streams.err << base::ToString(inputs.problems) << '\n';
  }
  const std::vector<SharedDefinition> definitions = Sorted(inputs.definitions);
  if (arguments.output == OutputFormat::kJson) {
    nlohmann::json rows = nlohmann::json::array();
    for (const SharedDefinition& definition : definitions) {
      rows.push_back(Row(definition, inputs.policy.get()));
    }
    for (const SharedInitiative& initiative : inputs.definitions.initiatives()) {
      rows.push_back(Row(initiative, inputs));
    }
    streams.out << base::DumpJson(rows, 2) << '\n';
  } else {
    for (const SharedDefinition& definition : definitions) {
      WriteDefinition(definition, inputs.policy.get(), streams.terminal, streams.out);
    }
    for (const SharedInitiative& initiative : inputs.definitions.initiatives()) {
      WriteInitiative(initiative, inputs, streams.terminal, streams.out);
    }
  }
  return inputs.problems.empty() ? kExitOk : kExitError;
}

}  // namespace cli
