#include "policy/parameter_expression.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "policy/definition_evaluator.h"
#include "policy/definition_expression.h"
#include "policy/definition_text.h"
#include "policy/template_expression.h"

namespace policy {
namespace {

using nlohmann::json;

using Resolved = tl::expected<json, std::string>;

Resolved ResolveText(const std::string& text, const json& parameters) {
  const auto wrong = [&](const std::string& message) { return tl::unexpected(base::Printable(text, kMaxQuotedText) + ": " + message); };
  if (!IsTemplateExpression(text)) {
    tl::expected<std::string, std::string> literal = LiteralText(text);
    return literal ? Resolved(*std::move(literal)) : wrong(literal.error());
  }
  std::vector<ParameterDefinition> declared;
  for (const auto& [name, ignored] : parameters.items()) {
    declared.emplace_back().name = name;
  }
  RuleContext context{.parameters = declared};
  auto compiled = CompileExpression(text, context);
  if (!compiled) {
    return wrong(compiled.error());
  }
  if (!compiled->parameters_alone) {
    return wrong("only what comes from parameters is known here");
  }
  static const json kNoResource = json::object();
  Evaluator evaluator({.parameters = parameters, .resource = kNoResource, .definition_id = {}, .now = {}});
  json storage;
  const auto value = evaluator.Resolve(Operand{std::make_shared<const CompiledExpression>(std::move(*compiled))}, storage);
  if (!value) {
    return wrong(value.error().message);
  }
  return **value;
}

}  // namespace

Resolved ResolveExpressions(const json& value, const json& parameters) {
  if (value.is_string()) {
    return ResolveText(value.get_ref<const std::string&>(), parameters);
  }
  if (!value.is_structured()) {
    return value;
  }
  json resolved = value;  // as deep as base::ParseJson lets it be
  for (auto& member : resolved) {
    Resolved one = ResolveExpressions(member, parameters);
    if (!one) {
      return one;
    }
    member = std::move(*one);
  }
  return resolved;
}

}  // namespace policy
