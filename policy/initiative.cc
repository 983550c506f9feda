#include "policy/initiative.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/definition_compare.h"
#include "policy/definition_expression.h"
#include "policy/definition_parameters.h"
#include "policy/definition_text.h"
#include "policy/parameter_expression.h"
#include "policy/template_expression.h"

namespace policy {
namespace {

using nlohmann::json;

template <class T>
using Step = tl::expected<T, std::string>;

// Of values in which expressions over `parameters` stand, anywhere in arrays and objects: what these are.
class Expressions {
 public:
  explicit Expressions(const std::vector<ParameterDefinition>& parameters) : context_{.parameters = parameters} {}

  // Whether every one can be understood. The error begins with the path.
  Step<void> Check(const json& value, const std::string& path) {
    if (const std::string* text = value.get_ptr<const std::string*>()) {
      if (IsTemplateExpression(*text)) {
        return CheckText(*text, path);
      }
      const auto literal = LiteralText(*text);
      return literal ? Step<void>() : tl::unexpected(path + ": " + literal.error());
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

  // The parameters that those which were checked ask for.
  const std::set<std::string>& used() const { return context_.used; }

 private:
  Step<void> CheckText(const std::string& text, const std::string& path) {
    context_.functions = 0;  // Azure's limit is a rule's, and a set may have a thousand values
    const Step<CompiledExpression> compiled = CompileExpression(text, context_);
    if (!compiled) {
      return tl::unexpected(path + ": " + compiled.error());
    }
    return compiled->parameters_alone ? Step<void>()
                                      : tl::unexpected(path + ": an initiative can give nothing but what comes from its own parameters");
  }

  RuleContext context_;
};

// Of a member's own: what it is, and what says nothing about how registries are judged.
constexpr std::array<std::string_view, 7> kMemberKeys = {
    "policyDefinitionId",      "policyDefinitionReferenceId", "parameters", "groupNames", "definitionVersion",
    "latestDefinitionVersion", "effectiveDefinitionVersion"};

Step<InitiativeMember> ParseMember(const json& body, Expressions& expressions, const std::string& path) {
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
    if (auto checked = expressions.Check(*value, value_path + ".value"); !checked) {
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
  Expressions expressions(*parameters);
  std::set<std::string> references;
  for (std::size_t i = 0; i < members->size(); ++i) {
    const std::string at = path + ".policyDefinitions[" + std::to_string(i) + "]";
    Step<InitiativeMember> member = ParseMember((*members)[i], expressions, at);
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
    parameter.used = expressions.used().contains(parameter.name);
  }
  initiative->name = std::move(name);
  DefinedAs as = ReadDefinedAs(document, body);
  initiative->id = std::move(as.id);
  initiative->guid = std::move(as.guid);
  initiative->display_name = std::move(as.display_name);
  initiative->version = std::move(as.version);
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
  for (auto parameter = member.parameters.begin(); parameter != member.parameters.end(); ++parameter) {
    const std::string name = "its parameter " + base::Printable(parameter.key(), kMaxQuotedText);
    Expressions expressions(initiative.parameters);
    if (auto checked = expressions.Check(*parameter, name); !checked) {
      return tl::unexpected(std::move(checked.error()));
    }
    for (const std::string& used : expressions.used()) {
      if (FindMember(bound, used) == nullptr) {
        const auto declared = std::ranges::find(initiative.parameters, used, &ParameterDefinition::name);
        return tl::unexpected("the initiative needs its parameter " + used + " (" + declared->type + ")");
      }
    }
    auto value = ResolveExpressions(*parameter, bound);
    if (!value) {
      return tl::unexpected(name + ": " + value.error());
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

std::string Describe(const InitiativeUse& use) {
  return "initiative " + base::Printable(use.name, kMaxQuotedText) + ": " + std::to_string(use.required.size() + use.elsewhere.size()) +
         " of " + std::to_string(use.initiative->members.size()) + " definitions judge registries here" +
         List("required elsewhere in the policy", use.elsewhere) + List("switched off by their effect parameter", use.switched_off) +
         List("left out, as their effect says nothing about compliance", use.judging_nothing) +
         List("not loaded, as they are about other resources, or missing", use.not_loaded);
}

}  // namespace policy
