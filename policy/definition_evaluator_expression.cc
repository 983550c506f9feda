// The evaluator's part for expressions.
#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "policy/definition_evaluator.h"
#include "policy/resource_id.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

// Functions that look for one argument's parts in another may take as many steps as the product of what they are given.
// A text of 8 KiB is charged with 1 MiB.
std::size_t Charge(std::size_t argument_bytes) { return argument_bytes + argument_bytes * argument_bytes / 64; }

TemplateResult Lookup(const json& value, const json& key) {
  if (const std::string* name = AsText(key)) {
    if (!value.is_object()) {
      return Fails("there is no member \"" + *name + "\" in " + std::string(KindOf(value)));
    }
    const json* member = FindMember(value, *name);
    if (member == nullptr && MayHaveMember(value, *name)) {
      return CannotTell("whether \"" + *name + "\" is there, under a name that differs in letters beyond ASCII, is not known here");
    }
    return member != nullptr ? TemplateResult(*member) : TemplateResult(Fails("there is no member \"" + *name + "\""));
  }
  const std::optional<std::int64_t> index = AsInteger(key);
  if (!index || !value.is_array()) {
    return !index ? WrongKind("a string or an integer", key) : WrongKind("an array", value);
  }
  if (*index < 0 || *index >= static_cast<std::int64_t>(value.size())) {
    return Fails("there is no element " + std::to_string(*index) + " among " + std::to_string(value.size()));
  }
  return value[static_cast<std::size_t>(*index)];
}

}  // namespace

TemplateResult Evaluator::Compute(const Expression& expression) {
  ++spent_.steps;
  if (exhausted()) {
    return CannotTell("the rule needs too much time on this registry");
  }
  TemplateResult value = ComputeNode(expression);
  for (const Expression& key : expression.keys) {
    if (!value) {
      return value;
    }
    TemplateResult computed = Compute(key);
    if (!computed) {
      return computed;
    }
    value = Lookup(*value, *computed);
  }
  return value;
}

TemplateResult Evaluator::ComputeNode(const Expression& expression) {
  return std::visit(
      [&](const auto& node) -> TemplateResult {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, Expression::Literal>) {
          return node.value;
        } else if constexpr (std::is_same_v<Node, Expression::Parameter>) {
          const json* value = FindMember(input_.parameters, node.name);
          return HoldToLimits(value == nullptr ? json() : *value, "parameters", spent_.bytes);
        } else if constexpr (std::is_same_v<Node, Expression::FieldValue>) {
          return HoldToLimits(ComputeField(node.field), "field", spent_.bytes);
        } else if constexpr (std::is_same_v<Node, Expression::NamedFieldValue>) {
          return HoldToLimits(ComputeNamedField(*node.name, node.scopes), "field", spent_.bytes);
        } else if constexpr (std::is_same_v<Node, Expression::CurrentField>) {
          return HoldToLimits(ComputeCurrent(node.field), "current", spent_.bytes);
        } else if constexpr (std::is_same_v<Node, Expression::CurrentValue>) {
          return HoldToLimits(*values_[node.index], "current", spent_.bytes);
        } else if constexpr (std::is_same_v<Node, Expression::Call>) {
          return ComputeCall(node);
        } else if constexpr (std::is_same_v<Node, Expression::Lazy>) {
          return node.kind == Expression::Lazy::Kind::kIf         ? ComputeIf(node)
                 : node.kind == Expression::Lazy::Kind::kCoalesce ? ComputeCoalesce(node)
                                                                  : ComputeLogic(node);
        } else if constexpr (std::is_same_v<Node, Expression::Context>) {
          return ComputeContext(node);
        } else {
          return json(FormatPolicyTime(input_.now));
        }
      },
      expression.node);
}

TemplateResult Evaluator::ComputeCall(const Expression::Call& call) {
  json::array_t arguments;
  arguments.reserve(call.arguments.size());
  std::size_t read = 0;
  for (const Expression& argument : call.arguments) {
    TemplateResult value = HoldToLimits(Compute(argument), call.function->name, read);
    if (!value) {
      return value;
    }
    arguments.push_back(std::move(*value));
  }
  spent_.bytes += Charge(read);
  if (exhausted()) {
    return CannotTell("the rule needs too much time on this registry");
  }
  return HoldToLimits(call.function->apply(arguments), call.function->name, spent_.bytes);
}

TemplateResult Evaluator::ComputeIf(const Expression::Lazy& lazy) {
  TemplateResult condition = Compute(lazy.arguments[0]);
  if (!condition) {
    return condition;
  }
  const bool* flag = condition->get_ptr<const bool*>();
  return flag == nullptr ? TemplateResult(Fails("if: expected a boolean, not " + std::string(KindOf(*condition))))
                         : Compute(lazy.arguments[*flag ? 1 : 2]);
}

// Whether Azure looks at the arguments behind the one that decides is not documented: it matters where these fail.
TemplateResult Evaluator::ComputeLogic(const Expression::Lazy& lazy) {
  const bool decisive = lazy.kind == Expression::Lazy::Kind::kOr;
  const std::string name = decisive ? "or" : "and";
  bool decided = false;
  for (const Expression& argument : lazy.arguments) {
    TemplateResult value = Compute(argument);
    const bool* flag = value ? value->get_ptr<const bool*>() : nullptr;
    if (value && flag == nullptr) {
      value = Fails(name + ": expected a boolean, not " + std::string(KindOf(*value)));
    }
    if (!value) {
      return decided ? TemplateResult(CannotTell(name + ": whether it looks behind what decides is not documented, and there " +
                                                 value.error().message))
                     : value;
    }
    decided = decided || *flag == decisive;
  }
  return json(decided == decisive);
}

TemplateResult Evaluator::ComputeCoalesce(const Expression::Lazy& lazy) {
  json found;
  for (const Expression& argument : lazy.arguments) {
    TemplateResult value = Compute(argument);
    if (!value) {
      return found.is_null() ? value
                             : TemplateResult(CannotTell("coalesce: whether it looks behind what it finds is not documented, and there " +
                                                         value.error().message));
    }
    if (found.is_null()) {
      found = std::move(*value);
    }
  }
  return found;
}

TemplateResult Evaluator::ComputeField(const Field& field) {
  const Subject& subject = judged_ ? *judged_ : own_;
  if (IsHidden(field, subject)) {
    hidden_read_.insert(field.location.text.substr(0, field.location.text.find("[*]")));
  }
  if (!field.IsArrayAlias()) {
    const json& value = SelectOne(field, subject);
    if (value.is_null() && IsDoubtful(field, subject)) {
      return CannotTell("whether " + field.location.text +
                        " is there, under a name that differs in letters beyond ASCII, is not known here");
    }
    return value.is_null() ? json("") : value;  // a missing member is "" here, as Azure documents it
  }
  json values = json::array();
  for (const json* value : Select(field, subject)) {
    if (value->is_null()) {
      return CannotTell("whether an element without the member of " + field.location.text + " counts is not documented");
    }
    values.push_back(*value);
  }
  return values;
}

tl::expected<Field, TemplateFailure> Evaluator::Locate(const NamedField& named) { return Locate(named.name->root, named.scopes); }

tl::expected<Field, TemplateFailure> Evaluator::Locate(const Expression& name, const std::vector<CountScope>& scopes) {
  const TemplateResult computed = Compute(name);
  if (!computed) {
    return tl::unexpected(computed.error());
  }
  const std::string* text = AsText(*computed);
  if (text == nullptr) {
    return CannotTell("the name of a field is " + std::string(KindOf(*computed)));
  }
  tl::expected<FieldLocation, std::string> location = LocateField(*text);
  if (!location) {
    constexpr std::size_t kStepsOfALookUp = 1000;  // the message names the nearest of all aliases
    spent_.steps += kStepsOfALookUp;
    return CannotTell(location.error());
  }
  return ScopedField(std::move(*location), scopes);
}

TemplateResult Evaluator::ComputeNamedField(const Expression& name, const std::vector<CountScope>& scopes) {
  const auto field = Locate(name, scopes);
  return field ? ComputeField(*field) : tl::unexpected(field.error());
}

TemplateResult Evaluator::ComputeCurrent(const Field& field) {
  const std::vector<const json*> selected = Select(field);
  json values = json::array();
  for (const json* value : selected) {
    if (value->is_null()) {
      return CannotTell("what it gives of a missing member of an element is not documented");
    }
    values.push_back(*value);
  }
  return field.SelectsMany() ? values : values.front();
}

TemplateResult Evaluator::ComputeContext(const Expression::Context& context) const {
  using Source = Expression::Context::Source;
  const json* member = FindMember(input_.resource, "id");
  const std::string* id = member == nullptr ? nullptr : AsText(*member);
  const std::string subscription(id == nullptr ? "" : ResourceIdPart(*id, "subscriptions"));
  const std::string group(id == nullptr ? "" : ResourceIdPart(*id, "resourceGroups"));
  std::string value;
  std::string call;
  switch (context.source) {
    case Source::kSubscription:
      call = "subscription()";
      value = context.member == "subscriptionId" ? subscription : context.member == "id" ? "/subscriptions/" + subscription : "";
      value = subscription.empty() ? "" : value;
      break;
    case Source::kResourceGroup:
      call = "resourceGroup()";
      value = context.member == "name"   ? group
              : context.member == "id"   ? "/subscriptions/" + subscription + "/resourceGroups/" + group
              : context.member == "type" ? "Microsoft.Resources/resourceGroups"
                                         : "";
      value = group.empty() ? "" : value;
      break;
    case Source::kPolicy:
      call = "policy()";
      value = context.member == "definitionId" ? input_.definition_id : "";
      break;
    case Source::kRequest:
      call = "requestContext()";
      value = context.member == "apiVersion" ? kRegistryApiVersion : "";  // the latest, as where Azure looks at existing resources
      break;
  }
  if (value.empty()) {
    return CannotTell(call + (context.member.empty() ? "" : "." + context.member) +
                      " is not known here: a registry's description does not hold it");
  }
  return json(std::move(value));
}

}  // namespace policy
