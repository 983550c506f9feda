// The template functions that a policy rule may call on values: those of Azure Resource Manager that do not need the
// deployment, and Azure Policy's own. Those that need the resource (field, current, parameters, …) or that do not look at
// all their arguments (if, and, or, coalesce) are the expression's own; see definition_expression.h.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace policy {

// Azure's limits for what functions make of the resource; beyond them the function fails.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-rule-limits
inline constexpr std::size_t kMaxFunctionText = 131072;
inline constexpr std::size_t kMaxFunctionNodes = 32768;
inline constexpr std::size_t kMaxFunctionDepth = 128;

struct TemplateFailure {
  enum class Kind {
    kFails,       // Azure's function fails on such arguments too
    kCannotTell,  // Azure's function may have a result, but what it is nobody documents, or it is not to be known here
  };
  Kind kind = Kind::kFails;
  std::string message;  // "substring: the string has 2 characters, not 3"
};

using TemplateResult = tl::expected<nlohmann::json, TemplateFailure>;
using TemplateArguments = std::span<const nlohmann::json>;

// Pure. `apply` gets as many arguments as the numbers allow.
struct TemplateFunction {
  std::string_view name;  // as Azure writes it
  std::size_t min_arguments;
  std::size_t max_arguments;
  TemplateResult (*apply)(TemplateArguments arguments);
};

// Without regard to case; null when there is none.
const TemplateFunction* FindTemplateFunction(std::string_view name);

// Every name, for messages about unknown ones.
std::span<const std::string_view> TemplateFunctionNames();

// Why a function that exists in Azure cannot be used; "" when it is not known at all.
std::string_view WhyTemplateFunctionIsRefused(std::string_view name);

// What a function gave, held to Azure's limits. `bytes` grows by about what the value takes.
TemplateResult HoldToLimits(TemplateResult result, std::string_view function, std::size_t& bytes);

}  // namespace policy
