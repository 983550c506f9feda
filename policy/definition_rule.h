// The compiled `policyRule.if` of a definition: a tree of logical operators over conditions.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "policy/definition.h"
#include "policy/definition_expression.h"

namespace policy {

// Azure's limits for a rule.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-rule-limits
inline constexpr std::size_t kMaxRuleConditions = 4096;
inline constexpr std::size_t kMaxRuleNesting = 64;
inline constexpr std::size_t kMaxCountsPerArray = 5;
inline constexpr std::size_t kMaxValueCounts = 10;
inline constexpr std::size_t kMaxValueCountElements = 100;

// A right side, or the left side of a `value` condition: a literal, an expression, or an array that has expressions in it.
struct Operand {
  std::variant<nlohmann::json, std::shared_ptr<const CompiledExpression>, std::vector<Operand>> value;
};

// A field whose name has to be computed.
struct NamedField {
  std::shared_ptr<const CompiledExpression> name;
  std::vector<CountScope> scopes;  // within which the condition stands
};

struct Rule;

// How many elements of an array meet `where` (all of them when there is none).
struct Count {
  Field array;
  std::shared_ptr<const Rule> where;
};

// The same of an array that does not come from the resource.
struct ValueCount {
  Operand array;
  std::shared_ptr<const Rule> where;
};

enum class Comparison {
  kEquals,
  kLike,
  kMatch,
  kMatchInsensitively,
  kContains,
  kIn,
  kContainsKey,
  kLess,
  kLessOrEquals,
  kGreater,
  kGreaterOrEquals,
  kExists,
};

// As Azure writes it: "equals", "notIn".
std::string_view KeywordOf(Comparison comparison, bool negated);

struct Condition {
  std::variant<Field, NamedField, Operand, Count, ValueCount> left;
  Comparison comparison = Comparison::kEquals;
  bool negated = false;  // notEquals, notLike, …
  Operand right;
};

struct Logical {
  enum class Operator { kAllOf, kAnyOf, kNot };
  Operator op = Operator::kAllOf;
  std::vector<Rule> rules;  // kNot: exactly one
};

struct Rule {
  std::variant<Logical, Condition> node;
};

struct CompiledRule {
  std::shared_ptr<const Rule> rule;
  std::set<std::string> parameters;        // the names of those that the rule uses
  std::set<const ChildKind*> alias_kinds;  // whose aliases it names; null: the registry's
  std::string computed_type;  // the path of the first thing that is no literal and that a condition compares `type` with; "": none
  bool uses_time = false;
};

enum class RuleOf { kIf, kExistenceCondition };

// Compiles `condition`, the value of policyRule.if or of an existenceCondition, which stands at `path` ("$.policyRule.if"). The error
// begins with the JSON path of what is wrong.
tl::expected<CompiledRule, std::string> CompileRule(const nlohmann::json& condition, const std::vector<ParameterDefinition>& parameters,
                                                    const std::string& path, RuleOf of = RuleOf::kIf);

}  // namespace policy
