// What the template functions have in common: failures, kinds of arguments, characters, equality and order.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "policy/template_functions.h"

namespace policy {

// The functions by what they work on; template_functions.cc makes one table of them.
std::span<const TemplateFunction> StringFunctions();
std::span<const TemplateFunction> CollectionFunctions();
std::span<const TemplateFunction> NumberFunctions();
std::span<const TemplateFunction> LogicFunctions();
std::span<const TemplateFunction> ConversionFunctions();
std::span<const TemplateFunction> EncodingFunctions();
std::span<const TemplateFunction> PolicyFunctions();

// "yyyy-MM-ddTHH:mm:ss.fffffffZ", as utcNow gives it.
std::string FormatPolicyTime(base::Time time);

// Any number of arguments: Azure's own limit is held where the expression is parsed.
inline constexpr std::size_t kAnyNumber = 128;

tl::unexpected<TemplateFailure> Fails(std::string message);
tl::unexpected<TemplateFailure> CannotTell(std::string message);

// "a string", "null", …
std::string_view KindOf(const nlohmann::json& value);
// "expected a string, not null"
tl::unexpected<TemplateFailure> WrongKind(std::string_view expected, const nlohmann::json& value);

const std::string* AsText(const nlohmann::json& value);
std::optional<std::int64_t> AsInteger(const nlohmann::json& value);

// The characters of a text, each as its bytes. .NET counts UTF-16 units: nothing where a character needs two of them.
std::optional<std::vector<std::string_view>> CharactersOf(std::string_view text);
bool IsAscii(std::string_view text);

// As the functions `equals`, `contains` and `union` have it: strings by case. Nothing where the values differ in the case of
// letters or in their types alone (1 and '1'): what Azure makes of that is not documented.
std::optional<bool> Same(const nlohmann::json& a, const nlohmann::json& b);

// As .NET's invariant culture orders texts: letters without regard to case first, "a" before "A" where nothing else differs.
// With `ignore_case` these are equal. Nothing where characters other than ASCII letters and digits decide.
std::optional<std::weak_ordering> OrderTexts(std::string_view a, std::string_view b, bool ignore_case);

}  // namespace policy
