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

namespace policy {
namespace {

using nlohmann::json;

// The product of the lengths of two texts of which one is looked for in the other: a search may take as many steps. Larger
// ones, which only expressions make, are given up on.
constexpr std::size_t kMaxSearch = 1U << 26U;

Outcome ToOutcome(bool value) { return value ? Outcome::kTrue : Outcome::kFalse; }

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

std::size_t CharacterLength(std::string_view rest) {
  const auto lead = static_cast<unsigned char>(rest.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(length, rest.size());
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// '#' is a digit, '?' a letter, '.' any character, everything else itself.
bool Matches(std::string_view text, std::string_view pattern) {
  while (!text.empty() && !pattern.empty()) {
    const char expected = pattern.front();
    std::size_t length = 1;
    if (expected == '.') {
      length = CharacterLength(text);
    } else if (expected == '#' ? !IsDigit(text.front()) : expected == '?' ? !IsLetter(text.front()) : text.front() != expected) {
      return false;
    }
    text.remove_prefix(length);
    pattern.remove_prefix(1);
  }
  return text.empty() && pattern.empty();
}

// Both lower-case. One '*' at most: more is no pattern.
Outcome Like(std::string_view text, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return ToOutcome(text == pattern);
  }
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  if (tail.find('*') != std::string_view::npos) {
    return Outcome::kFailed;
  }
  return ToOutcome(text.size() >= head.size() + tail.size() && text.starts_with(head) && text.ends_with(tail));
}

Outcome Contains(const json& actual, const json& operand) {
  if (actual.is_array()) {
    return ToOutcome(std::ranges::any_of(actual, [&](const json& element) { return LooselyEqual(element, operand); }));
  }
  const std::optional<std::string> part = Text(operand);
  if (!part || part->find('*') != std::string::npos) {
    return Outcome::kFailed;
  }
  const std::optional<std::string> text = Text(actual);
  if (text && text->size() * part->size() > kMaxSearch) {
    return Outcome::kUnknown;
  }
  return ToOutcome(text && base::AsciiLower(*text).find(base::AsciiLower(*part)) != std::string::npos);
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
      return ToOutcome(LooselyEqual(actual, operand));
    case Comparison::kIn:
      if (!operand.is_array()) {
        return Outcome::kFailed;
      }
      return ToOutcome(std::ranges::any_of(operand, [&](const json& element) { return LooselyEqual(actual, element); }));
    case Comparison::kContains:
      return Contains(actual, operand);
    case Comparison::kContainsKey: {
      const std::string* key = AsString(operand);
      return key == nullptr ? Outcome::kFailed : ToOutcome(FindMember(actual, *key) != nullptr);
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
      if (comparison == Comparison::kMatch) {
        return ToOutcome(Matches(*text, *pattern));
      }
      const std::string lower = base::AsciiLower(*text);
      const std::string lower_pattern = base::AsciiLower(*pattern);
      return comparison == Comparison::kLike ? Like(lower, lower_pattern) : ToOutcome(Matches(lower, lower_pattern));
    }
    default:
      return Ordered(comparison, actual, operand);
  }
}

}  // namespace

bool LooselyEqual(const json& a, const json& b) {
  const std::string* left = AsString(a);
  const std::string* right = AsString(b);
  if (left != nullptr && right != nullptr) {
    return base::EqualsIgnoreAsciiCase(*left, *right);
  }
  if (left != nullptr || right != nullptr) {
    const std::optional<std::string> scalar = Text(left != nullptr ? b : a);
    return scalar && base::EqualsIgnoreAsciiCase(*scalar, left != nullptr ? *left : *right);
  }
  if (a.is_array() && b.is_array()) {
    return std::ranges::equal(a, b, LooselyEqual);
  }
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) {
      return false;
    }
    for (auto member = a.begin(); member != a.end(); ++member) {
      const json* other = FindMember(b, member.key());
      if (other == nullptr || !LooselyEqual(member.value(), *other)) {
        return false;
      }
    }
    return true;
  }
  return a == b;
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

const std::string* FindText(const json& object, std::string_view name) {
  const json* member = FindMember(object, name);
  return member == nullptr ? nullptr : member->get_ptr<const std::string*>();
}

Outcome Opposite(Outcome outcome) {
  return outcome == Outcome::kTrue ? Outcome::kFalse : outcome == Outcome::kFalse ? Outcome::kTrue : outcome;
}

Outcome Compare(Comparison comparison, bool negated, const json& actual, const json& operand) {
  const Outcome outcome = ComparePlain(comparison, actual, operand);
  return negated ? Opposite(outcome) : outcome;
}

}  // namespace policy
