#include "policy/definition_effect.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "policy/definition_compare.h"
#include "policy/definition_expression.h"
#include "policy/definition_text.h"
#include "policy/parameter_expression.h"
#include "policy/template_expression.h"

namespace policy {
namespace {

using nlohmann::json;

// Whether the effect asks for a parameter that was not given.
bool LacksParameters(const Definition& definition, const json& bound) {
  RuleContext context{.parameters = definition.parameters};
  return IsTemplateExpression(definition.effect) && CompileExpression(definition.effect, context) &&
         std::ranges::any_of(context.used, [&](const std::string& name) { return FindMember(bound, name) == nullptr; });
}

// As WhyItJudgesNothing has it, of an effect that is known.
std::string WhyNothing(std::string_view azure) {
  const auto known = EffectOf(azure);
  return known ? std::string() : known.error();
}

}  // namespace

tl::expected<std::optional<Effect>, std::string> EffectOf(std::string_view azure) {
  const auto is = [&](std::string_view name) { return base::EqualsIgnoreAsciiCase(azure, name); };
  if (is("Deny")) {
    return Effect::kDeny;
  }
  if (is("Audit") || is("AuditIfNotExists") || is("Append") || is("Modify") || is("DeployIfNotExists")) {
    return Effect::kAudit;
  }
  if (is("Disabled")) {
    return std::nullopt;
  }
  return tl::unexpected(
      "the effect \"" + base::Printable(azure, kMaxQuotedText) +
      "\" says nothing about compliance; only Deny, Audit, Append, Modify, AuditIfNotExists and DeployIfNotExists do, and "
      "Disabled switches a definition off");
}

std::string EffectProblem(const std::string& effect, const std::vector<ParameterDefinition>& parameters) {
  if (effect.empty()) {
    return "expected a string";
  }
  if (!IsTemplateExpression(effect)) {
    return WhyNothing(effect);
  }
  RuleContext context{.parameters = parameters};
  const auto compiled = CompileExpression(effect, context);
  return !compiled                    ? compiled.error()
         : compiled->parameters_alone ? std::string()
                                      : "an effect can come from nothing but the definition's parameters";
}

tl::expected<std::string, std::string> ResolveEffect(const std::string& effect, const json& bound) {
  const auto resolved = ResolveExpressions(effect, bound);
  if (!resolved || !resolved->is_string()) {
    return tl::unexpected("its effect cannot be told: " + (resolved ? "it is no text" : resolved.error()));
  }
  return resolved->get<std::string>();
}

bool IsSwitchedOff(const Definition& definition, const json& bound) {
  const auto effect = ResolveEffect(definition.effect, bound);
  const auto known = effect ? EffectOf(*effect) : tl::unexpected(effect.error());
  return known && !*known;
}

std::string WhyItJudgesNothing(const Definition& definition, const json& bound) {
  const auto effect = ResolveEffect(definition.effect, bound);
  if (!effect) {
    return LacksParameters(definition, bound) ? std::string() : effect.error();
  }
  return WhyNothing(*effect);
}

tl::expected<json, std::vector<std::string>> BindToJudge(const Definition& definition, const json& given) {
  auto bound = BindParameters(definition, given);
  if (!bound) {
    return bound;
  }
  if (std::string why = WhyItJudgesNothing(definition, *bound); !why.empty()) {
    return tl::unexpected(std::vector<std::string>{definition.name + ": " + why});
  }
  return bound;
}

}  // namespace policy
