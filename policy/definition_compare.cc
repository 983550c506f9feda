#include "policy/definition_compare.h"

#include <algorithm>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/template_values.h"
#include "policy/text_compare.h"

namespace policy {
namespace {

using nlohmann::json;

const std::string* AsString(const json& value) { return value.get_ptr<const std::string*>(); }

// A scalar as text: what string conditions look at. Nothing for null, arrays and objects.
std::optional<std::string> Text(const json& value) {
  if (const std::string* text = AsString(value)) {
    return *text;
  }
  if (value.is_boolean() || value.is_number()) {
    return base::DumpJson(value);
  }
  return std::nullopt;
}

// What comes of several of which one that is true is enough.
template <class Range, class Judge>
Outcome AnyOf(const Range& range, Judge judge) {
  Outcome all = Outcome::kFalse;
  for (const json& element : range) {
    const Outcome one = judge(element);
    if (one == Outcome::kTrue) {
      return one;
    }
    all = one == Outcome::kUnknown ? one : all;
  }
  return all;
}

// A scalar equals the string that it would be written as ("true", "1").
Outcome LooselyEqual(const json& a, const json& b);

Outcome EqualArrays(const json& a, const json& b) {
  Outcome all = ToOutcome(a.size() == b.size());
  for (std::size_t i = 0; all != Outcome::kFalse && i < a.size(); ++i) {
    const Outcome one = LooselyEqual(a[i], b[i]);
    all = one == Outcome::kTrue ? all : one;
  }
  return all;
}

Outcome EqualObjects(const json& a, const json& b) {
  Outcome all = ToOutcome(a.size() == b.size());
  for (auto member = a.begin(); all != Outcome::kFalse && member != a.end(); ++member) {
    const json* other = FindMember(b, member.key());
    const Outcome one = other != nullptr                 ? LooselyEqual(member.value(), *other)
                        : MayHaveMember(b, member.key()) ? Outcome::kUnknown
                                                         : Outcome::kFalse;
    all = one == Outcome::kTrue ? all : one;
  }
  return all;
}

Outcome LooselyEqual(const json& a, const json& b) {
  const std::string* left = AsString(a);
  const std::string* right = AsString(b);
  if (left != nullptr && right != nullptr) {
    return EqualTexts(*left, *right);
  }
  if (left != nullptr || right != nullptr) {
    const std::optional<std::string> scalar = Text(left != nullptr ? b : a);
    return scalar ? EqualTexts(*scalar, left != nullptr ? *left : *right) : Outcome::kFalse;
  }
  if (a.is_array() && b.is_array()) {
    return EqualArrays(a, b);
  }
  if (a.is_object() && b.is_object()) {
    return EqualObjects(a, b);
  }
  return ToOutcome(a == b);
}

Outcome Contains(const json& actual, const json& operand) {
  if (actual.is_array()) {
    return AnyOf(actual, [&](const json& element) { return LooselyEqual(element, operand); });
  }
  const std::optional<std::string> part = Text(operand);
  if (!part || part->find('*') != std::string::npos) {
    return Outcome::kFailed;
  }
  const std::optional<std::string> text = Text(actual);
  return text ? ContainsText(*text, *part) : Outcome::kFalse;
}

// Numbers with numbers, text with text, times with times; anything else has no order, which is kFailed.
tl::expected<std::weak_ordering, Outcome> Order(const json& a, const json& b) {
  if (a.is_number() && b.is_number()) {
    if (a < b) {
      return std::weak_ordering::less;
    }
    return b < a ? std::weak_ordering::greater : std::weak_ordering::equivalent;
  }
  const std::string* left = AsString(a);
  const std::string* right = AsString(b);
  if (left == nullptr || right == nullptr) {
    return tl::unexpected(Outcome::kFailed);
  }
  const std::optional<base::Time> left_time = base::ParseTime(*left);
  const std::optional<base::Time> right_time = base::ParseTime(*right);
  if (left_time && right_time) {
    return *left_time <=> *right_time;
  }
  const std::optional<std::weak_ordering> order = OrderTexts(*left, *right, /*ignore_case=*/true);
  return order ? tl::expected<std::weak_ordering, Outcome>(*order) : tl::unexpected(Outcome::kUnknown);
}

Outcome Ordered(Comparison comparison, const json& actual, const json& operand) {
  const tl::expected<std::weak_ordering, Outcome> order = Order(actual, operand);
  if (!order) {
    return order.error();
  }
  switch (comparison) {
    case Comparison::kLess:
      return ToOutcome(*order < 0);
    case Comparison::kLessOrEquals:
      return ToOutcome(*order <= 0);
    case Comparison::kGreater:
      return ToOutcome(*order > 0);
    default:
      return ToOutcome(*order >= 0);
  }
}

// "true", "false" in any case, or a boolean.
std::optional<bool> AsFlag(const json& value) {
  if (const bool* flag = value.get_ptr<const bool*>()) {
    return *flag;
  }
  const std::string* text = AsString(value);
  if (text != nullptr && base::EqualsIgnoreAsciiCase(*text, "true")) {
    return true;
  }
  if (text != nullptr && base::EqualsIgnoreAsciiCase(*text, "false")) {
    return false;
  }
  return std::nullopt;
}

Outcome ComparePlain(Comparison comparison, const json& actual, const json& operand) {
  switch (comparison) {
    case Comparison::kEquals:
      return LooselyEqual(actual, operand);
    case Comparison::kIn:
      if (!operand.is_array()) {
        return Outcome::kFailed;
      }
      return AnyOf(operand, [&](const json& element) { return LooselyEqual(actual, element); });
    case Comparison::kContains:
      return Contains(actual, operand);
    case Comparison::kContainsKey: {
      const std::string* key = AsString(operand);
      return key == nullptr                        ? Outcome::kFailed
             : FindMember(actual, *key) != nullptr ? Outcome::kTrue
             : MayHaveMember(actual, *key)         ? Outcome::kUnknown
                                                   : Outcome::kFalse;
    }
    case Comparison::kExists: {
      const std::optional<bool> wanted = AsFlag(operand);
      return wanted ? ToOutcome(actual.is_null() != *wanted) : Outcome::kFailed;
    }
    case Comparison::kLike:
    case Comparison::kMatch:
    case Comparison::kMatchInsensitively: {
      const std::string* pattern = AsString(operand);
      if (pattern == nullptr) {
        return Outcome::kFailed;
      }
      const std::optional<std::string> text = Text(actual);
      if (!text) {
        return Outcome::kFalse;
      }
      return comparison == Comparison::kLike
                 ? LikeText(*text, *pattern)
                 : MatchText(*text, *pattern, comparison == Comparison::kMatch ? Case::kMatters : Case::kIgnored);
    }
    default:
      return Ordered(comparison, actual, operand);
  }
}

}  // namespace

std::size_t ComparisonSteps(const json& value) {
  constexpr std::size_t kBytes = 64;
  if (const std::string* text = AsString(value)) {
    return text->size() / kBytes;
  }
  if (!value.is_structured()) {
    return 0;
  }
  std::size_t steps = value.size();
  for (const json& element : value) {
    steps += ComparisonSteps(element);
  }
  if (value.is_object()) {
    steps += value.size() * value.size() / kBytes;
  }
  return steps;
}

const json* FindMember(const json& object, std::string_view name) {
  if (!object.is_object()) {
    return nullptr;
  }
  if (const auto exact = object.find(name); exact != object.end()) {
    return &*exact;
  }
  for (auto member = object.begin(); member != object.end(); ++member) {
    if (base::EqualsIgnoreAsciiCase(member.key(), name)) {
      return &member.value();
    }
  }
  return nullptr;
}

bool MayHaveMember(const json& object, std::string_view name) {
  if (!object.is_object()) {
    return false;
  }
  for (auto member = object.begin(); member != object.end(); ++member) {
    if (EqualTexts(member.key(), name) == Outcome::kUnknown) {
      return true;
    }
  }
  return false;
}

const std::string* FindText(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  return member == nullptr ? nullptr : member->get_ptr<const std::string*>();
}

Outcome Compare(Comparison comparison, bool negated, const json& actual, const json& operand) {
  const Outcome outcome = ComparePlain(comparison, actual, operand);
  return negated ? Opposite(outcome) : outcome;
}

}  // namespace policy
