#include "policy/definition.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/definition_effect.h"
#include "policy/definition_existence.h"
#include "policy/definition_parameters.h"
#include "policy/definition_rule.h"
#include "policy/definition_text.h"
#include "policy/definition_types.h"
#include "policy/initiative.h"

namespace policy {
namespace {

using nlohmann::json;

// The error is "PATH: message".
tl::expected<std::shared_ptr<Definition>, std::string> Build(const json& document, std::string name) {
  if (!document.is_object()) {
    return tl::unexpected(std::string("$: expected an object, a policy definition"));
  }
  const json* properties = PresentMember(document, "properties");
  const json& body = properties == nullptr ? document : *properties;
  const std::string path = properties == nullptr ? "$" : "$.properties";
  if (!body.is_object()) {
    return tl::unexpected(path + ": expected an object");
  }
  if (PresentMember(body, "policyDefinitions") != nullptr) {
    return tl::unexpected(path + ".policyDefinitions: this is an initiative, a set of definitions, and no definition");
  }
  const std::string mode = TextMember(body, "mode");
  if (!mode.empty() && !base::EqualsIgnoreAsciiCase(mode, "Indexed") && !base::EqualsIgnoreAsciiCase(mode, "All")) {
    return tl::unexpected(path + ".mode: \"" + base::Printable(mode, kMaxQuotedText) +
                          "\" definitions judge no Azure resource; expected Indexed or All");
  }
  const json* rule = PresentMember(body, "policyRule");
  if (rule == nullptr || !rule->is_object()) {
    return tl::unexpected(path + ".policyRule: expected an object with \"if\" and \"then\"");
  }
  const json* condition = PresentMember(*rule, "if");
  const json* then = PresentMember(*rule, "then");
  if (condition == nullptr) {
    return tl::unexpected(path + ".policyRule.if: expected a condition");
  }
  if (then == nullptr || !then->is_object()) {
    return tl::unexpected(path + ".policyRule.then: expected an object with \"effect\"");
  }

  auto parameters = ParseParameters(PresentMember(body, "parameters"), path + ".parameters");
  if (!parameters) {
    return tl::unexpected(std::move(parameters.error()));
  }
  if (const std::string problem = EffectProblem(TextMember(*then, "effect"), *parameters); !problem.empty()) {
    return tl::unexpected(path + ".policyRule.then.effect: " + problem);
  }
  tl::expected<CompiledRule, std::string> compiled = CompileRule(*condition, *parameters, path + ".policyRule.if");
  if (!compiled) {
    return tl::unexpected(std::move(compiled.error()));
  }
  tl::expected<JudgedTypes, std::string> types =
      TypesJudged(*compiled, base::EqualsIgnoreAsciiCase(mode, "Indexed"), path + ".policyRule.if");
  if (!types) {
    return tl::unexpected(std::move(types.error()));
  }
  tl::expected<CompiledExistence, std::string> existence = CompileExistence(*then, *types, *parameters, path + ".policyRule.then");
  if (!existence) {
    return tl::unexpected(std::move(existence.error()));
  }
  for (ParameterDefinition& parameter : *parameters) {
    parameter.used = compiled->parameters.contains(parameter.name) || existence->parameters.contains(parameter.name);
  }

  Definition definition;
  definition.name = std::move(name);
  DefinedAs as = ReadDefinedAs(document, body);
  definition.id = std::move(as.id);
  definition.guid = std::move(as.guid);
  definition.display_name = std::move(as.display_name);
  definition.version = std::move(as.version);
  definition.effect = TextMember(*then, "effect");
  if (const json* metadata = PresentMember(body, "metadata")) {
    definition.remedy = TextMember(*metadata, "remedy");
  }
  definition.parameters = std::move(*parameters);
  definition.rule = std::move(compiled->rule);
  definition.types = std::move(*types);
  definition.existence = std::move(existence->existence);
  definition.uses_time = compiled->uses_time || existence->uses_time;
  return std::make_shared<Definition>(std::move(definition));
}

// Of a definition or an initiative.
template <class Named>
bool Answers(const Named& named, std::string_view name_or_id) {
  return !name_or_id.empty() && (base::EqualsIgnoreAsciiCase(named.name, name_or_id) ||
                                 base::EqualsIgnoreAsciiCase(named.guid, name_or_id) || base::EqualsIgnoreAsciiCase(named.id, name_or_id));
}

bool IsBuiltIn(const Definition& definition) {
  return std::ranges::any_of(BuiltInDefinitions(), [&](const auto& built_in) { return built_in.get() == &definition; });
}

}  // namespace

base::Result<std::shared_ptr<const Definition>> ParseDefinition(std::string_view text, std::string_view file, std::string name) {
  const base::Result<json> document = base::ParseJson(text, file);
  if (!document) {
    return tl::unexpected(document.error());
  }
  auto definition = Build(*document, std::move(name));
  if (!definition) {
    return base::Fail(base::ErrorCode::kInvalidArgument, std::string(file) + ": " + definition.error());
  }
  (*definition)->digest = base::Sha256(text);
  return std::move(*definition);
}

std::vector<const ChildKind*> KindsAsked(const Definition& definition) {
  std::vector<const ChildKind*> kinds = definition.types.children;
  const ChildKind* related = definition.existence == nullptr ? nullptr : definition.existence->kind;
  if (related != nullptr && std::ranges::find(kinds, related) == kinds.end()) {
    kinds.push_back(related);
  }
  return kinds;
}

DefinitionSet DefinitionSet::WithBuiltIns() {
  DefinitionSet set;
  set.definitions_ = BuiltInDefinitions();
  return set;
}

base::Result<void> DefinitionSet::Add(std::shared_ptr<const Definition> definition) {
  for (const std::string_view word : {std::string_view(definition->name), std::string_view(definition->guid), definition->id.view()}) {
    const std::shared_ptr<const Definition> other = Find(word);
    const bool export_of_built_in = other && IsBuiltIn(*other) && !base::EqualsIgnoreAsciiCase(other->name, word);
    if (other && !export_of_built_in) {
      return base::Fail(base::ErrorCode::kInvalidArgument,
                        "the definition \"" + definition->name + "\" cannot be added: \"" + std::string(word) +
                            "\" is already the definition \"" + other->name + "\"",
                        "use that one, or give this one a name and an id of its own");
    }
  }
  definitions_.push_back(std::move(definition));
  return {};
}

std::shared_ptr<const Definition> DefinitionSet::Find(std::string_view name_or_id) const {
  const auto newest_first =
      std::find_if(definitions_.rbegin(), definitions_.rend(), [&](const auto& definition) { return Answers(*definition, name_or_id); });
  return newest_first == definitions_.rend() ? nullptr : *newest_first;
}

base::Result<void> DefinitionSet::AddInitiative(std::shared_ptr<const Initiative> initiative) {
  for (const std::string& word : {initiative->name, initiative->guid, initiative->id}) {
    const auto other = FindInitiative(word);
    const auto definition = Find(word);
    if (other || definition) {
      return base::Fail(base::ErrorCode::kInvalidArgument,
                        "the initiative \"" + initiative->name + "\" cannot be added: \"" + word + "\" is already the " +
                            (other ? "initiative \"" + other->name : "definition \"" + definition->name) + "\"",
                        "use that one, or give this one a name and an id of its own");
    }
  }
  initiatives_.push_back(std::move(initiative));
  return {};
}

std::shared_ptr<const Initiative> DefinitionSet::FindInitiative(std::string_view name_or_id) const {
  const auto found = std::ranges::find_if(initiatives_, [&](const auto& initiative) { return Answers(*initiative, name_or_id); });
  return found == initiatives_.end() ? nullptr : *found;
}

std::vector<std::string_view> DefinitionSet::InitiativeNames() const {
  std::vector<std::string_view> names;
  for (const std::shared_ptr<const Initiative>& initiative : initiatives_) {
    names.push_back(initiative->name);
  }
  return names;
}

std::vector<std::string_view> DefinitionSet::Names() const {
  std::vector<std::string_view> names;
  for (const std::shared_ptr<const Definition>& definition : definitions_) {
    names.push_back(definition->name);
  }
  return names;
}

tl::expected<json, std::vector<std::string>> BindParameters(const Definition& definition, const json& given) {
  return BindParameters(definition.name, definition.parameters, given);
}

}  // namespace policy
