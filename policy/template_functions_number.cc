// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric
#include <array>
#include <cstdint>
#include <string>

#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

enum class Operation { kAdd, kSub, kMul, kDiv, kMod };

template <Operation kOperation>
TemplateResult Compute(TemplateArguments arguments) {
  const std::optional<std::int64_t> a = AsInteger(arguments[0]);
  const std::optional<std::int64_t> b = AsInteger(arguments[1]);
  if (!a || !b) {
    return WrongKind("an integer", a ? arguments[1] : arguments[0]);
  }
  std::int64_t result = 0;
  bool overflow = false;
  switch (kOperation) {
    case Operation::kAdd:
      overflow = __builtin_add_overflow(*a, *b, &result);
      break;
    case Operation::kSub:
      overflow = __builtin_sub_overflow(*a, *b, &result);
      break;
    case Operation::kMul:
      overflow = __builtin_mul_overflow(*a, *b, &result);
      break;
    case Operation::kDiv:
    case Operation::kMod:
      if (*b == 0) {
        return Fails("division by 0");
      }
      overflow = *a == INT64_MIN && *b == -1;
      if (!overflow) {
        result = kOperation == Operation::kDiv ? *a / *b : *a % *b;  // both round toward 0, as .NET does
      }
      break;
  }
  return overflow ? TemplateResult(CannotTell("what an overflow gives is not documented")) : TemplateResult(json(result));
}

template <bool kGreatest>
TemplateResult Extreme(TemplateArguments arguments) {
  const json values =
      arguments.size() == 1 && arguments[0].is_array() ? arguments[0] : json(json::array_t(arguments.begin(), arguments.end()));
  std::optional<std::int64_t> extreme;
  for (const json& value : values) {
    const std::optional<std::int64_t> number = AsInteger(value);
    if (!number) {
      return WrongKind("an integer", value);
    }
    extreme = !extreme || (kGreatest ? *number > *extreme : *number < *extreme) ? number : extreme;
  }
  return extreme ? TemplateResult(json(*extreme)) : TemplateResult(CannotTell("what an empty array gives is not documented"));
}

TemplateResult Range(TemplateArguments arguments) {
  constexpr std::int64_t kMaxCount = 10000;
  constexpr std::int64_t kMaxSum = 2147483647;
  const std::optional<std::int64_t> start = AsInteger(arguments[0]);
  const std::optional<std::int64_t> count = AsInteger(arguments[1]);
  if (!start || !count) {
    return WrongKind("an integer", start ? arguments[1] : arguments[0]);
  }
  if (*count < 0 || *count > kMaxCount || *start > kMaxSum - *count) {
    return Fails("at most 10000 numbers up to 2147483647 can be made");
  }
  json numbers = json::array();
  for (std::int64_t i = 0; i < *count; ++i) {
    numbers.push_back(*start + i);
  }
  return numbers;
}

constexpr std::array kFunctions = std::to_array<TemplateFunction>({
    {"add", 2, 2, Compute<Operation::kAdd>},
    {"div", 2, 2, Compute<Operation::kDiv>},
    {"max", 1, kAnyNumber, Extreme<true>},
    {"min", 1, kAnyNumber, Extreme<false>},
    {"mod", 2, 2, Compute<Operation::kMod>},
    {"mul", 2, 2, Compute<Operation::kMul>},
    {"range", 2, 2, Range},
    {"sub", 2, 2, Compute<Operation::kSub>},
});

}  // namespace

std::span<const TemplateFunction> NumberFunctions() { return kFunctions; }

}  // namespace policy
