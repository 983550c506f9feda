// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-logical
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-comparison
#include <array>
#include <string>

#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

TemplateResult True(TemplateArguments) { return json(true); }
TemplateResult False(TemplateArguments) { return json(false); }
TemplateResult Null(TemplateArguments) { return json(); }

TemplateResult Not(TemplateArguments arguments) {
  const bool* value = arguments[0].get_ptr<const bool*>();
  return value != nullptr ? TemplateResult(json(!*value)) : TemplateResult(WrongKind("a boolean", arguments[0]));
}

TemplateResult Equals(TemplateArguments arguments) {
  const std::optional<bool> same = Same(arguments[0], arguments[1]);
  return same ? TemplateResult(json(*same))
              : TemplateResult(CannotTell("whether values that differ in case or type alone are equal is not documented"));
}

enum class Order { kLess, kLessOrEquals, kGreater, kGreaterOrEquals };

template <Order kOrder>
TemplateResult Compare(TemplateArguments arguments) {
  const json& a = arguments[0];
  const json& b = arguments[1];
  for (const json& argument : arguments) {
    if (!argument.is_number() && !argument.is_string()) {
      return WrongKind("an integer or a string", argument);
    }
  }
  if (a.is_string() != b.is_string()) {
    return WrongKind(a.is_string() ? "a string" : "an integer", b);
  }
  std::optional<std::weak_ordering> order;
  if (a.is_string()) {
    order = OrderTexts(*AsText(a), *AsText(b), /*ignore_case=*/false);
    if (!order) {
      return CannotTell("how such texts are ordered is not known here");
    }
  } else {
    order = a < b ? std::weak_ordering::less : b < a ? std::weak_ordering::greater : std::weak_ordering::equivalent;
  }
  switch (kOrder) {
    case Order::kLess:
      return json(*order < 0);
    case Order::kLessOrEquals:
      return json(*order <= 0);
    case Order::kGreater:
      return json(*order > 0);
    case Order::kGreaterOrEquals:
      break;
  }
  return json(*order >= 0);
}

constexpr std::array kFunctions = std::to_array<TemplateFunction>({
    {"equals", 2, 2, Equals},
    {"false", 0, 0, False},
    {"greater", 2, 2, Compare<Order::kGreater>},
    {"greaterOrEquals", 2, 2, Compare<Order::kGreaterOrEquals>},
    {"less", 2, 2, Compare<Order::kLess>},
    {"lessOrEquals", 2, 2, Compare<Order::kLessOrEquals>},
    {"not", 1, 1, Not},
    {"null", 0, 0, Null},
    {"true", 0, 0, True},
});

}  // namespace

std::span<const TemplateFunction> LogicFunctions() { return kFunctions; }

}  // namespace policy
