// Evaluates a compiled rule over one resource's ARM body: a registry's, or one of its children's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "base/time.h"
#include "policy/definition_compare.h"
#include "policy/definition_rule.h"

namespace policy {

// Conditions, elements and parts of expressions that one evaluation may look at, each element of an array counting anew, also those that a
// condition compares with (ComparisonSteps).
// Counts within counts multiply: the largest sensible rule (4,096 conditions over 200 connections) stays below, a rule that
// would run for minutes does not.
inline constexpr std::size_t kMaxSteps = 1'000'000;

// Bytes that the functions of one evaluation may read and make. Azure's own limits are for one value each (128 KiB of text,
// 32,768 values): thousands of such would take minutes. The body of a registry with everything is 10 KiB.
inline constexpr std::size_t kMaxComputedBytes = std::size_t{64} << 20U;

// What a rule comes to. `sound`: it would come to the same if members that the body hides had any value whatever.
struct Truth {
  Outcome outcome = Outcome::kFalse;
  bool sound = true;
};

// What several truths come to of which one, with the outcome `decisive`, settles all: False for "all of", True for "any of".
class Combination {
 public:
  explicit Combination(Outcome decisive);
  // False: it is settled, whatever others come to.
  bool Add(const Truth& truth);
  Truth result() const { return decided_ ? Truth{decisive_, false} : rest_; }

 private:
  const Outcome decisive_;
  Truth rest_;
  bool decided_ = false;
};

// What a rule is evaluated over: the resource, and what is known beside it. All of it outlives the evaluator.
struct EvaluationInput {
  const nlohmann::json& parameters;  // bound
  const nlohmann::json& resource;
  std::string_view definition_id;  // "" when it has none
  base::Time now;
  const ChildKind* kind = nullptr;  // of the resource; null: a registry
  // Of an existenceCondition, whose `field` conditions are about a related resource: the one that `if` is about, and its kind. The
  // function field() reads it, so that the two can be compared. Null: `resource`.
  const nlohmann::json* judged = nullptr;
  const ChildKind* judged_kind = nullptr;
};

// What evaluators have spent, of what one evaluation may.
struct Spent {
  std::size_t steps = 0;
  std::size_t bytes = 0;

  bool IsTooMuch() const { return steps > kMaxSteps || bytes > kMaxComputedBytes; }
};

class Evaluator {
 public:
  // `spent`: what others of the same evaluation have.
  explicit Evaluator(const EvaluationInput& input, Spent spent = {});

  Truth Judge(const Rule& rule);

  // Takes what is done with the value, outside of the evaluator, from what the evaluation may spend.
  void ChargeFor(const nlohmann::json& value) { spent_.steps += ComparisonSteps(value); }

  // The rule was given up on: nothing can be said.
  bool exhausted() const { return spent_.IsTooMuch(); }
  const Spent& spent() const { return spent_; }

  // Of the resource; null: a registry.
  const ChildKind* kind() const { return input_.kind; }

  // The values that a field of a condition selects, null for a missing one; a field without [*] selects exactly one.
  std::vector<const nlohmann::json*> Select(const Field& field) const { return Select(field, own_); }

  // The one value of a field that does not select many.
  const nlohmann::json& SelectOne(const Field& field) const { return SelectOne(field, own_); }

  // Whether the field selects nothing because the body lacks a member that every current api-version returns.
  bool IsHidden(const Field& field) const { return IsHidden(field, own_); }

  // Whether the field is a tag that is not there, but for one that Azure might take for the same (MayHaveMember).
  bool IsDoubtful(const Field& field) const { return IsDoubtful(field, own_); }

  // The field that a computed name stands for.
  tl::expected<Field, TemplateFailure> Locate(const NamedField& named);

  struct Counted {
    std::int64_t number = 0;
    Truth where;                          // kFailed or kUnknown when `where` is so of an element, unsound when it rests on what is hidden
    std::vector<nlohmann::json> matched;  // the first of them, at most `keep`
  };
  Counted CountElements(const Count& count, std::size_t keep = 0);
  tl::expected<Counted, TemplateFailure> CountElements(const ValueCount& count, std::size_t keep = 0);

  // `storage` holds the value where it has to be made.
  tl::expected<const nlohmann::json*, TemplateFailure> Resolve(const Operand& operand, nlohmann::json& storage);

  // Fields that expressions read and the body hides, since the last call.
  std::set<std::string> TakeHiddenRead() { return std::exchange(hidden_read_, {}); }

 private:
  // A resource of which fields are read.
  struct Subject {
    const nlohmann::json& body;
    const ChildKind* kind;
    nlohmann::json full_name;  // of a child

    Subject(const nlohmann::json& body, const ChildKind* kind);
    // Whether the field is an alias of another type: it selects nothing then.
    bool IsForeignTo(const Field& field) const { return field.location.is_alias && field.location.kind != kind; }
  };
  std::vector<const nlohmann::json*> Select(const Field& field, const Subject& subject) const;
  const nlohmann::json& SelectOne(const Field& field, const Subject& subject) const;
  static bool IsHidden(const Field& field, const Subject& subject);
  static bool IsDoubtful(const Field& field, const Subject& subject);

  Truth JudgeLogical(const Logical& logical);
  Truth JudgeCondition(const Condition& condition);
  Truth JudgeSides(const Condition& condition);
  Truth JudgeField(const Field& field, const Condition& condition, const nlohmann::json& operand, std::size_t operand_steps);
  // Charges the comparison; `operand_steps` is ComparisonSteps(operand), measured once for all elements.
  Outcome CompareWith(const Condition& condition, const nlohmann::json& actual, const nlohmann::json& operand, std::size_t operand_steps);
  const nlohmann::json& Begin(const Field& field, const Subject& subject) const;
  // Judges `where` of one more element. False: of the others nothing need be known.
  bool CountOne(const Rule* where, const nlohmann::json& element, std::size_t keep, Counted& counted);

  // The parts of expressions; in definition_evaluator_expression.cc.
  TemplateResult Compute(const Expression& expression);
  TemplateResult ComputeNode(const Expression& expression);
  TemplateResult ComputeCall(const Expression::Call& call);
  TemplateResult ComputeIf(const Expression::Lazy& lazy);
  TemplateResult ComputeLogic(const Expression::Lazy& lazy);
  TemplateResult ComputeCoalesce(const Expression::Lazy& lazy);
  TemplateResult ComputeField(const Field& field);
  TemplateResult ComputeNamedField(const Expression& name, const std::vector<CountScope>& scopes);
  TemplateResult ComputeCurrent(const Field& field);
  TemplateResult ComputeContext(const Expression::Context& context) const;
  tl::expected<Field, TemplateFailure> Locate(const Expression& name, const std::vector<CountScope>& scopes);

  const EvaluationInput input_;
  const Subject own_;                            // of `field` conditions
  const std::optional<Subject> judged_;          // of the function field(), where that is another
  std::vector<const nlohmann::json*> elements_;  // the current ones of the enclosing counts of fields
  std::vector<const nlohmann::json*> values_;    // the same of counts over values
  std::set<std::string> hidden_read_;
  Spent spent_;
};

// What people are told of a failure.
Outcome OutcomeOf(const TemplateFailure& failure);

}  // namespace policy
