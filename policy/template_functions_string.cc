// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::string_view kBeyondAscii = "letters beyond ASCII are not handled here";
constexpr std::string_view kTwoUnits = "characters beyond U+FFFF are not handled here";

// Strings and integers: templates concatenate both ("copyIndex()" is an integer).
tl::expected<std::string, TemplateFailure> Piece(const json& value) {
  if (const std::string* text = AsText(value)) {
    return *text;
  }
  if (value.is_number_integer()) {
    return base::DumpJson(value);
  }
  return value.is_structured() ? WrongKind("a string", value)
                               : CannotTell("how " + std::string(KindOf(value)) + " is written as text is not documented");
}

TemplateResult Join(std::span<const json> values, std::string_view delimiter) {
  std::string joined;
  for (std::size_t i = 0; i < values.size(); ++i) {
    tl::expected<std::string, TemplateFailure> piece = Piece(values[i]);
    if (!piece) {
      return tl::unexpected(std::move(piece.error()));
    }
    joined += i == 0 ? "" : delimiter;
    joined += *piece;
    if (joined.size() > kMaxFunctionText) {
      return json(std::move(joined));  // refused for its length
    }
  }
  return json(std::move(joined));
}

TemplateResult Concat(TemplateArguments arguments) {
  if (!arguments.front().is_array()) {
    return Join(arguments, "");
  }
  json joined = json::array();
  for (const json& argument : arguments) {
    if (!argument.is_array()) {
      return WrongKind("an array", argument);
    }
    joined.insert(joined.end(), argument.begin(), argument.end());
    if (joined.size() > kMaxFunctionNodes) {
      return joined;  // refused for its size
    }
  }
  return joined;
}

TemplateResult JoinArray(TemplateArguments arguments) {
  const std::string* delimiter = AsText(arguments[1]);
  if (!arguments[0].is_array() || delimiter == nullptr) {
    return arguments[0].is_array() ? WrongKind("a string", arguments[1]) : WrongKind("an array", arguments[0]);
  }
  return Join(arguments[0].get_ref<const json::array_t&>(), *delimiter);
}

template <char kFrom, char kTo>
TemplateResult ToCase(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  if (!IsAscii(*text)) {
    return CannotTell(std::string(kBeyondAscii));
  }
  std::string changed = *text;
  for (char& c : changed) {
    c = c >= kFrom && c <= kFrom + 25 ? static_cast<char>(c - kFrom + kTo) : c;
  }
  return json(std::move(changed));
}

TemplateResult Replace(TemplateArguments arguments) {
  for (const json& argument : arguments) {
    if (!argument.is_string()) {
      return WrongKind("a string", argument);
    }
  }
  const std::string& old = *AsText(arguments[1]);
  if (old.empty()) {
    return CannotTell("what becomes of an empty string to replace is not documented");
  }
  std::string_view rest = *AsText(arguments[0]);
  std::string replaced;
  for (std::size_t at = rest.find(old); at != std::string_view::npos && replaced.size() <= kMaxFunctionText; at = rest.find(old)) {
    replaced.append(rest.substr(0, at)).append(*AsText(arguments[2]));
    rest.remove_prefix(at + old.size());
  }
  return json(replaced.append(rest));
}

TemplateResult Split(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  const json delimiters = arguments[1].is_array() ? arguments[1] : json::array({arguments[1]});
  for (const json& delimiter : delimiters) {
    if (!delimiter.is_string()) {
      return WrongKind("a string or an array of strings", delimiter);
    }
  }
  if (delimiters.empty() || std::ranges::any_of(delimiters, [](const json& d) { return AsText(d)->empty(); })) {
    return CannotTell("what an empty delimiter does is not documented");
  }
  json parts = json::array();
  std::string_view rest = *text;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < rest.size() && parts.size() <= kMaxFunctionNodes;) {
    std::size_t length = 0;
    for (const json& delimiter : delimiters) {
      if (!rest.substr(at).starts_with(*AsText(delimiter))) {
        continue;
      }
      if (length != 0 && length != AsText(delimiter)->size()) {
        return CannotTell("which of two delimiters that begin alike counts is not documented");
      }
      length = AsText(delimiter)->size();
    }
    if (length != 0) {
      parts.push_back(std::string(rest.substr(begin, at - begin)));
      begin = at + length;
    }
    at += std::max<std::size_t>(length, 1);
  }
  parts.push_back(std::string(rest.substr(begin)));
  return parts;
}

TemplateResult Substring(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  const std::optional<std::int64_t> start = AsInteger(arguments[1]);
  const std::optional<std::int64_t> length = arguments.size() > 2 ? AsInteger(arguments[2]) : std::optional<std::int64_t>(0);
  if (!start || !length) {
    return WrongKind("an integer", start ? arguments[2] : arguments[1]);
  }
  const auto characters = CharactersOf(*text);
  if (!characters) {
    return CannotTell(std::string(kTwoUnits));
  }
  const auto size = static_cast<std::int64_t>(characters->size());
  if (*start < 0 || *length < 0 || *start > size || *length > size - *start) {
    return Fails("the string has " + std::to_string(size) + " characters");
  }
  std::string part;
  const std::int64_t end = arguments.size() > 2 ? *start + *length : size;
  for (std::int64_t i = *start; i < end; ++i) {
    part += (*characters)[static_cast<std::size_t>(i)];
  }
  return json(std::move(part));
}

// `matches` gets the lower-case texts.
template <bool (*kMatches)(std::string_view, std::string_view)>
TemplateResult Affix(TemplateArguments arguments) {
  for (const json& argument : arguments) {
    if (!argument.is_string()) {
      return WrongKind("a string", argument);
    }
  }
  const std::string& text = *AsText(arguments[0]);
  const std::string& part = *AsText(arguments[1]);
  if (kMatches(base::AsciiLower(text), base::AsciiLower(part))) {
    return json(true);
  }
  return IsAscii(text) || IsAscii(part) ? TemplateResult(json(false)) : TemplateResult(CannotTell(std::string(kBeyondAscii)));
}

bool StartsWith(std::string_view text, std::string_view part) { return text.starts_with(part); }
bool EndsWith(std::string_view text, std::string_view part) { return text.ends_with(part); }

template <bool kLast>
TemplateResult IndexOf(TemplateArguments arguments) {
  if (arguments[0].is_array()) {
    json found = -1;
    for (std::size_t i = 0; i < arguments[0].size(); ++i) {
      const std::optional<bool> same = Same(arguments[0][i], arguments[1]);
      if (!same) {
        return CannotTell("whether values that differ in case or type alone are the same is not documented");
      }
      if (*same) {
        found = i;
        if (!kLast) {
          break;
        }
      }
    }
    return found;
  }
  const std::string* text = AsText(arguments[0]);
  const std::string* part = AsText(arguments[1]);
  if (text == nullptr || part == nullptr) {
    return text == nullptr ? WrongKind("a string or an array", arguments[0]) : WrongKind("a string", arguments[1]);
  }
  if (part->empty() || !IsAscii(*text)) {
    return CannotTell(part->empty() ? "where an empty string is found is not documented" : std::string(kBeyondAscii));
  }
  const std::string lower = base::AsciiLower(*text);
  const std::string lower_part = base::AsciiLower(*part);
  const std::size_t at = kLast ? lower.rfind(lower_part) : lower.find(lower_part);
  return at == std::string::npos ? json(-1) : json(at);
}

// What .NET calls white space.
bool IsSpace(char32_t c) {
  return (c >= 0x9 && c <= 0xd) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
         c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

TemplateResult Trim(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  std::size_t begin = text->size();
  std::size_t end = 0;
  for (std::size_t at = 0; at < text->size();) {
    const base::Utf8Character next = base::DecodeUtf8(std::string_view(*text).substr(at));
    if (!IsSpace(next.code_point)) {
      begin = std::min(begin, at);
      end = at + next.bytes;
    }
    at += next.bytes;
  }
  return json(begin < end ? text->substr(begin, end - begin) : "");
}

TemplateResult PadLeft(TemplateArguments arguments) {
  const std::string* given = AsText(arguments[0]);
  if (given == nullptr && !arguments[0].is_number_integer()) {
    return WrongKind("a string or an integer", arguments[0]);
  }
  const std::string text = given != nullptr ? *given : base::DumpJson(arguments[0]);
  const std::optional<std::int64_t> length = AsInteger(arguments[1]);
  if (!length) {
    return WrongKind("an integer", arguments[1]);
  }
  const std::string* padding = arguments.size() > 2 ? AsText(arguments[2]) : nullptr;
  if (arguments.size() > 2 && padding == nullptr) {
    return WrongKind("a string", arguments[2]);
  }
  const auto characters = CharactersOf(text);
  const auto pad = CharactersOf(padding == nullptr ? std::string_view(" ") : std::string_view(*padding));
  if (!characters || !pad || *length < 0) {
    return CannotTell(*length < 0 ? "what a negative length does is not documented" : std::string(kTwoUnits));
  }
  if (pad->size() != 1) {
    return Fails("the padding has to be one character");
  }
  const auto size = static_cast<std::int64_t>(characters->size());
  if (*length > static_cast<std::int64_t>(kMaxFunctionText)) {
    return Fails("the result has more than " + std::to_string(kMaxFunctionText) + " characters, Azure's limit");
  }
  std::string padded;
  for (std::int64_t i = size; i < *length; ++i) {
    padded += pad->front();
  }
  return json(padded + text);
}

// 8175133 → "8,175,133".
std::string WithThousands(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

// .NET's composite formatting, as far as Azure documents it: "{0}" and "{0:N0}".
TemplateResult Format(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  std::string formatted;
  std::string_view rest = *text;
  while (!rest.empty() && formatted.size() <= kMaxFunctionText) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '{' && c != '}') {
      formatted += c;
      continue;
    }
    if (rest.starts_with(c)) {  // a doubled brace is one
      formatted += c;
      rest.remove_prefix(1);
      continue;
    }
    const std::size_t end = rest.find('}');
    if (c == '}' || end == std::string_view::npos) {
      return Fails("a brace of the format stands alone");
    }
    const std::string_view item = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::string_view number = item.substr(0, item.find_first_of(",:"));
    const std::string_view how = item.substr(number.size());
    if (number.empty() || number.size() > 3 || number.find_first_not_of("0123456789") != std::string_view::npos) {
      return Fails("\"{" + base::Printable(item, 32) + "}\" names no argument");
    }
    const auto index = static_cast<std::size_t>(std::stoi(std::string(number))) + 1;
    if (index >= arguments.size()) {
      return Fails("there is no argument " + std::string(number));
    }
    if (const bool* flag = arguments[index].get_ptr<const bool*>(); flag != nullptr && how.empty()) {
      formatted += *flag ? "True" : "False";  // as .NET writes it; concat and string are Azure's own
      continue;
    }
    tl::expected<std::string, TemplateFailure> piece = Piece(arguments[index]);
    if (!piece) {
      return tl::unexpected(std::move(piece.error()));
    }
    if (!how.empty() && (how != ":N0" || !arguments[index].is_number_integer())) {
      return CannotTell("the format \"" + base::Printable(how, 32) + "\" is not handled here");
    }
    formatted += how.empty() ? *piece : WithThousands(std::move(*piece));
  }
  return json(std::move(formatted));
}

constexpr std::array kFunctions = std::to_array<TemplateFunction>({
    {"concat", 1, kAnyNumber, Concat},
    {"endsWith", 2, 2, Affix<EndsWith>},
    {"format", 1, kAnyNumber, Format},
    {"indexOf", 2, 2, IndexOf<false>},
    {"join", 2, 2, JoinArray},
    {"lastIndexOf", 2, 2, IndexOf<true>},
    {"padLeft", 2, 3, PadLeft},
    {"replace", 3, 3, Replace},
    {"split", 2, 2, Split},
    {"startsWith", 2, 2, Affix<StartsWith>},
    {"substring", 2, 3, Substring},
    {"toLower", 1, 1, ToCase<'A', 'a'>},
    {"toUpper", 1, 1, ToCase<'a', 'A'>},
    {"trim", 1, 1, Trim},
});

}  // namespace

std::span<const TemplateFunction> StringFunctions() { return kFunctions; }

}  // namespace policy
