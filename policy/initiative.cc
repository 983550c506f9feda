#include "policy/initiative.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/definition_compare.h"
#include "policy/definition_evaluator.h"
#include "policy/definition_expression.h"
#include "policy/definition_parameters.h"
#include "policy/definition_rule.h"
#include "policy/definition_text.h"
#include "policy/template_expression.h"

namespace policy {
namespace {

using nlohmann::json;

template <class T>
using Step = tl::expected<T, std::string>;

// Values in which expressions over `parameters` stand, anywhere in arrays and objects.
class Values {
 public:
  explicit Values(const std::vector<ParameterDefinition>& parameters) : context_{.parameters = parameters} {}

  // With its expressions computed. The error begins with the path.
  Step<json> Resolve(const json& value, const json& bound, const std::string& path) {
    if (const std::string* text = value.get_ptr<const std::string*>()) {
      if (IsTemplateExpression(*text)) {
        return Compute(*text, bound, path);
      }
      return text->starts_with("[[") && text->ends_with(']') ? json(text->substr(1)) : value;
    }
    if (!value.is_structured()) {
      return value;
    }
    json resolved = value;
    for (auto member = resolved.begin(); member != resolved.end(); ++member) {
      const std::string key =
          value.is_object() ? "." + base::Printable(member.key(), kMaxQuotedText) : "[" + std::to_string(member - resolved.begin()) + "]";
      Step<json> inner = Resolve(*member, bound, path + key);
      if (!inner) {
        return inner;
      }
      *member = *std::move(inner);
    }
    return resolved;
  }

  // Whether every expression can be understood; none is computed.
  Step<void> Check(const json& value, const std::string& path) {
    if (const std::string* text = value.get_ptr<const std::string*>()) {
      const auto compiled = IsTemplateExpression(*text) ? Compile(*text, path) : Step<CompiledExpression>();
      return compiled ? Step<void>() : tl::unexpected(compiled.error());
    }
    for (auto member = value.begin(); value.is_structured() && member != value.end(); ++member) {
      const std::string key =
          value.is_object() ? "." + base::Printable(member.key(), kMaxQuotedText) : "[" + std::to_string(member - value.begin()) + "]";
      if (auto inner = Check(*member, path + key); !inner) {
        return inner;
      }
    }
    return {};
  }

  const std::set<std::string>& used() const { return context_.used; }

 private:
  Step<CompiledExpression> Compile(const std::string& text, const std::string& path) {
    context_.functions = 0;  // Azure's limit is a rule's, and a set may have a thousand values
    Step<CompiledExpression> compiled = CompileExpression(text, context_);
    if (!compiled) {
      return tl::unexpected(path + ": " + compiled.error());
    }
    if (!compiled->parameters_alone) {
      return tl::unexpected(path + ": an initiative can give nothing but what comes from its own parameters");
    }
    return compiled;
  }

  Step<json> Compute(const std::string& text, const json& bound, const std::string& path) {
    context_.used.clear();
    Step<CompiledExpression> compiled = Compile(text, path);
    if (!compiled) {
      return tl::unexpected(std::move(compiled.error()));
    }
    for (const std::string& name : context_.used) {
      if (FindMember(bound, name) == nullptr) {
        const auto parameter = std::ranges::find(context_.parameters, name, &ParameterDefinition::name);
        return tl::unexpected("the initiative needs its parameter " + name +
                              (parameter == context_.parameters.end() ? std::string() : " (" + parameter->type + ")"));
      }
    }
    const json nothing;
    Evaluator evaluator({bound, nothing, "", base::Time()});
    json storage;
    const auto value = evaluator.Resolve(Operand{std::make_shared<const CompiledExpression>(*std::move(compiled))}, storage);
    return value ? Step<json>(**value) : tl::unexpected(path + ": " + value.error().message);
  }

  RuleContext context_;
};

// Of a member's own: what it is, and what says nothing about how registries are judged.
constexpr std::array<std::string_view, 7> kMemberKeys = {
    "policyDefinitionId",      "policyDefinitionReferenceId", "parameters", "groupNames", "definitionVersion",
    "latestDefinitionVersion", "effectiveDefinitionVersion"};

Step<InitiativeMember> ParseMember(const json& body, Values& values, const std::string& path) {
  if (!body.is_object()) {
    return tl::unexpected(path + ": expected an object with \"policyDefinitionId\"");
  }
  for (auto key = body.begin(); key != body.end(); ++key) {
    if (std::ranges::none_of(kMemberKeys, [&](std::string_view known) { return base::EqualsIgnoreAsciiCase(known, key.key()); })) {
      return tl::unexpected(path + "." + base::Printable(key.key(), kMaxQuotedText) + ": is not known of a definition in an initiative");
    }
  }
  InitiativeMember member;
  member.definition_id = TextMember(body, "policyDefinitionId");
  if (member.definition_id.empty()) {
    return tl::unexpected(path + ".policyDefinitionId: expected a definition's id");
  }
  member.reference_id = TextMember(body, "policyDefinitionReferenceId");
  if (member.reference_id.empty()) {
    member.reference_id = LastPartOfId(member.definition_id);
  }
  member.parameters = json::object();
  const json* present = PresentMember(body, "parameters");
  const json& given = present == nullptr ? member.parameters : *present;
  if (!given.is_object()) {
    return tl::unexpected(path + ".parameters: expected an object");
  }
  for (auto one = given.begin(); one != given.end(); ++one) {
    const std::string value_path = path + ".parameters." + base::Printable(one.key(), kMaxQuotedText);
    const json* value = FindMember(*one, "value");
    if (value == nullptr || one->size() != 1) {
      return tl::unexpected(value_path + ": expected an object with \"value\" alone");
    }
    if (auto checked = values.Check(*value, value_path + ".value"); !checked) {
      return tl::unexpected(std::move(checked.error()));
    }
    member.parameters[one.key()] = *value;
  }
  return member;
}

const json& BodyOf(const json& document) {
  const json* properties = PresentMember(document, "properties");
  return properties == nullptr ? document : *properties;
}

Step<std::shared_ptr<Initiative>> Build(const json& document, std::string name) {
  const json& body = BodyOf(document);
  const std::string path = &body == &document ? "$" : "$.properties";
  const json* members = PresentMember(body, "policyDefinitions");
  if (members == nullptr || !members->is_array() || members->empty() || members->size() > kMaxInitiativeMembers) {
    return tl::unexpected(path + ".policyDefinitions: expected an array of 1 to " + std::to_string(kMaxInitiativeMembers) + " definitions");
  }
  auto parameters = ParseParameters(PresentMember(body, "parameters"), path + ".parameters");
  if (!parameters) {
    return tl::unexpected(std::move(parameters.error()));
  }
  auto initiative = std::make_shared<Initiative>();
  Values values(*parameters);
  std::set<std::string> references;
  for (std::size_t i = 0; i < members->size(); ++i) {
    const std::string at = path + ".policyDefinitions[" + std::to_string(i) + "]";
    Step<InitiativeMember> member = ParseMember((*members)[i], values, at);
    if (!member) {
      return tl::unexpected(std::move(member.error()));
    }
    if (!references.insert(base::AsciiLower(member->reference_id)).second) {
      return tl::unexpected(at + ".policyDefinitionReferenceId: \"" + base::Printable(member->reference_id, kMaxQuotedText) +
                            "\" is there already; each definition of an initiative has one of its own");
    }
    initiative->members.push_back(*std::move(member));
  }
  for (ParameterDefinition& parameter : *parameters) {
    parameter.used = values.used().contains(parameter.name);
  }
  initiative->name = std::move(name);
  initiative->id = TextMember(document, "id");
  initiative->guid = initiative->id.empty() ? TextMember(document, "name") : LastPartOfId(initiative->id);
  initiative->display_name = TextMember(body, "displayName");
  initiative->version = TextMember(body, "version");
  if (const json* metadata = PresentMember(body, "metadata"); metadata != nullptr && initiative->version.empty()) {
    initiative->version = TextMember(*metadata, "version");
  }
  initiative->parameters = *std::move(parameters);
  return initiative;
}

constexpr std::size_t kMaxListed = 10;

// "; not loaded: a, b and 205 more", or "" for none.
std::string List(std::string_view what, const std::vector<std::string>& references) {
  std::string list;
  for (std::size_t i = 0; i < references.size() && i < kMaxListed; ++i) {
    list += (i == 0 ? "" : ", ") + base::Printable(references[i], kMaxQuotedText);
  }
  if (references.size() > kMaxListed) {
    list += " and " + std::to_string(references.size() - kMaxListed) + " more";
  }
  return list.empty() ? list : "; " + std::string(what) + ": " + list;
}

}  // namespace

bool IsInitiative(std::string_view text) {
  const base::Result<json> document = base::ParseJson(text, "");
  return document && PresentMember(BodyOf(*document), "policyDefinitions") != nullptr;
}

base::Result<std::shared_ptr<const Initiative>> ParseInitiative(std::string_view text, std::string_view file, std::string name) {
  const base::Result<json> document = base::ParseJson(text, file);
  if (!document) {
    return tl::unexpected(document.error());
  }
  auto initiative = Build(*document, std::move(name));
  if (!initiative) {
    return base::Fail(base::ErrorCode::kInvalidArgument, std::string(file) + ": " + initiative.error());
  }
  (*initiative)->digest = base::Sha256(text);
  return *std::move(initiative);
}

tl::expected<json, std::string> MemberParameters(const Initiative& initiative, const InitiativeMember& member, const json& bound) {
  json given = json::object();
  Values values(initiative.parameters);
  for (auto parameter = member.parameters.begin(); parameter != member.parameters.end(); ++parameter) {
    Step<json> value = values.Resolve(*parameter, bound, "its parameter " + base::Printable(parameter.key(), kMaxQuotedText));
    if (!value) {
      return value;
    }
    given[parameter.key()] = *std::move(value);
  }
  return given;
}

std::shared_ptr<const Definition> FindMemberDefinition(const DefinitionSet& definitions, const InitiativeMember& member) {
  if (auto found = definitions.Find(member.definition_id)) {
    return found;
  }
  // A file that lost its id is known by its last part alone; a short name of ours means nothing to Azure.
  const std::string last = LastPartOfId(member.definition_id);
  const auto found = definitions.Find(last);
  return found && found->id.empty() && base::EqualsIgnoreAsciiCase(found->guid, last) ? found : nullptr;
}

bool IsSwitchedOff(const Definition& definition, const json& bound) {
  if (!IsTemplateExpression(definition.effect)) {
    return base::EqualsIgnoreAsciiCase(definition.effect, "Disabled");
  }
  Values values(definition.parameters);
  const Step<json> effect = values.Resolve(definition.effect, bound, "effect");
  const std::string* text = effect ? effect->get_ptr<const std::string*>() : nullptr;
  return text != nullptr && base::EqualsIgnoreAsciiCase(*text, "Disabled");
}

std::string Describe(const InitiativeUse& use) {
  return "initiative " + base::Printable(use.name, kMaxQuotedText) + ": " + std::to_string(use.required.size() + use.elsewhere.size()) +
         " of " + std::to_string(use.initiative->members.size()) + " definitions judge registries here" +
         List("required elsewhere in the policy", use.elsewhere) + List("switched off by their effect parameter", use.switched_off) +
         List("not loaded, as they are about other resources, or missing", use.not_loaded);
}

}  // namespace policy
