#include "policy/template_functions.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "policy/template_values.h"

namespace policy {

using nlohmann::json;

namespace {

std::vector<TemplateFunction> MakeTable() {
  std::vector<TemplateFunction> table;
  for (const std::span<const TemplateFunction> kind : {StringFunctions(), CollectionFunctions(), NumberFunctions(), LogicFunctions(),
                                                       ConversionFunctions(), EncodingFunctions(), PolicyFunctions()}) {
    table.insert(table.end(), kind.begin(), kind.end());
  }
  return table;
}

const std::vector<TemplateFunction>& Table() {
  static const std::vector<TemplateFunction> table = MakeTable();
  return table;
}

constexpr std::string_view kNotInPolicies = "Azure Policy does not have this function in rules";
constexpr std::string_view kLambda = "Azure Policy has no lambda expressions";
constexpr std::string_view kUndocumented = "how Azure computes this is not documented";

struct Refused {
  std::string_view name;
  std::string_view why;
};

// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-functions
constexpr std::array kRefused = std::to_array<Refused>({
    {"copyIndex", kNotInPolicies},
    {"dateTimeAdd", kNotInPolicies},
    {"dateTimeFromEpoch", kNotInPolicies},
    {"dateTimeToEpoch", kNotInPolicies},
    {"deployer", kNotInPolicies},
    {"deployment", kNotInPolicies},
    {"environment", kNotInPolicies},
    {"extensionResourceId", kNotInPolicies},
    {"filter", kLambda},
    {"groupBy", kLambda},
    {"guid", kUndocumented},
    {"lambda", kLambda},
    {"lambdaVariables", kLambda},
    {"list", kNotInPolicies},
    {"listAccountSas", kNotInPolicies},
    {"listKeys", kNotInPolicies},
    {"listSecrets", kNotInPolicies},
    {"managementGroup", kNotInPolicies},
    {"managementGroupResourceId", kNotInPolicies},
    {"map", kLambda},
    {"mapValues", kLambda},
    {"newGuid", kNotInPolicies},
    {"pickZones", kNotInPolicies},
    {"providers", kNotInPolicies},
    {"reduce", kLambda},
    {"reference", kNotInPolicies},
    {"references", kNotInPolicies},
    {"resourceId", kNotInPolicies},
    {"sort", kLambda},
    {"subscriptionResourceId", kNotInPolicies},
    {"tenant", kNotInPolicies},
    {"tenantResourceId", kNotInPolicies},
    {"toObject", kLambda},
    {"uniqueString", kUndocumented},
    {"uri", "what it makes of its parts is documented for some of them only"},
    {"variables", kNotInPolicies},
});

struct Extent {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
};

// False when the value is deeper than Azure's limit.
bool Measure(const json& value, std::size_t depth, Extent& extent) {
  if (depth > kMaxFunctionDepth) {
    return false;
  }
  ++extent.nodes;
  extent.bytes += sizeof(json);
  if (const std::string* text = AsText(value)) {
    extent.bytes += text->size();
  } else if (value.is_structured()) {
    for (auto member = value.begin(); member != value.end(); ++member) {
      extent.bytes += value.is_object() ? member.key().size() : 0;
      if (!Measure(*member, depth + 1, extent)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

const TemplateFunction* FindTemplateFunction(std::string_view name) {
  const auto found = std::ranges::find_if(Table(), [&](const TemplateFunction& f) { return base::EqualsIgnoreAsciiCase(f.name, name); });
  return found == Table().end() ? nullptr : &*found;
}

std::span<const std::string_view> TemplateFunctionNames() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const TemplateFunction& function : Table()) {
      all.push_back(function.name);
    }
    return all;
  }();
  return names;
}

std::string_view WhyTemplateFunctionIsRefused(std::string_view name) {
  const auto found = std::ranges::find_if(kRefused, [&](const Refused& r) { return base::EqualsIgnoreAsciiCase(r.name, name); });
  return found == kRefused.end() ? std::string_view() : found->why;
}

TemplateResult HoldToLimits(TemplateResult result, std::string_view function, std::size_t& bytes) {
  if (!result) {
    result.error().message = std::string(function) + ": " + result.error().message;
    return result;
  }
  const std::string* text = AsText(*result);
  Extent extent;
  const bool shallow = Measure(*result, 1, extent);
  bytes += extent.bytes;
  const std::string limit = !shallow                                             ? std::to_string(kMaxFunctionDepth) + " levels"
                            : extent.nodes > kMaxFunctionNodes                   ? std::to_string(kMaxFunctionNodes) + " values"
                            : text != nullptr && text->size() > kMaxFunctionText ? std::to_string(kMaxFunctionText) + " bytes"
                                                                                 : "";
  return limit.empty() ? std::move(result)
                       : TemplateResult(Fails(std::string(function) + ": the result has more than " + limit + ", Azure's limit"));
}

}  // namespace policy
