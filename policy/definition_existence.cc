#include "policy/definition_existence.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "policy/definition_alias.h"
#include "policy/definition_compare.h"
#include "policy/definition_text.h"
#include "policy/definition_types.h"
#include "policy/template_expression.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

// An effect that a parameter brings is told by its details: those of Modify, Append and the others have no type.
bool AsksForRelated(const json& then, const json* details) {
  const std::string* effect = FindText(then, "effect");
  for (const std::string_view one : {"DeployIfNotExists", "AuditIfNotExists"}) {
    if (effect != nullptr && base::EqualsIgnoreAsciiCase(*effect, one)) {
      return true;
    }
  }
  return effect != nullptr && IsTemplateExpression(*effect) && details != nullptr && PresentMember(*details, "type") != nullptr;
}

std::string NotRead(std::string_view type) {
  return "\"" + base::Printable(type, kMaxQuotedText) +
         "\" is not read here, so that nobody can tell whether what is related is there; only " + std::string(kRegistryType) +
         " and its children are (" + NamesOfChildKinds() + ")";
}

}  // namespace

tl::expected<CompiledExistence, std::string> CompileExistence(const json& then, const JudgedTypes& types,
                                                              const std::vector<ParameterDefinition>& parameters, const std::string& path) {
  const auto wrong = [&](const std::string& where, const std::string& message) {
    return tl::unexpected(path + ".details" + where + ": " + message);
  };
  const json* details = PresentMember(then, "details");
  if (!AsksForRelated(then, details)) {
    return CompiledExistence{};
  }
  const std::string* type = details == nullptr ? nullptr : FindText(*details, "type");
  if (type == nullptr) {
    return wrong(details == nullptr || !details->is_object() ? "" : ".type", "expected the type of the resources that are asked for");
  }
  Existence existence;
  existence.kind = FindChildKindByType(*type);
  if (existence.kind == nullptr && !base::EqualsIgnoreAsciiCase(*type, kRegistryType)) {
    return wrong(".type", NotRead(*type));
  }
  CompiledExistence compiled;
  RuleContext context{.parameters = parameters};
  if (const json* name = PresentMember(*details, "name")) {
    const std::string* text = name->get_ptr<const std::string*>();
    if (text == nullptr) {
      return wrong(".name", "expected a string");
    }
    existence.name = Operand{*name};
    if (IsTemplateExpression(*text)) {
      auto expression = CompileExpression(*text, context);
      if (!expression) {
        return wrong(".name", expression.error());
      }
      existence.name = Operand{std::make_shared<const CompiledExpression>(std::move(*expression))};
    }
  }
  // Beneath the resource that is judged Azure looks at that resource's own; elsewhere in a resource group or a subscription, of which
  // nothing is known here but this registry.
  const bool beneath = existence.kind != nullptr && types.children.empty();
  if (!beneath && !existence.name) {
    return wrong("", "without a \"name\" any " + std::string(TypeOf(existence.kind)) +
                         " of the resource group would do, and only those of the same registry are read here; select one by its name "
                         "(\"[field('fullName')]\")");
  }
  if (!beneath && PresentMember(*details, "resourceGroupName") != nullptr) {
    return wrong(".resourceGroupName", "resources of other resource groups are not read here");
  }
  if (const json* condition = PresentMember(*details, "existenceCondition")) {
    auto rule = CompileRule(*condition, parameters, path + ".details.existenceCondition", RuleOf::kExistenceCondition);
    if (!rule) {
      return tl::unexpected(std::move(rule.error()));
    }
    existence.condition = std::move(rule->rule);
    compiled.parameters = std::move(rule->parameters);
    compiled.uses_time = rule->uses_time;
  }
  compiled.parameters.merge(context.used);
  compiled.uses_time = compiled.uses_time || context.uses_time;
  compiled.existence = std::make_shared<const Existence>(std::move(existence));
  return compiled;
}

Related FindRelated(const Existence& existence, Evaluator& evaluator, RegistryResources& registry) {
  Related related;
  const std::string kind(existence.kind == nullptr ? "registries" : existence.kind->name);
  related.subject = kind;
  std::string name;
  if (existence.name) {
    json storage;
    const auto computed = evaluator.Resolve(*existence.name, storage);
    const std::string* text = computed ? AsText(**computed) : nullptr;
    if (text == nullptr) {
      related.failure =
          computed ? CannotTell("the name of what is related is " + std::string(KindOf(**computed))).value() : computed.error();
      return related;
    }
    name = *text;
  }
  // In place of the last part: all of that parent's.
  const std::string_view last = std::string_view(name).substr(name.rfind('/') + 1);
  const bool any = !existence.name || last == "?";
  if (!any) {
    related.subject += "/" + base::Printable(last, kMaxQuotedText);
  }
  const std::string* registry_name = FindText(registry.body(), "name");
  const bool has_parent = name.find('/') != std::string::npos;
  const std::string_view parent = std::string_view(name).substr(0, name.find('/'));
  const bool names_this = registry_name != nullptr && base::EqualsIgnoreAsciiCase(parent, *registry_name);
  const bool beneath = existence.kind != nullptr && evaluator.kind() == nullptr;
  if (existence.kind == nullptr ? has_parent || !names_this : !beneath && !(has_parent && names_this)) {
    related.failure = CannotTell("the definition asks for " + kind + " named \"" + base::Printable(name, kMaxQuotedText) +
                                 "\", which are none of this registry and are not read here")
                          .value();
    return related;
  }
  if (existence.kind == nullptr) {
    related.bodies.push_back(&registry.body());
    return related;
  }
  const ChildResources& children = registry.Children(*existence.kind);
  if (!children.unknown.empty()) {
    related.failure = CannotTell(children.unknown).value();
    return related;
  }
  if (any && has_parent && !names_this) {
    return related;
  }
  for (const json& body : children.bodies) {
    if (any || base::EqualsIgnoreAsciiCase(ChildName(body), name) || base::EqualsIgnoreAsciiCase(ChildFullName(body), name)) {
      related.bodies.push_back(&body);
    }
  }
  return related;
}

}  // namespace policy
