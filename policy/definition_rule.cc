#include "policy/definition_rule.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "policy/definition_compare.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxQuoted = 128;  // bytes of a file's text that a message repeats

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
  std::string message = "\"" + base::Printable(key, kMaxQuoted) + "\" is no condition or operator of the policy language";
  if (const std::string_view near = base::Nearest(key, known); !near.empty()) {
    message += "; did you mean \"" + std::string(near) + "\"?";
  }
  return message;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t begin = text.find_first_not_of(kSpace);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// NAME of "parameters('NAME')", spaces allowed; nothing when it is another expression.
std::optional<std::string_view> ParameterName(std::string_view expression) {
  constexpr std::string_view kFunction = "parameters";
  expression = Trim(expression);
  if (!base::EqualsIgnoreAsciiCase(expression.substr(0, kFunction.size()), kFunction)) {
    return std::nullopt;
  }
  expression = Trim(expression.substr(kFunction.size()));
  if (!expression.starts_with('(') || !expression.ends_with(')')) {
    return std::nullopt;
  }
  expression = Trim(expression.substr(1, expression.size() - 2));
  if (expression.size() < 3 || !expression.starts_with('\'') || !expression.ends_with('\'')) {
    return std::nullopt;
  }
  expression = expression.substr(1, expression.size() - 2);
  return expression.find('\'') == std::string_view::npos ? std::optional(expression) : std::nullopt;
}

template <class T>
using Step = tl::expected<T, std::string>;

class Compiler {
 public:
  explicit Compiler(const std::vector<ParameterDefinition>& parameters) : parameters_(parameters) {}

  Step<Rule> CompileNode(const json& node, const std::string& path, std::size_t nesting);

  std::set<std::string> TakeUsed() { return std::move(used_); }

 private:
  static tl::unexpected<std::string> Wrong(const std::string& path, const std::string& message) {
    return tl::unexpected(path + ": " + message);
  }

  Step<Rule> CompileLogical(const std::string& key, const json& value, const std::string& path, std::size_t nesting);
  Step<Rule> CompileCondition(const json& node, const std::string& path, std::size_t nesting);
  Step<Field> CompileField(const json& value, const std::string& path) const;
  Step<Count> CompileCount(const json& value, const std::string& path, std::size_t nesting);
  Step<Operand> CompileOperand(const json& value, const std::string& path);
  Step<Operand> CompileExpression(std::string_view expression, const std::string& path);

  const std::vector<ParameterDefinition>& parameters_;
  std::set<std::string> used_;
  std::size_t conditions_ = 0;
  std::vector<std::vector<std::string>> scopes_;            // the arrays of the enclosing counts
  std::map<std::vector<std::string>, std::size_t> counts_;  // how many counts there are of each array
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
      return Wrong(path + "." + base::Printable(member.key(), kMaxQuoted), UnknownKey(member.key()));
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
  const std::string left_path = path + "." + left_key;
  if (base::EqualsIgnoreAsciiCase(left_key, "field")) {
    Step<Field> field = CompileField(*left, left_path);
    if (!field) {
      return tl::unexpected(std::move(field.error()));
    }
    condition.left = std::move(*field);
  } else if (base::EqualsIgnoreAsciiCase(left_key, "value")) {
    Step<Operand> operand = CompileOperand(*left, left_path);
    if (!operand) {
      return tl::unexpected(std::move(operand.error()));
    }
    condition.left = std::move(*operand);
  } else {
    Step<Count> count = CompileCount(*left, left_path, nesting);
    if (!count) {
      return tl::unexpected(std::move(count.error()));
    }
    condition.left = std::move(*count);
  }

  const std::string right_path = path + "." + right_key;
  Step<Operand> operand = CompileOperand(*right, right_path);
  if (!operand) {
    return tl::unexpected(std::move(operand.error()));
  }
  condition.right = std::move(*operand);
  // A literal that this comparison fails on would make every resource fail: better said now. An actual value that suits
  // the comparison stands in for the resource's.
  if (const json* literal = std::get_if<json>(&condition.right.value)) {
    const bool ordering = keyword->comparison == Comparison::kLess || keyword->comparison == Comparison::kLessOrEquals ||
                          keyword->comparison == Comparison::kGreater || keyword->comparison == Comparison::kGreaterOrEquals;
    if (Compare(keyword->comparison, false, ordering ? *literal : json(""), *literal) == Outcome::kFailed) {
      return Wrong(right_path, "\"" + std::string(keyword->name) + "\" cannot compare with this value");
    }
    if (ordering && std::holds_alternative<Count>(condition.left) && !literal->is_number()) {
      return Wrong(right_path, "a count can only be compared with a number");
    }
  }
  return Rule{std::move(condition)};
}

Step<Field> Compiler::CompileField(const json& value, const std::string& path) const {
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    return Wrong(path, "expected the name of a field");
  }
  if (text->starts_with('[')) {
    return Wrong(path, "template expressions in field names are not supported");
  }
  tl::expected<FieldLocation, std::string> location = LocateField(*text);
  if (!location) {
    return Wrong(path, location.error());
  }
  Field field;
  field.location = std::move(*location);
  for (std::size_t i = scopes_.size(); i-- > 0;) {  // the innermost first
    const std::vector<std::string>& array = scopes_[i];
    if (field.location.steps.size() >= array.size() && std::equal(array.begin(), array.end(), field.location.steps.begin())) {
      field.scope = i;
      field.first_step = array.size();
      break;
    }
  }
  return field;
}

Step<Count> Compiler::CompileCount(const json& value, const std::string& path, std::size_t nesting) {
  if (!value.is_object()) {
    return Wrong(path, "expected an object with \"field\" and perhaps \"where\"");
  }
  const json* array = nullptr;
  const json* where = nullptr;
  std::string where_key;
  for (auto member = value.begin(); member != value.end(); ++member) {
    if (base::EqualsIgnoreAsciiCase(member.key(), "field") && array == nullptr) {
      array = &member.value();
    } else if (base::EqualsIgnoreAsciiCase(member.key(), "where") && where == nullptr) {
      where = &member.value();
      where_key = member.key();
    } else if (base::EqualsIgnoreAsciiCase(member.key(), "value") || base::EqualsIgnoreAsciiCase(member.key(), "name")) {
      return Wrong(path + "." + member.key(), "counts over values are not supported; count over a field");
    } else {
      return Wrong(path + "." + base::Printable(member.key(), kMaxQuoted), "a count has one \"field\" and at most one \"where\"");
    }
  }
  if (array == nullptr) {
    return Wrong(path, "the count lacks its \"field\"");
  }
  Step<Field> field = CompileField(*array, path + ".field");
  if (!field) {
    return tl::unexpected(std::move(field.error()));
  }
  if (field->location.steps.empty() || !field->location.steps.back().empty()) {
    return Wrong(path + ".field", "expected an array alias, which ends with [*]");
  }
  if (++counts_[field->location.steps] > kMaxCountsPerArray) {
    return Wrong(path, "more than " + std::to_string(kMaxCountsPerArray) + " counts of this array, Azure's limit");
  }
  Count count;
  count.array = std::move(*field);
  if (where != nullptr) {
    scopes_.push_back(count.array.location.steps);
    Step<Rule> rule = CompileNode(*where, path + "." + where_key, nesting + 1);
    scopes_.pop_back();
    if (!rule) {
      return tl::unexpected(std::move(rule.error()));
    }
    count.where = std::make_shared<const Rule>(std::move(*rule));
  }
  return count;
}

Step<Operand> Compiler::CompileOperand(const json& value, const std::string& path) {
  if (const std::string* text = value.get_ptr<const std::string*>()) {
    if (text->starts_with("[[")) {
      return Operand{json(text->substr(1))};  // escaped: a literal that begins with one bracket
    }
    if (text->starts_with('[') && text->ends_with(']')) {
      return CompileExpression(std::string_view(*text).substr(1, text->size() - 2), path);
    }
    return Operand{value};
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
      const std::string member_path = path + "." + base::Printable(member.key(), kMaxQuoted);
      Step<Operand> operand = CompileOperand(member.value(), member_path);
      if (!operand) {
        return operand;
      }
      json* literal = std::get_if<json>(&operand->value);
      if (literal == nullptr) {
        return Wrong(member_path, "expressions inside an object are not supported");
      }
      object[member.key()] = std::move(*literal);
    }
    return Operand{std::move(object)};
  }
  return Operand{value};
}

Step<Operand> Compiler::CompileExpression(std::string_view expression, const std::string& path) {
  const std::optional<std::string_view> name = ParameterName(expression);
  if (!name) {
    return Wrong(path, "the template expression \"[" + base::Printable(expression, kMaxQuoted) +
                           "]\" is not supported; only \"[parameters('NAME')]\" is");
  }
  const auto declared =
      std::ranges::find_if(parameters_, [&](const ParameterDefinition& p) { return base::EqualsIgnoreAsciiCase(p.name, *name); });
  if (declared == parameters_.end()) {
    return Wrong(path, "the definition declares no parameter \"" + base::Printable(*name, kMaxQuoted) + "\"");
  }
  used_.insert(declared->name);
  return Operand{ParameterReference{declared->name}};
}

// Whether the rule can be true for a registry, as far as its `type` conditions alone tell; nothing: they do not.
std::optional<bool> TrueByType(const Rule& rule) {
  if (const Condition* condition = std::get_if<Condition>(&rule.node)) {
    const Field* field = std::get_if<Field>(&condition->left);
    const json* literal = std::get_if<json>(&condition->right.value);
    if (field == nullptr || literal == nullptr || field->location.text != "type") {
      return std::nullopt;
    }
    return Compare(condition->comparison, condition->negated, json(kRegistryType), *literal) == Outcome::kTrue;
  }
  const Logical& logical = std::get<Logical>(rule.node);
  if (logical.op == Logical::Operator::kNot) {
    const std::optional<bool> inner = TrueByType(logical.rules.front());
    return inner ? std::optional(!*inner) : std::nullopt;
  }
  const bool decides = logical.op == Logical::Operator::kAnyOf;  // the value that one member alone brings about
  std::optional<bool> all = !decides;
  for (const Rule& member : logical.rules) {
    const std::optional<bool> value = TrueByType(member);
    if (value == decides) {
      return decides;
    }
    if (!value) {
      all.reset();
    }
  }
  return all;
}

}  // namespace

bool Field::SelectsMany() const {
  return std::any_of(location.steps.begin() + static_cast<std::ptrdiff_t>(first_step), location.steps.end(),
                     [](const std::string& step) { return step.empty(); });
}

tl::expected<CompiledRule, std::string> CompileRule(const json& condition, const std::vector<ParameterDefinition>& parameters,
                                                    const std::string& path) {
  Compiler compiler(parameters);
  Step<Rule> rule = compiler.CompileNode(condition, path, 1);
  if (!rule) {
    return tl::unexpected(std::move(rule.error()));
  }
  if (TrueByType(*rule) == false) {
    return tl::unexpected(path + ": the rule's type conditions leave out " + std::string(kRegistryType) +
                          ": it is about another kind of resource and would find every registry compliant");
  }
  return CompiledRule{std::make_shared<const Rule>(std::move(*rule)), compiler.TakeUsed()};
}

}  // namespace policy
