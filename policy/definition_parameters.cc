#include "policy/definition_parameters.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/definition_text.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 7> kParameterTypes = {"String", "Array", "Object", "Boolean", "Integer", "Float", "DateTime"};

bool HasType(const json& value, std::string_view type) {
  const std::string* text = value.get_ptr<const std::string*>();
  return type == "String"     ? text != nullptr
         : type == "Array"    ? value.is_array()
         : type == "Object"   ? value.is_object()
         : type == "Boolean"  ? value.is_boolean()
         : type == "Integer"  ? value.is_number_integer()
         : type == "Float"    ? value.is_number()
         : type == "DateTime" ? text != nullptr && base::ParseTime(*text).has_value()
                              : false;
}

// Azure compares allowed values with regard to case. Of an array, the elements may be what is allowed.
bool IsAllowed(const json& value, const std::vector<json>& allowed) {
  const auto is_allowed = [&](const json& one) { return std::ranges::find(allowed, one) != allowed.end(); };
  return allowed.empty() || is_allowed(value) || (value.is_array() && std::all_of(value.begin(), value.end(), is_allowed));
}

std::string Quoted(const json& value) { return base::Printable(base::DumpJson(value), kMaxQuotedText); }

// What is wrong with a value for the parameter, or "".
std::string ValueProblem(const ParameterDefinition& parameter, const json& value) {
  if (!HasType(value, parameter.type)) {
    return "expected a value of type " + parameter.type + ", not " + Quoted(value);
  }
  return IsAllowed(value, parameter.allowed_values)
             ? std::string()
             : Quoted(value) + " is not among the allowed values " + Quoted(json(parameter.allowed_values));
}

tl::expected<ParameterDefinition, std::string> ParseParameter(const std::string& name, const json& body, const std::string& path) {
  ParameterDefinition parameter;
  parameter.name = name;
  const std::string type = TextMember(body, "type");
  const auto known = std::ranges::find_if(kParameterTypes, [&](std::string_view t) { return base::EqualsIgnoreAsciiCase(t, type); });
  if (known == kParameterTypes.end()) {
    return tl::unexpected(path + ".type: expected String, Array, Object, Boolean, Integer, Float or DateTime");
  }
  parameter.type = *known;
  if (const json* allowed = PresentMember(body, "allowedValues")) {
    if (!allowed->is_array()) {  // an empty one allows any value: Azure's own initiatives have such, with a default
      return tl::unexpected(path + ".allowedValues: expected an array");
    }
    parameter.allowed_values.assign(allowed->begin(), allowed->end());
  }
  if (const json* value = PresentMember(body, "defaultValue")) {
    if (std::string problem = ValueProblem(parameter, *value); !problem.empty()) {
      return tl::unexpected(path + ".defaultValue: " + problem);
    }
    parameter.default_value = *value;
  }
  return parameter;
}

}  // namespace

tl::expected<std::vector<ParameterDefinition>, std::string> ParseParameters(const json* parameters, const std::string& path) {
  std::vector<ParameterDefinition> parsed;
  if (parameters == nullptr) {
    return parsed;
  }
  if (!parameters->is_object()) {
    return tl::unexpected(path + ": expected an object");
  }
  for (auto member = parameters->begin(); member != parameters->end(); ++member) {
    tl::expected<ParameterDefinition, std::string> parameter =
        ParseParameter(member.key(), member.value(), path + "." + base::Printable(member.key(), kMaxQuotedText));
    if (!parameter) {
      return tl::unexpected(std::move(parameter.error()));
    }
    parsed.push_back(std::move(*parameter));
  }
  return parsed;
}

tl::expected<json, std::vector<std::string>> BindParameters(std::string_view owner, const std::vector<ParameterDefinition>& parameters,
                                                            const json& given) {
  std::vector<std::string> problems;
  json bound = json::object();
  std::vector<std::string_view> names;
  for (const ParameterDefinition& parameter : parameters) {
    names.push_back(parameter.name);
    if (parameter.default_value) {
      bound[parameter.name] = *parameter.default_value;
    }
  }
  if (!given.is_object() && !given.is_null()) {
    return tl::unexpected(std::vector<std::string>{"the parameters of " + std::string(owner) + " must be a mapping of names to values"});
  }
  std::vector<std::string_view> seen;
  for (auto member = given.begin(); member != given.end(); ++member) {
    const auto parameter =
        std::ranges::find_if(parameters, [&](const ParameterDefinition& p) { return base::EqualsIgnoreAsciiCase(p.name, member.key()); });
    if (parameter == parameters.end()) {
      std::string problem = std::string(owner) + " has no parameter \"" + base::Printable(member.key(), kMaxQuotedText) + "\"";
      if (const std::string_view near = base::Nearest(member.key(), names); !near.empty()) {
        problem += "; did you mean \"" + std::string(near) + "\"?";
      }
      problems.push_back(std::move(problem));
      continue;
    }
    if (std::ranges::find(seen, parameter->name) != seen.end()) {
      problems.push_back("the parameter " + parameter->name + " of " + std::string(owner) + " is given twice");
      continue;
    }
    seen.push_back(parameter->name);
    if (std::string problem = ValueProblem(*parameter, member.value()); !problem.empty()) {
      problems.push_back("the parameter " + parameter->name + " of " + std::string(owner) + ": " + problem);
      continue;
    }
    bound[parameter->name] = member.value();
  }
  for (const ParameterDefinition& parameter : parameters) {
    if (parameter.used && !parameter.default_value && std::ranges::find(seen, parameter.name) == seen.end()) {
      problems.push_back(std::string(owner) + " needs its parameter " + parameter.name + " (" + parameter.type + ")");
    }
  }
  if (!problems.empty()) {
    return tl::unexpected(std::move(problems));
  }
  return bound;
}

}  // namespace policy
