#include "policy/definition_rule.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "policy/definition_compare.h"
#include "policy/definition_text.h"
#include "policy/template_expression.h"

namespace policy {
namespace {

using nlohmann::json;

struct Keyword {
  std::string_view name;
  Comparison comparison;
  bool negated;
};

constexpr std::array kKeywords = std::to_array<Keyword>({
    {"equals", Comparison::kEquals, false},
    {"notEquals", Comparison::kEquals, true},
    {"like", Comparison::kLike, false},
    {"notLike", Comparison::kLike, true},
    {"match", Comparison::kMatch, false},
    {"notMatch", Comparison::kMatch, true},
    {"matchInsensitively", Comparison::kMatchInsensitively, false},
    {"notMatchInsensitively", Comparison::kMatchInsensitively, true},
    {"contains", Comparison::kContains, false},
    {"notContains", Comparison::kContains, true},
    {"in", Comparison::kIn, false},
    {"notIn", Comparison::kIn, true},
    {"containsKey", Comparison::kContainsKey, false},
    {"notContainsKey", Comparison::kContainsKey, true},
    {"less", Comparison::kLess, false},
    {"lessOrEquals", Comparison::kLessOrEquals, false},
    {"greater", Comparison::kGreater, false},
    {"greaterOrEquals", Comparison::kGreaterOrEquals, false},
    {"exists", Comparison::kExists, false},
});

constexpr std::array<std::string_view, 3> kLogical = {"allOf", "anyOf", "not"};
constexpr std::array<std::string_view, 3> kLeft = {"field", "value", "count"};

const Keyword* FindKeyword(std::string_view name) {
  const auto found = std::ranges::find_if(kKeywords, [&](const Keyword& k) { return base::EqualsIgnoreAsciiCase(k.name, name); });
  return found == kKeywords.end() ? nullptr : &*found;
}

bool IsOneOf(const std::array<std::string_view, 3>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](std::string_view n) { return base::EqualsIgnoreAsciiCase(n, name); });
}

std::string UnknownKey(std::string_view key) {
  std::vector<std::string_view> known(kLogical.begin(), kLogical.end());
  known.insert(known.end(), kLeft.begin(), kLeft.end());
  for (const Keyword& keyword : kKeywords) {
    known.push_back(keyword.name);
  }
  std::string message = "\"" + base::Printable(key, kMaxQuotedText) + "\" is no condition or operator of the policy language";
  if (const std::string_view near = base::Nearest(key, known); !near.empty()) {
    message += "; did you mean \"" + std::string(near) + "\"?";
  }
  return message;
}

template <class T>
using Step = tl::expected<T, std::string>;

class Compiler {
 public:
  Compiler(const std::vector<ParameterDefinition>& parameters, RuleOf of)
      : context_{.parameters = parameters, .is_existence = of == RuleOf::kExistenceCondition} {}

  Step<Rule> CompileNode(const json& node, const std::string& path, std::size_t nesting);

  RuleContext& context() { return context_; }
  const std::string& computed_type() const { return computed_type_; }

 private:
  static tl::unexpected<std::string> Wrong(const std::string& path, const std::string& message) {
    return tl::unexpected(path + ": " + message);
  }

  Step<Rule> CompileLogical(const std::string& key, const json& value, const std::string& path, std::size_t nesting);
  Step<Rule> CompileCondition(const json& node, const std::string& path, std::size_t nesting);
  Step<Field> CompileField(const json& value, const std::string& path);
  Step<decltype(Condition::left)> CompileLeft(const std::string& key, const json& value, const std::string& path, std::size_t nesting);
  Step<decltype(Condition::left)> CompileCount(const json& value, const std::string& path, std::size_t nesting);
  Step<Count> CompileFieldCount(const json& array, const std::string& path);
  Step<ValueCount> CompileValueCount(const json& array, const json* name, const std::string& path);
  // Within the count that `scope` is of.
  Step<std::shared_ptr<const Rule>> CompileWhere(const json& where, const std::string& path, std::size_t nesting, CountScope scope);
  Step<Operand> CompileOperand(const json& value, const std::string& path);
  Step<std::shared_ptr<const CompiledExpression>> Compile(const std::string& expression, const std::string& path);

  RuleContext context_;
  std::size_t conditions_ = 0;
  std::size_t value_counts_ = 0;
  std::string computed_type_;
  std::map<std::pair<const ChildKind*, std::vector<std::string>>, std::size_t> counts_;  // how many counts there are of each array
};

Step<Rule> Compiler::CompileNode(const json& node, const std::string& path, std::size_t nesting) {
  if (nesting > kMaxRuleNesting) {
    return Wrong(path, "nested deeper than " + std::to_string(kMaxRuleNesting) + " operators, Azure's limit");
  }
  if (!node.is_object() || node.empty()) {
    return Wrong(path, "expected an object with a condition or a logical operator");
  }
  for (auto member = node.begin(); member != node.end(); ++member) {
    if (!IsOneOf(kLogical, member.key())) {
      continue;
    }
    if (node.size() != 1) {
      return Wrong(path, "\"" + member.key() + "\" must stand alone in its object");
    }
    return CompileLogical(member.key(), member.value(), path + "." + member.key(), nesting);
  }
  return CompileCondition(node, path, nesting);
}

Step<Rule> Compiler::CompileLogical(const std::string& key, const json& value, const std::string& path, std::size_t nesting) {
  Logical logical;
  if (base::EqualsIgnoreAsciiCase(key, "not")) {
    logical.op = Logical::Operator::kNot;
    Step<Rule> rule = CompileNode(value, path, nesting + 1);
    if (!rule) {
      return rule;
    }
    logical.rules.push_back(std::move(*rule));
    return Rule{std::move(logical)};
  }
  logical.op = base::EqualsIgnoreAsciiCase(key, "allOf") ? Logical::Operator::kAllOf : Logical::Operator::kAnyOf;
  if (!value.is_array() || value.empty()) {
    return Wrong(path, "expected an array of conditions");
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    Step<Rule> rule = CompileNode(value[i], path + "[" + std::to_string(i) + "]", nesting + 1);
    if (!rule) {
      return rule;
    }
    logical.rules.push_back(std::move(*rule));
  }
  return Rule{std::move(logical)};
}

Step<Rule> Compiler::CompileCondition(const json& node, const std::string& path, std::size_t nesting) {
  if (++conditions_ > kMaxRuleConditions) {
    return Wrong(path, "more than " + std::to_string(kMaxRuleConditions) + " conditions, Azure's limit");
  }
  const json* left = nullptr;
  std::string left_key;
  const json* right = nullptr;
  std::string right_key;
  const Keyword* keyword = nullptr;
  for (auto member = node.begin(); member != node.end(); ++member) {
    const Keyword* found = FindKeyword(member.key());
    if (found == nullptr && !IsOneOf(kLeft, member.key())) {
      return Wrong(path + "." + base::Printable(member.key(), kMaxQuotedText), UnknownKey(member.key()));
    }
    const json*& side = found == nullptr ? left : right;
    std::string& key = found == nullptr ? left_key : right_key;
    if (side != nullptr) {
      return Wrong(path, "both \"" + key + "\" and \"" + member.key() + "\" in one condition");
    }
    side = &member.value();
    key = member.key();
    keyword = found == nullptr ? keyword : found;
  }
  if (left == nullptr || right == nullptr) {
    return Wrong(path, left == nullptr ? "the condition lacks its \"field\", \"value\" or \"count\""
                                       : "the condition lacks its comparison (\"equals\", \"exists\", …)");
  }

  Condition condition;
  condition.comparison = keyword->comparison;
  condition.negated = keyword->negated;
  Step<decltype(Condition::left)> compiled = CompileLeft(left_key, *left, path + "." + left_key, nesting);
  if (!compiled) {
    return tl::unexpected(std::move(compiled.error()));
  }
  condition.left = std::move(*compiled);

  const std::string right_path = path + "." + right_key;
  Step<Operand> operand = CompileOperand(*right, right_path);
  if (!operand) {
    return tl::unexpected(std::move(operand.error()));
  }
  condition.right = std::move(*operand);
  const Field* field = std::get_if<Field>(&condition.left);
  if (field != nullptr && field->location.text == "type" && !std::holds_alternative<json>(condition.right.value) &&
      computed_type_.empty()) {
    computed_type_ = right_path;
  }
  // A literal that this comparison fails on would make every resource fail: better said now. An actual value that suits
  // the comparison stands in for the resource's.
  if (const json* literal = std::get_if<json>(&condition.right.value)) {
    const bool ordering = keyword->comparison == Comparison::kLess || keyword->comparison == Comparison::kLessOrEquals ||
                          keyword->comparison == Comparison::kGreater || keyword->comparison == Comparison::kGreaterOrEquals;
    if (Compare(keyword->comparison, false, ordering ? *literal : json(""), *literal) == Outcome::kFailed) {
      return Wrong(right_path, "\"" + std::string(keyword->name) + "\" cannot compare with this value");
    }
    const bool counts = std::holds_alternative<Count>(condition.left) || std::holds_alternative<ValueCount>(condition.left);
    if (ordering && counts && !literal->is_number()) {
      return Wrong(right_path, "a count can only be compared with a number");
    }
  }
  return Rule{std::move(condition)};
}

Step<decltype(Condition::left)> Compiler::CompileLeft(const std::string& key, const json& value, const std::string& path,
                                                      std::size_t nesting) {
  if (base::EqualsIgnoreAsciiCase(key, "count")) {
    return CompileCount(value, path, nesting);
  }
  if (base::EqualsIgnoreAsciiCase(key, "value")) {
    return CompileOperand(value, path);
  }
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr || !IsTemplateExpression(*text)) {
    return CompileField(value, path);
  }
  Step<std::shared_ptr<const CompiledExpression>> name = Compile(*text, path);
  if (!name) {
    return tl::unexpected(std::move(name.error()));
  }
  return NamedField{std::move(*name), context_.scopes};
}

Step<Field> Compiler::CompileField(const json& value, const std::string& path) {
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    return Wrong(path, "expected the name of a field");
  }
  tl::expected<FieldLocation, std::string> location = LocateField(*text, context_);
  if (!location) {
    return Wrong(path, location.error());
  }
  return ScopedField(std::move(*location), context_.scopes);
}

Step<decltype(Condition::left)> Compiler::CompileCount(const json& value, const std::string& path, std::size_t nesting) {
  if (!value.is_object()) {
    return Wrong(path, "expected an object with \"field\" or \"value\", and perhaps \"where\"");
  }
  const json* field = nullptr;
  const json* values = nullptr;
  const json* name = nullptr;
  const json* where = nullptr;
  std::string where_key;
  for (auto member = value.begin(); member != value.end(); ++member) {
    const json** target = base::EqualsIgnoreAsciiCase(member.key(), "field")   ? &field
                          : base::EqualsIgnoreAsciiCase(member.key(), "value") ? &values
                          : base::EqualsIgnoreAsciiCase(member.key(), "name")  ? &name
                          : base::EqualsIgnoreAsciiCase(member.key(), "where") ? &where
                                                                               : nullptr;
    if (target == nullptr || *target != nullptr) {
      return Wrong(path + "." + base::Printable(member.key(), kMaxQuotedText),
                   "a count has one \"field\", or one \"value\" and its \"name\", and at most one \"where\"");
    }
    *target = &member.value();
    where_key = target == &where ? member.key() : where_key;
  }
  if ((field == nullptr) == (values == nullptr) || (field != nullptr && name != nullptr)) {
    return Wrong(
        path, field == nullptr ? "the count lacks its \"field\" or \"value\"" : "a count of a \"field\" has no \"value\" and no \"name\"");
  }
  const std::string where_path = path + "." + where_key;
  if (field != nullptr) {
    Step<Count> count = CompileFieldCount(*field, path);
    if (count && where != nullptr) {
      auto rule = CompileWhere(*where, where_path, nesting,
                               CountScope{.of_field = true, .steps = count->array.location.steps, .kind = count->array.location.kind});
      if (!rule) {
        return tl::unexpected(std::move(rule.error()));
      }
      count->where = std::move(*rule);
    }
    return count;
  }
  Step<ValueCount> count = CompileValueCount(*values, name, path);
  if (count && where != nullptr) {
    auto rule = CompileWhere(*where, where_path, nesting,
                             CountScope{.of_field = false, .name = name == nullptr ? "default" : name->get<std::string>()});
    if (!rule) {
      return tl::unexpected(std::move(rule.error()));
    }
    count->where = std::move(*rule);
  }
  return count;
}

Step<Count> Compiler::CompileFieldCount(const json& array, const std::string& path) {
  Step<Field> field = CompileField(array, path + ".field");
  if (!field) {
    return tl::unexpected(std::move(field.error()));
  }
  if (field->location.steps.empty() || !field->location.steps.back().empty()) {
    return Wrong(path + ".field", "expected an array alias, which ends with [*]");
  }
  if (++counts_[{field->location.kind, field->location.steps}] > kMaxCountsPerArray) {
    return Wrong(path, "more than " + std::to_string(kMaxCountsPerArray) + " counts of this array, Azure's limit");
  }
  return Count{std::move(*field), nullptr};
}

Step<ValueCount> Compiler::CompileValueCount(const json& array, const json* name, const std::string& path) {
  if (++value_counts_ > kMaxValueCounts) {
    return Wrong(path, "more than " + std::to_string(kMaxValueCounts) + " counts over values, Azure's limit");
  }
  const std::string* text = name == nullptr ? nullptr : name->get_ptr<const std::string*>();
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (name == nullptr && !context_.scopes.empty()) {
    return Wrong(path, "a count over a value needs a \"name\" within another count");
  }
  if (name != nullptr && (text == nullptr || text->empty() || !std::ranges::all_of(*text, alphanumeric))) {
    return Wrong(path + ".name", "expected a name of English letters and digits");
  }
  const auto taken = [&](const CountScope& scope) { return !scope.of_field && base::EqualsIgnoreAsciiCase(scope.name, *text); };
  if (name != nullptr && std::ranges::any_of(context_.scopes, taken)) {
    return Wrong(path + ".name", "an enclosing count has the same name");
  }
  Step<Operand> operand = CompileOperand(array, path + ".value");
  if (!operand) {
    return tl::unexpected(std::move(operand.error()));
  }
  const json* literal = std::get_if<json>(&operand->value);
  if (literal != nullptr && !literal->is_array()) {
    return Wrong(path + ".value", "expected an array, or an expression that gives one");
  }
  if (array.is_array() && array.size() > kMaxValueCountElements) {
    return Wrong(path + ".value", "more than " + std::to_string(kMaxValueCountElements) + " elements, Azure's limit");
  }
  return ValueCount{std::move(*operand), nullptr};
}

Step<std::shared_ptr<const Rule>> Compiler::CompileWhere(const json& where, const std::string& path, std::size_t nesting,
                                                         CountScope scope) {
  scope.index = static_cast<std::size_t>(
      std::ranges::count_if(context_.scopes, [&](const CountScope& other) { return other.of_field == scope.of_field; }));
  context_.scopes.push_back(std::move(scope));
  Step<Rule> rule = CompileNode(where, path, nesting + 1);
  context_.scopes.pop_back();
  if (!rule) {
    return tl::unexpected(std::move(rule.error()));
  }
  return std::make_shared<const Rule>(std::move(*rule));
}

Step<Operand> Compiler::CompileOperand(const json& value, const std::string& path) {
  if (const std::string* text = value.get_ptr<const std::string*>()) {
    if (IsTemplateExpression(*text)) {
      Step<std::shared_ptr<const CompiledExpression>> expression = Compile(*text, path);
      return expression ? Step<Operand>(Operand{std::move(*expression)}) : tl::unexpected(std::move(expression.error()));
    }
    tl::expected<std::string, std::string> literal = LiteralText(*text);
    return literal ? Step<Operand>(Operand{json(*std::move(literal))}) : Wrong(path, literal.error());
  }
  if (value.is_array()) {
    std::vector<Operand> elements;
    bool literal = true;
    for (std::size_t i = 0; i < value.size(); ++i) {
      Step<Operand> element = CompileOperand(value[i], path + "[" + std::to_string(i) + "]");
      if (!element) {
        return element;
      }
      literal = literal && std::holds_alternative<json>(element->value);
      elements.push_back(std::move(*element));
    }
    if (!literal) {
      return Operand{std::move(elements)};
    }
    json array = json::array();
    for (Operand& element : elements) {
      array.push_back(std::move(std::get<json>(element.value)));
    }
    return Operand{std::move(array)};
  }
  if (value.is_object()) {
    json object = json::object();
    for (auto member = value.begin(); member != value.end(); ++member) {
      const std::string member_path = path + "." + base::Printable(member.key(), kMaxQuotedText);
      Step<Operand> operand = CompileOperand(member.value(), member_path);
      if (!operand) {
        return operand;
      }
      json* literal = std::get_if<json>(&operand->value);
      if (literal == nullptr) {
        return Wrong(member_path, "expressions inside an object are not supported; make it with createObject");
      }
      object[member.key()] = std::move(*literal);
    }
    return Operand{std::move(object)};
  }
  return Operand{value};
}

Step<std::shared_ptr<const CompiledExpression>> Compiler::Compile(const std::string& expression, const std::string& path) {
  tl::expected<CompiledExpression, std::string> compiled = CompileExpression(expression, context_);
  if (!compiled) {
    return Wrong(path, compiled.error());
  }
  return std::make_shared<const CompiledExpression>(std::move(*compiled));
}

}  // namespace

std::string_view KeywordOf(Comparison comparison, bool negated) {
  const auto found = std::ranges::find_if(kKeywords, [&](const Keyword& k) { return k.comparison == comparison && k.negated == negated; });
  return found == kKeywords.end() ? std::string_view() : found->name;
}

tl::expected<CompiledRule, std::string> CompileRule(const json& condition, const std::vector<ParameterDefinition>& parameters,
                                                    const std::string& path, RuleOf of) {
  Compiler compiler(parameters, of);
  Step<Rule> rule = compiler.CompileNode(condition, path, 1);
  if (!rule) {
    return tl::unexpected(std::move(rule.error()));
  }
  RuleContext& context = compiler.context();
  return CompiledRule{std::make_shared<const Rule>(std::move(*rule)), std::move(context.used), std::move(context.alias_kinds),
                      compiler.computed_type(), context.uses_time};
}

}  // namespace policy
