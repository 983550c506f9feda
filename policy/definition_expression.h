// The compiled template expressions of a rule: parsed, their functions found, and their fields located.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "policy/definition.h"
#include "policy/definition_alias.h"
#include "policy/template_functions.h"

namespace policy {

// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule#policy-rule-limits
inline constexpr std::size_t kMaxRuleFunctions = 2048;

// A member of the resource, or all members that an alias with [*] selects.
struct Field {
  static constexpr std::size_t kResource = static_cast<std::size_t>(-1);

  FieldLocation location;
  // Where the steps begin: at the resource, or at the current element of the so manyth enclosing count of a field.
  std::size_t scope = kResource;
  std::size_t first_step = 0;  // the scope has gone the steps before it

  bool SelectsMany() const;   // has a [*] that no enclosing count has settled
  bool IsArrayAlias() const;  // has a [*] at all
};

// A count within whose `where` something stands.
struct CountScope {
  bool of_field = true;
  std::vector<std::string> steps{};  // of the field's array
  const ChildKind* kind = nullptr;   // whose alias that is, as FieldLocation has it
  std::string name{};                // of a count over a value
  std::size_t index = 0;             // among the enclosing counts of its kind, outermost 0
};

Field ScopedField(FieldLocation location, const std::vector<CountScope>& scopes);

struct Expression {
  struct Literal {
    nlohmann::json value;
  };
  struct Parameter {
    std::string name;  // as the definition declares it
  };
  struct FieldValue {  // field('…')
    Field field;
  };
  struct NamedFieldValue {  // field(…) of a name that has to be computed
    std::shared_ptr<const Expression> name;
    std::vector<CountScope> scopes;
  };
  struct CurrentField {  // current() of a count of a field
    Field field;
  };
  struct CurrentValue {  // current() of a count over a value
    std::size_t index;
  };
  struct Call {
    const TemplateFunction* function;
    std::vector<Expression> arguments;
  };
  // Functions that do not look at all their arguments, or of which it is not documented whether they do.
  struct Lazy {
    enum class Kind { kIf, kAnd, kOr, kCoalesce };
    Kind kind;
    std::vector<Expression> arguments;
  };
  // What Azure knows beside the resource: subscription(), resourceGroup(), policy(), requestContext().
  struct Context {
    enum class Source { kSubscription, kResourceGroup, kPolicy, kRequest };
    Source source;
    std::string member;  // as Azure writes it; "": all of it
  };
  struct UtcNow {};

  std::variant<Literal, Parameter, FieldValue, NamedFieldValue, CurrentField, CurrentValue, Call, Lazy, Context, UtcNow> node;
  std::vector<Expression> keys;  // looked up in the value one after the other
};

struct CompiledExpression {
  Expression root;
  std::string text;               // as written, without the brackets
  bool parameters_alone = false;  // nothing but the parameters can change its value
};

// What the expressions of one rule have in common while the rule is compiled.
struct RuleContext {
  const std::vector<ParameterDefinition>& parameters;
  std::vector<CountScope> scopes{};  // the enclosing counts, outermost first
  // It is an existenceCondition: its counts are of the related resource, and the function field() reads the one that `if` is about.
  bool is_existence = false;
  std::set<std::string> used{};              // parameters
  std::set<const ChildKind*> alias_kinds{};  // whose aliases are named; null: the registry's
  std::size_t functions = 0;
  bool uses_time = false;
};

// LocateField for a field that the rule names, noted in the context.
tl::expected<FieldLocation, std::string> LocateField(std::string_view field, RuleContext& context);

// `text` is one of which IsTemplateExpression is true. The error is a message.
tl::expected<CompiledExpression, std::string> CompileExpression(std::string_view text, RuleContext& context);

}  // namespace policy
