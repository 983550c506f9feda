#include "policy/template_values.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

namespace policy {

using nlohmann::json;

namespace {

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::set<std::string> LowerKeys(const json& object) {
  std::set<std::string> keys;
  for (auto member = object.begin(); member != object.end(); ++member) {
    keys.insert(base::AsciiLower(member.key()));
  }
  return keys;
}

std::string ScalarText(const json& value) {
  const std::string* text = AsText(value);
  return text != nullptr      ? *text
         : value.is_boolean() ? value.get<bool>() ? "true" : "false"
         : AsInteger(value)   ? std::to_string(*AsInteger(value))
                              : base::DumpJson(value);
}

// Whether texts that differ may be the same but for case.
bool AreClose(std::string_view a, std::string_view b) { return base::EqualsIgnoreAsciiCase(a, b) || (!IsAscii(a) && !IsAscii(b)); }

}  // namespace

tl::unexpected<TemplateFailure> Fails(std::string message) {
  return tl::unexpected(TemplateFailure{TemplateFailure::Kind::kFails, std::move(message)});
}

tl::unexpected<TemplateFailure> CannotTell(std::string message) {
  return tl::unexpected(TemplateFailure{TemplateFailure::Kind::kCannotTell, std::move(message)});
}

std::string_view KindOf(const json& value) {
  return value.is_null()             ? "null"
         : value.is_string()         ? "a string"
         : value.is_boolean()        ? "a boolean"
         : value.is_number_integer() ? "an integer"
         : value.is_number()         ? "a number with a fraction"
         : value.is_array()          ? "an array"
                                     : "an object";
}

tl::unexpected<TemplateFailure> WrongKind(std::string_view expected, const json& value) {
  return Fails("expected " + std::string(expected) + ", not " + std::string(KindOf(value)));
}

const std::string* AsText(const json& value) { return value.get_ptr<const std::string*>(); }

std::optional<std::int64_t> AsInteger(const json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return number <= static_cast<std::uint64_t>(INT64_MAX) ? std::optional(static_cast<std::int64_t>(number)) : std::nullopt;
  }
  return value.is_number_integer() ? std::optional(value.get<std::int64_t>()) : std::nullopt;
}

std::optional<std::vector<std::string_view>> CharactersOf(std::string_view text) {
  std::vector<std::string_view> characters;
  characters.reserve(text.size());
  while (!text.empty()) {
    const base::Utf8Character next = base::DecodeUtf8(text);
    if (!next.valid || next.code_point > 0xffff) {
      return std::nullopt;
    }
    characters.push_back(text.substr(0, next.bytes));
    text.remove_prefix(next.bytes);
  }
  return characters;
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::optional<bool> Same(const json& a, const json& b) {
  if (a.is_array() && b.is_array()) {
    if (a.size() != b.size()) {
      return false;
    }
    bool sure = true;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const std::optional<bool> same = Same(a[i], b[i]);
      if (same == false) {
        return false;
      }
      sure = sure && same.has_value();
    }
    return sure ? std::optional(true) : std::nullopt;
  }
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) {
      return false;
    }
    bool sure = true;
    for (auto one = a.begin(), other = b.begin(); one != a.end(); ++one, ++other) {
      if (one.key() != other.key()) {
        return LowerKeys(a) == LowerKeys(b) ? std::nullopt : std::optional(false);
      }
      const std::optional<bool> same = Same(one.value(), other.value());
      if (same == false) {
        return false;
      }
      sure = sure && same.has_value();
    }
    return sure ? std::optional(true) : std::nullopt;
  }
  if (a.is_structured() || b.is_structured() || a.is_null() || b.is_null()) {
    return a.is_null() && b.is_null();
  }
  const bool like_kinds = a.type() == b.type() || (a.is_number_integer() && b.is_number_integer());
  if (a.is_boolean() && b.is_boolean()) {
    return a == b;
  }
  if (a.is_number() && b.is_number()) {  // one number has one text, but for -0.0
    return a != b ? std::optional(false) : like_kinds && (a != 0 || ScalarText(a) == ScalarText(b)) ? std::optional(true) : std::nullopt;
  }
  const std::string* left = AsText(a);
  const std::string* right = AsText(b);
  if (left != nullptr && right != nullptr) {
    return *left == *right ? std::optional(true) : AreClose(*left, *right) ? std::nullopt : std::optional(false);
  }
  return AreClose(ScalarText(a), ScalarText(b)) ? std::nullopt : std::optional(false);
}

std::optional<std::weak_ordering> OrderTexts(std::string_view a, std::string_view b, bool ignore_case) {
  const std::size_t common = std::min(a.size(), b.size());
  std::optional<std::weak_ordering> by_case;
  for (std::size_t i = 0; i < common; ++i) {
    if (a[i] == b[i]) {
      continue;
    }
    if (!IsAlphanumeric(a[i]) || !IsAlphanumeric(b[i])) {
      return std::nullopt;
    }
    if (Lower(a[i]) != Lower(b[i])) {
      return Lower(a[i]) <=> Lower(b[i]);
    }
    if (!by_case) {
      by_case = Lower(a[i]) == a[i] ? std::weak_ordering::less : std::weak_ordering::greater;
    }
  }
  if (a.size() != b.size()) {
    const std::string_view rest = a.size() < b.size() ? b.substr(common) : a.substr(common);
    if (!std::ranges::all_of(rest, [](char c) { return c >= ' ' && c <= '~'; })) {
      return std::nullopt;
    }
    return a.size() <=> b.size();
  }
  return by_case && !ignore_case ? *by_case : std::weak_ordering::equivalent;
}

}  // namespace policy
