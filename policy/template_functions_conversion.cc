// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric
#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "base/json.h"
#include "base/text.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

bool IsDigits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

std::string Quoted(std::string_view text) { return "\"" + base::Printable(text, 64) + "\""; }

TemplateResult Int(TemplateArguments arguments) {
  if (arguments[0].is_number_integer()) {
    return arguments[0];
  }
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return arguments[0].is_number() ? CannotTell("how a fraction becomes an integer is not documented")
                                    : WrongKind("a string or an integer", arguments[0]);
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && end == text->data() + text->size()) {
    return json(number);
  }
  // .NET takes spaces, a plus sign and perhaps more; words it does not take.
  const bool wordy = text->empty() || std::ranges::any_of(*text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return wordy ? Fails(Quoted(*text) + " is no integer") : CannotTell("whether " + Quoted(*text) + " is an integer is not documented");
}

TemplateResult Float(TemplateArguments arguments) {
  if (arguments[0].is_number()) {
    return json(arguments[0].get<double>());
  }
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string or an integer", arguments[0]);
  }
  std::string_view digits = *text;
  digits.remove_prefix(digits.starts_with('-') ? 1 : 0);
  const std::size_t point = digits.find('.');
  const bool plain = IsDigits(digits.substr(0, point)) && (point == std::string_view::npos || IsDigits(digits.substr(point + 1)));
  double number = 0;
  if (!plain || std::from_chars(text->data(), text->data() + text->size(), number).ec != std::errc()) {
    return CannotTell("whether " + Quoted(*text) + " is a number is not documented");
  }
  return json(number);
}

TemplateResult Bool(TemplateArguments arguments) {
  const json& value = arguments[0];
  if (value.is_boolean()) {
    return value;
  }
  const std::string* text = AsText(value);
  const std::optional<std::int64_t> number = AsInteger(value);
  if ((text != nullptr && base::EqualsIgnoreAsciiCase(*text, "true")) || number == 1) {
    return json(true);
  }
  if ((text != nullptr && base::EqualsIgnoreAsciiCase(*text, "false")) || number == 0) {
    return json(false);
  }
  return text != nullptr || number ? CannotTell("which boolean that is is not documented") : WrongKind("a string or an integer", value);
}

// Whether the value is written in one way alone: the order of an object's members and how fractions are written is not known.
bool HasOneText(const json& value) {
  if (value.is_number_float() || (value.is_object() && value.size() > 1)) {
    return false;
  }
  return !value.is_structured() || std::ranges::all_of(value, HasOneText);
}

TemplateResult String(TemplateArguments arguments) {
  const json& value = arguments[0];
  if (value.is_string()) {
    return value;
  }
  const bool known = value.is_number_integer() || (value.is_structured() && HasOneText(value));
  return known ? TemplateResult(json(base::DumpJson(value)))
               : TemplateResult(CannotTell("how such a value (" + std::string(KindOf(value)) + ") is written as text is not documented"));
}

TemplateResult Json(TemplateArguments arguments) {
  const std::string* text = AsText(arguments[0]);
  if (text == nullptr) {
    return WrongKind("a string", arguments[0]);
  }
  if (base::Result<json> value = base::ParseJson(*text, "json")) {
    return std::move(*value);
  }
  return json::accept(*text) ? CannotTell("what becomes of such JSON (a key twice, too deep) is not documented")
                             : TemplateResult(Fails(Quoted(*text) + " is no JSON"));
}

constexpr std::array kFunctions = std::to_array<TemplateFunction>({
    {"bool", 1, 1, Bool},
    {"float", 1, 1, Float},
    {"int", 1, 1, Int},
    {"json", 1, 1, Json},
    {"string", 1, 1, String},
});

}  // namespace

std::span<const TemplateFunction> ConversionFunctions() { return kFunctions; }

}  // namespace policy
