// The compiled `policyRule.if` of a definition: a tree of logical operators over conditions.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "policy/definition.h"
#include "policy/definition_alias.h"

namespace policy {

// Azure's limits for a rule.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-rule-limits
inline constexpr std::size_t kMaxRuleConditions = 4096;
inline constexpr std::size_t kMaxRuleNesting = 64;
inline constexpr std::size_t kMaxCountsPerArray = 5;

// "[parameters('NAME')]", NAME as the definition declares it.
struct ParameterReference {
  std::string name;
};

// A value that does not come from the resource: a literal, a parameter, or an array that has parameters in it.
struct Operand {
  std::variant<nlohmann::json, ParameterReference, std::vector<Operand>> value;
};

// A member of the resource, or all members that an alias with [*] selects.
struct Field {
  static constexpr std::size_t kResource = static_cast<std::size_t>(-1);

  FieldLocation location;
  // Where the steps begin: at the resource, or at the current element of the so manyth enclosing count, outermost 0.
  std::size_t scope = kResource;
  std::size_t first_step = 0;  // the scope has gone the steps before it

  bool SelectsMany() const;  // has a [*] that no enclosing count has settled
};

struct Rule;

// How many elements of an array meet `where` (all of them when there is none).
struct Count {
  Field array;
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

struct Condition {
  std::variant<Field, Operand, Count> left;
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
  std::set<std::string> parameters;  // the names of those that the rule uses
};

// Compiles `condition`, the value of policyRule.if, which stands at `path` ("$.policyRule.if"). The error begins with the
// JSON path of what is wrong.
tl::expected<CompiledRule, std::string> CompileRule(const nlohmann::json& condition, const std::vector<ParameterDefinition>& parameters,
                                                    const std::string& path);

}  // namespace policy
