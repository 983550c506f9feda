#include "policy/definition.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/definition_compare.h"
#include "policy/definition_existence.h"
#include "policy/definition_rule.h"
#include "policy/definition_types.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxQuoted = 128;  // bytes of a file's text that a message repeats

// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-parameters
constexpr std::array<std::string_view, 7> kParameterTypes = {"String", "Array", "Object", "Boolean", "Integer", "Float", "DateTime"};

bool HasType(const json& value, std::string_view type) {
  const std::string* text = value.get_ptr<const std::string*>();
  return type == "String"     ? text != nullptr
         : type == "Array"    ? value.is_array()
         : type == "Object"   ? value.is_object()
         : type == "Boolean"  ? value.is_boolean()
         : type == "Integer"  ? value.is_number_integer()
         : type == "Float"    ? value.is_number()
         : type == "DateTime" ? text != nullptr && base::ParseTime(*text).has_value()
                              : false;
}

// Azure compares allowed values with regard to case. Of an array, the elements may be what is allowed.
bool IsAllowed(const json& value, const std::vector<json>& allowed) {
  const auto is_allowed = [&](const json& one) { return std::ranges::find(allowed, one) != allowed.end(); };
  return allowed.empty() || is_allowed(value) || (value.is_array() && std::all_of(value.begin(), value.end(), is_allowed));
}

std::string Quoted(const json& value) { return base::Printable(base::DumpJson(value), kMaxQuoted); }

// What is wrong with a value for the parameter, or "".
std::string ValueProblem(const ParameterDefinition& parameter, const json& value) {
  if (!HasType(value, parameter.type)) {
    return "expected a value of type " + parameter.type + ", not " + Quoted(value);
  }
  return IsAllowed(value, parameter.allowed_values)
             ? std::string()
             : Quoted(value) + " is not among the allowed values " + Quoted(json(parameter.allowed_values));
}

std::string TextMember(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  const std::string* text = member == nullptr ? nullptr : member->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

const json* PresentMember(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  return member == nullptr || member->is_null() ? nullptr : member;
}

tl::expected<ParameterDefinition, std::string> ParseParameter(const std::string& name, const json& body, const std::string& path) {
  ParameterDefinition parameter;
  parameter.name = name;
  const std::string type = TextMember(body, "type");
  const auto known = std::ranges::find_if(kParameterTypes, [&](std::string_view t) { return base::EqualsIgnoreAsciiCase(t, type); });
  if (known == kParameterTypes.end()) {
    return tl::unexpected(path + ".type: expected String, Array, Object, Boolean, Integer, Float or DateTime");
  }
  parameter.type = *known;
  if (const json* allowed = PresentMember(body, "allowedValues")) {
    if (!allowed->is_array() || allowed->empty()) {
      return tl::unexpected(path + ".allowedValues: expected an array with values");
    }
    parameter.allowed_values.assign(allowed->begin(), allowed->end());
  }
  if (const json* value = PresentMember(body, "defaultValue")) {
    if (std::string problem = ValueProblem(parameter, *value); !problem.empty()) {
      return tl::unexpected(path + ".defaultValue: " + problem);
    }
    parameter.default_value = *value;
  }
  return parameter;
}

tl::expected<std::vector<ParameterDefinition>, std::string> ParseParameters(const json* parameters, const std::string& path) {
  std::vector<ParameterDefinition> parsed;
  if (parameters == nullptr) {
    return parsed;
  }
  if (!parameters->is_object()) {
    return tl::unexpected(path + ": expected an object");
  }
  for (auto member = parameters->begin(); member != parameters->end(); ++member) {
    tl::expected<ParameterDefinition, std::string> parameter =
        ParseParameter(member.key(), member.value(), path + "." + base::Printable(member.key(), kMaxQuoted));
    if (!parameter) {
      return tl::unexpected(std::move(parameter.error()));
    }
    parsed.push_back(std::move(*parameter));
  }
  return parsed;
}

std::string LastPart(const std::string& id) { return id.substr(id.rfind('/') + 1); }

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
    return tl::unexpected(path + ".policyDefinitions: this is an initiative, a set of definitions; give the definitions one by one");
  }
  const std::string mode = TextMember(body, "mode");
  if (!mode.empty() && !base::EqualsIgnoreAsciiCase(mode, "Indexed") && !base::EqualsIgnoreAsciiCase(mode, "All")) {
    return tl::unexpected(path + ".mode: \"" + base::Printable(mode, kMaxQuoted) +
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
  if (then == nullptr || TextMember(*then, "effect").empty()) {
    return tl::unexpected(path + ".policyRule.then.effect: expected a string");
  }

  auto parameters = ParseParameters(PresentMember(body, "parameters"), path + ".parameters");
  if (!parameters) {
    return tl::unexpected(std::move(parameters.error()));
  }
  tl::expected<CompiledRule, std::string> compiled = CompileRule(*condition, *parameters, path + ".policyRule.if");
  if (!compiled) {
    return tl::unexpected(std::move(compiled.error()));
  }
  tl::expected<JudgedTypes, std::string> types = TypesJudged(*compiled, base::EqualsIgnoreAsciiCase(mode, "Indexed"));
  if (!types) {
    return tl::unexpected(path + ".policyRule.if: " + types.error());
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
  definition.id = TextMember(document, "id");
  definition.guid = definition.id.empty() ? TextMember(document, "name") : LastPart(definition.id);
  definition.display_name = TextMember(body, "displayName");
  definition.version = TextMember(body, "version");
  if (const json* metadata = PresentMember(body, "metadata")) {
    definition.version = definition.version.empty() ? TextMember(*metadata, "version") : definition.version;
    definition.remedy = TextMember(*metadata, "remedy");
  }
  definition.parameters = std::move(*parameters);
  definition.rule = std::move(compiled->rule);
  definition.types = std::move(*types);
  definition.existence = std::move(existence->existence);
  definition.uses_time = compiled->uses_time || existence->uses_time;
  return std::make_shared<Definition>(std::move(definition));
}

bool Answers(const Definition& definition, std::string_view name_or_id) {
  return !name_or_id.empty() &&
         (base::EqualsIgnoreAsciiCase(definition.name, name_or_id) || base::EqualsIgnoreAsciiCase(definition.guid, name_or_id) ||
          base::EqualsIgnoreAsciiCase(definition.id, name_or_id));
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
  for (const std::string& word : {definition->name, definition->guid, definition->id}) {
    const std::shared_ptr<const Definition> other = Find(word);
    const bool export_of_built_in = other && IsBuiltIn(*other) && !base::EqualsIgnoreAsciiCase(other->name, word);
    if (other && !export_of_built_in) {
      return base::Fail(
          base::ErrorCode::kInvalidArgument,
          "the definition \"" + definition->name + "\" cannot be added: \"" + word + "\" is already the definition \"" + other->name + "\"",
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

std::vector<std::string_view> DefinitionSet::Names() const {
  std::vector<std::string_view> names;
  for (const std::shared_ptr<const Definition>& definition : definitions_) {
    names.push_back(definition->name);
  }
  return names;
}

tl::expected<json, std::vector<std::string>> BindParameters(const Definition& definition, const json& given) {
  std::vector<std::string> problems;
  json bound = json::object();
  std::vector<std::string_view> names;
  for (const ParameterDefinition& parameter : definition.parameters) {
    names.push_back(parameter.name);
    if (parameter.default_value) {
      bound[parameter.name] = *parameter.default_value;
    }
  }
  if (!given.is_object() && !given.is_null()) {
    return tl::unexpected(std::vector<std::string>{"the parameters of " + definition.name + " must be a mapping of names to values"});
  }
  std::vector<std::string_view> seen;
  for (auto member = given.begin(); member != given.end(); ++member) {
    const auto parameter = std::ranges::find_if(
        definition.parameters, [&](const ParameterDefinition& p) { return base::EqualsIgnoreAsciiCase(p.name, member.key()); });
    if (parameter == definition.parameters.end()) {
      std::string problem = definition.name + " has no parameter \"" + base::Printable(member.key(), kMaxQuoted) + "\"";
      if (const std::string_view near = base::Nearest(member.key(), names); !near.empty()) {
        problem += "; did you mean \"" + std::string(near) + "\"?";
      }
      problems.push_back(std::move(problem));
      continue;
    }
    if (std::ranges::find(seen, parameter->name) != seen.end()) {
      problems.push_back("the parameter " + parameter->name + " of " + definition.name + " is given twice");
      continue;
    }
    seen.push_back(parameter->name);
    if (std::string problem = ValueProblem(*parameter, member.value()); !problem.empty()) {
      problems.push_back("the parameter " + parameter->name + " of " + definition.name + ": " + problem);
      continue;
    }
    bound[parameter->name] = member.value();
  }
  for (const ParameterDefinition& parameter : definition.parameters) {
    if (parameter.used && !parameter.default_value && std::ranges::find(seen, parameter.name) == seen.end()) {
      problems.push_back(definition.name + " needs its parameter " + parameter.name + " (" + parameter.type + ")");
    }
  }
  if (!problems.empty()) {
    return tl::unexpected(std::move(problems));
  }
  return bound;
}

}  // namespace policy
