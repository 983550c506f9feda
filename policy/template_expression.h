// The text of a template expression, such as "[concat(parameters('team'), '-', field('name'))]", parsed. What its functions
// mean is not known here.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

namespace policy {

// Azure's limits for one expression.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-rule-limits
inline constexpr std::size_t kMaxExpressionBytes = 81920;
inline constexpr std::size_t kMaxExpressionNesting = 64;
inline constexpr std::size_t kMaxFunctionArguments = 128;

// A string, an integer or a function call, and the keys that are looked up in it one after the other: "f().a[0]['b']" has
// the keys 'a', 0 and 'b'.
struct TemplateExpression {
  struct Call {
    std::string function;  // as written
    std::vector<TemplateExpression> arguments;
  };

  std::variant<std::string, std::int64_t, Call> node;
  std::vector<TemplateExpression> keys;
  std::size_t position = 0;  // of its first byte in the text, from 0
};

// Whether a string of a definition is an expression: "[…]", but not "[[…]", which stands for the literal "[…]".
bool IsTemplateExpression(std::string_view text);

// What a string of which IsTemplateExpression is false stands for. The error is a message: "[[a" would be "[a" to some and "[[a" to others.
tl::expected<std::string, std::string> LiteralText(std::string_view text);

// `text` is one of which IsTemplateExpression is true. The error is a message with the position, from 1.
tl::expected<TemplateExpression, std::string> ParseTemplateExpression(std::string_view text);

}  // namespace policy
