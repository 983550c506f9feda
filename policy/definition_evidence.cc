#include "policy/definition_evidence.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxWord = 64;       // bytes of one value in "expected"
constexpr std::size_t kMaxListed = 5;      // values of a list in "expected"
constexpr std::size_t kMaxBriefText = 32;  // bytes: longer than any enum of a registry, shorter than what identifies

std::string Word(const json& value) {
  const std::string* text = value.get_ptr<const std::string*>();
  return base::Printable(text != nullptr && !text->empty() ? *text : base::DumpJson(value), kMaxWord);
}

std::string List(const json& values) {
  if (!values.is_array()) {
    return Word(values);
  }
  std::string list;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == kMaxListed) {
      return list + ", …";
    }
    list += (i == 0 ? "" : ", ") + Word(values[i]);
  }
  return list;
}

// The other value, where there are just two; "" otherwise.
std::string_view OtherOfTwo(std::string_view value) {
  constexpr auto kPairs = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"Enabled", "Disabled"}, {"enabled", "disabled"}, {"Allow", "Deny"}, {"true", "false"}});
  for (const auto& [one, other] : kPairs) {
    if (value == one) {
      return other;
    }
    if (value == other) {
      return one;
    }
  }
  return {};
}

bool IsFalse(const json& flag) {
  const bool* value = flag.get_ptr<const bool*>();
  const std::string* text = flag.get_ptr<const std::string*>();
  return (value != nullptr && !*value) || (text != nullptr && base::EqualsIgnoreAsciiCase(*text, "false"));
}

}  // namespace

std::string EvidenceText(const json& value) {
  std::string text = base::DumpJson(value);
  if (text.size() <= kMaxEvidenceText) {
    return text;
  }
  const std::string* string = value.get_ptr<const std::string*>();
  const std::string whole = string != nullptr ? *string : text;
  // Escapes make the written form longer than what it stands for, at most sixfold.
  for (std::size_t room = kMaxEvidenceText - 2; room > 0; room /= 2) {
    text = base::DumpJson(json(base::Printable(whole, room)));
    if (text.size() <= kMaxEvidenceText) {
      return text;
    }
  }
  return "\"…\"";
}

bool IsBrief(const json& value) {
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    return value.is_primitive();
  }
  return text->size() <= kMaxBriefText && std::ranges::all_of(*text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ';
         });
}

std::string DescribeExpected(Comparison comparison, bool holds, const json& operand, bool two_valued) {
  std::string word = Word(operand);
  switch (comparison) {
    case Comparison::kEquals:
      if (holds) {
        return word;
      }
      if (const std::string_view other = two_valued ? OtherOfTwo(word) : std::string_view(); !other.empty()) {
        return std::string(other);
      }
      return "not " + word;
    case Comparison::kIn:
      return (holds ? "one of " : "none of ") + List(operand);
    case Comparison::kLike:
      return (holds ? "like " : "not like ") + word;
    case Comparison::kMatch:
    case Comparison::kMatchInsensitively:
      return (holds ? "of the form " : "not of the form ") + word;
    case Comparison::kContains:
      return (holds ? "containing " : "not containing ") + word;
    case Comparison::kContainsKey:
      return (holds ? "with the key " : "without the key ") + word;
    case Comparison::kLess:
      return (holds ? "less than " : "at least ") + word;
    case Comparison::kLessOrEquals:
      return (holds ? "at most " : "more than ") + word;
    case Comparison::kGreater:
      return (holds ? "more than " : "at most ") + word;
    case Comparison::kGreaterOrEquals:
      return (holds ? "at least " : "less than ") + word;
    case Comparison::kExists:
      return holds != IsFalse(operand) ? "present" : "absent";
  }
  return word;
}

}  // namespace policy
