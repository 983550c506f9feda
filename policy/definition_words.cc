#include "policy/definition_words.h"

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/text.h"
#include "policy/definition_compare.h"
#include "policy/definition_evidence.h"

namespace policy {
namespace {

using nlohmann::json;
using ExpressionPointer = std::shared_ptr<const CompiledExpression>;

constexpr std::size_t kMaxShownExpression = 100;  // bytes

}  // namespace

std::string NameOf(const CompiledExpression& expression) { return base::Printable(expression.text, kMaxShownExpression); }

std::string NameOf(const Operand& operand) {
  const ExpressionPointer* expression = std::get_if<ExpressionPointer>(&operand.value);
  return expression == nullptr ? "value" : NameOf(**expression);
}

json Unresolved(const Operand& operand) {
  if (const json* literal = std::get_if<json>(&operand.value)) {
    return *literal;
  }
  if (const ExpressionPointer* expression = std::get_if<ExpressionPointer>(&operand.value)) {
    return (*expression)->text;
  }
  json all = json::array();
  for (const Operand& element : std::get<std::vector<Operand>>(operand.value)) {
    all.push_back(Unresolved(element));
  }
  return all;
}

std::string SubjectOf(const Condition& condition) {
  if (const Field* field = std::get_if<Field>(&condition.left)) {
    const std::string& text = field->location.text;
    const std::size_t dot = text.rfind('.');
    return text.ends_with("[*]") ? "value" : dot == std::string::npos ? text : text.substr(dot + 1);
  }
  if (const NamedField* named = std::get_if<NamedField>(&condition.left)) {
    return NameOf(*named->name);
  }
  if (const Count* count = std::get_if<Count>(&condition.left)) {
    return "count of " + count->array.location.text;
  }
  if (const ValueCount* count = std::get_if<ValueCount>(&condition.left)) {
    return "count of " + NameOf(count->array);
  }
  return NameOf(std::get<Operand>(condition.left));
}

std::string Words(const Rule& rule) {
  if (const Condition* condition = std::get_if<Condition>(&rule.node)) {
    return SubjectOf(*condition) + " is " +
           DescribeExpected(condition->comparison, !condition->negated, Unresolved(condition->right), false);
  }
  const Logical& logical = std::get<Logical>(rule.node);
  if (logical.op == Logical::Operator::kNot) {
    return "not (" + Words(logical.rules.front()) + ")";
  }
  std::string words;
  for (const Rule& member : logical.rules) {
    if (words.size() > kMaxEvidenceWords) {
      break;  // it is cut there
    }
    words += words.empty() ? "" : logical.op == Logical::Operator::kAllOf ? " and " : " or ";
    words += std::holds_alternative<Logical>(member.node) ? "(" + Words(member) + ")" : Words(member);
  }
  return words;
}

const json& Telling(const json& element) {
  for (const std::string_view key : {"name", "value", "id"}) {
    const json* member = FindMember(element, key);
    if (member != nullptr && !member->is_null()) {
      return *member;
    }
  }
  return element;
}

}  // namespace policy
