#include "policy/definition_evaluator.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "policy/registry_resources.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;

const json& Null() {
  static const json null;
  return null;
}

// "East US 2" and "eastus2" are one location.
json NormaliseLocation(const json& value) {
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr) {
    if (!value.is_array()) {
      return value;
    }
    json all = json::array();
    for (const json& element : value) {
      all.push_back(NormaliseLocation(element));
    }
    return all;
  }
  std::string normal = base::AsciiLower(*text);
  std::erase(normal, ' ');
  return normal;
}

// What is said of several of which all have to be known: a failure is sure to fail the whole, then what is not known.
Outcome Worse(Outcome so_far, Outcome next) {
  return so_far == Outcome::kFailed || next == Outcome::kFailed ? Outcome::kFailed : next == Outcome::kUnknown ? next : so_far;
}

}  // namespace

Outcome OutcomeOf(const TemplateFailure& failure) {
  return failure.kind == TemplateFailure::Kind::kFails ? Outcome::kFailed : Outcome::kUnknown;
}

Combination::Combination(Outcome decisive) : decisive_(decisive), rest_{Opposite(decisive), true} {}

// One that comes to `decisive` settles it, whatever the others fail on or lack.
bool Combination::Add(const Truth& truth) {
  if (truth.outcome == decisive_) {
    if (truth.sound) {
      rest_ = truth;
      decided_ = false;
      return false;
    }
    decided_ = true;
  } else if (truth.outcome == Outcome::kUnknown || (truth.outcome == Outcome::kFailed && rest_.outcome != Outcome::kUnknown)) {
    rest_.outcome = truth.outcome;  // what is not known might be what settles it, so that nothing fails
  }
  rest_.sound = rest_.sound && truth.sound;
  return true;
}

Evaluator::Subject::Subject(const json& of, const ChildKind* its_kind) : body(of), kind(its_kind) {
  if (kind == nullptr) {
    return;
  }
  if (std::string name = ChildFullName(body); !name.empty()) {
    full_name = std::move(name);
  }
}

Evaluator::Evaluator(const EvaluationInput& input, Spent spent)
    : input_(input),
      own_(input.resource, input.kind),
      judged_(input.judged == nullptr ? std::nullopt : std::optional<Subject>(std::in_place, *input.judged, input.judged_kind)),
      spent_(spent) {}

Truth Evaluator::Judge(const Rule& rule) {
  if (const Logical* logical = std::get_if<Logical>(&rule.node)) {
    return JudgeLogical(*logical);
  }
  ++spent_.steps;
  if (exhausted()) {
    return {Outcome::kUnknown, true};
  }
  return JudgeCondition(std::get<Condition>(rule.node));
}

Truth Evaluator::JudgeLogical(const Logical& logical) {
  if (logical.op == Logical::Operator::kNot) {
    Truth truth = Judge(logical.rules.front());
    truth.outcome = Opposite(truth.outcome);
    return truth;
  }
  Combination combination(logical.op == Logical::Operator::kAllOf ? Outcome::kFalse : Outcome::kTrue);
  for (const Rule& member : logical.rules) {
    const Truth truth = Judge(member);
    if (!combination.Add(truth)) {
      break;
    }
  }
  return combination.result();
}

Truth Evaluator::JudgeCondition(const Condition& condition) {
  // Expressions tell here which hidden fields they read.
  std::set<std::string> outer = std::exchange(hidden_read_, {});
  Truth truth = JudgeSides(condition);
  truth.sound = truth.sound && hidden_read_.empty();
  hidden_read_ = std::move(outer);
  return truth;
}

Truth Evaluator::JudgeSides(const Condition& condition) {
  json right_storage;
  const auto right = Resolve(condition.right, right_storage);
  if (!right) {
    return {OutcomeOf(right.error()), true};
  }
  const json& operand = **right;
  const std::size_t operand_steps = ComparisonSteps(operand);
  if (const Field* field = std::get_if<Field>(&condition.left)) {
    return JudgeField(*field, condition, operand, operand_steps);
  }
  if (const NamedField* named = std::get_if<NamedField>(&condition.left)) {
    const auto field = Locate(*named);
    return field ? JudgeField(*field, condition, operand, operand_steps) : Truth{OutcomeOf(field.error()), true};
  }
  const auto compare = [&](const Counted& counted, bool array_is_known) -> Truth {
    if (counted.where.outcome == Outcome::kFailed || counted.where.outcome == Outcome::kUnknown) {
      return counted.where;
    }
    return {CompareWith(condition, json(counted.number), operand, operand_steps), counted.where.sound && array_is_known};
  };
  if (const Count* count = std::get_if<Count>(&condition.left)) {
    const Counted counted = CountElements(*count);
    return compare(counted, counted.number != 0 || !IsHidden(count->array));
  }
  if (const ValueCount* count = std::get_if<ValueCount>(&condition.left)) {
    const auto counted = CountElements(*count);
    return counted ? compare(*counted, true) : Truth{OutcomeOf(counted.error()), true};
  }
  json left_storage;
  const auto left = Resolve(std::get<Operand>(condition.left), left_storage);
  return left ? Truth{CompareWith(condition, **left, operand, operand_steps), true} : Truth{OutcomeOf(left.error()), true};
}

Outcome Evaluator::CompareWith(const Condition& condition, const json& actual, const json& operand, std::size_t operand_steps) {
  if (condition.comparison != Comparison::kExists) {
    spent_.steps += operand_steps + ComparisonSteps(actual);
  }
  return exhausted() ? Outcome::kUnknown : Compare(condition.comparison, condition.negated, actual, operand);
}

Truth Evaluator::JudgeField(const Field& field, const Condition& condition, const json& operand, std::size_t operand_steps) {
  const bool sound = !IsHidden(field);
  if (field.location.text == "location") {
    return {CompareWith(condition, NormaliseLocation(SelectOne(field)), NormaliseLocation(operand), operand_steps), sound};
  }
  if (!field.SelectsMany()) {
    const json& value = SelectOne(field);
    return value.is_null() && IsDoubtful(field) ? Truth{Outcome::kUnknown, true}
                                                : Truth{CompareWith(condition, value, operand, operand_steps), sound};
  }
  // Over [*] the condition must hold for every element, and does for none: Azure's logical and.
  Outcome all = Outcome::kTrue;
  for (const json* value : Select(field)) {
    if (++spent_.steps; exhausted()) {
      return {Outcome::kUnknown, true};
    }
    const Outcome outcome = CompareWith(condition, *value, operand, operand_steps);
    if (outcome == Outcome::kFalse) {
      return {Outcome::kFalse, sound};
    }
    if (outcome == Outcome::kUnknown || (outcome == Outcome::kFailed && all != Outcome::kUnknown)) {
      all = outcome;
    }
  }
  return {all, sound};
}

const json& Evaluator::Begin(const Field& field, const Subject& subject) const {
  return field.scope != Field::kResource ? *elements_[field.scope] : subject.IsForeignTo(field) ? Null() : subject.body;
}

const json& Evaluator::SelectOne(const Field& field, const Subject& subject) const {
  if (subject.kind != nullptr && field.location.IsFullName()) {
    return subject.full_name;
  }
  const json* value = &Begin(field, subject);
  for (std::size_t i = field.first_step; i < field.location.steps.size(); ++i) {
    value = FindMember(*value, field.location.steps[i]);
    if (value == nullptr) {
      return Null();
    }
  }
  return *value;
}

std::vector<const json*> Evaluator::Select(const Field& field, const Subject& subject) const {
  std::vector<const json*> selected{&Begin(field, subject)};
  const std::vector<std::string>& steps = field.location.steps;
  for (std::size_t i = field.first_step; i < steps.size(); ++i) {
    if (!steps[i].empty()) {
      for (const json*& value : selected) {
        const json* member = FindMember(*value, steps[i]);
        value = member == nullptr ? &Null() : member;
      }
      continue;
    }
    std::vector<const json*> elements;
    for (const json* value : selected) {
      if (value->is_array()) {
        for (const json& element : *value) {
          elements.push_back(&element);
        }
      }
    }
    selected = std::move(elements);
  }
  return selected;
}

bool Evaluator::IsHidden(const Field& field, const Subject& subject) {
  if (field.scope != Field::kResource || field.location.always_returned == 0 || subject.IsForeignTo(field)) {
    return false;
  }
  const json* value = &subject.body;
  for (std::size_t i = 0; i < field.location.always_returned; ++i) {
    value = FindMember(*value, field.location.steps[i]);
    if (value == nullptr || value->is_null()) {
      return true;
    }
  }
  return false;
}

bool Evaluator::IsDoubtful(const Field& field, const Subject& subject) {
  if (!field.location.IsTag()) {
    return false;
  }
  const json* tags = FindMember(subject.body, field.location.steps.front());
  const std::string& name = field.location.steps.back();
  return tags != nullptr && FindMember(*tags, name) == nullptr && MayHaveMember(*tags, name);
}

bool Evaluator::CountOne(const Rule* where, const json& element, std::size_t keep, Counted& counted) {
  const Truth truth = where == nullptr ? Truth{Outcome::kTrue, true} : Judge(*where);
  counted.where.sound = counted.where.sound && truth.sound;
  if (truth.outcome == Outcome::kTrue) {
    ++counted.number;
    if (counted.matched.size() < keep) {
      counted.matched.push_back(element);
    }
  } else if (truth.outcome != Outcome::kFalse) {
    counted.where.outcome = Worse(counted.where.outcome, truth.outcome);
  }
  return counted.where.outcome != Outcome::kFailed && !exhausted();
}

Evaluator::Counted Evaluator::CountElements(const Count& count, std::size_t keep) {
  Counted counted;
  const std::vector<const json*> elements = Select(count.array);
  spent_.steps += elements.size();
  if (count.where == nullptr) {
    counted.number = static_cast<std::int64_t>(elements.size());
    return counted;
  }
  for (const json* element : elements) {
    elements_.push_back(element);
    const bool go_on = CountOne(count.where.get(), *element, keep, counted);
    elements_.pop_back();
    if (!go_on) {
      break;
    }
  }
  return counted;
}

tl::expected<Evaluator::Counted, TemplateFailure> Evaluator::CountElements(const ValueCount& count, std::size_t keep) {
  json storage;
  const auto array = Resolve(count.array, storage);
  if (!array) {
    return tl::unexpected(array.error());
  }
  if (!(*array)->is_array()) {
    return CannotTell("what a count over " + std::string(KindOf(**array)) + " does is not documented");
  }
  if ((*array)->size() > kMaxValueCountElements) {
    return CannotTell("Azure counts over at most " + std::to_string(kMaxValueCountElements) + " values");
  }
  Counted counted;
  for (const json& element : **array) {
    ++spent_.steps;
    values_.push_back(&element);
    const bool go_on = CountOne(count.where.get(), element, keep, counted);
    values_.pop_back();
    if (!go_on) {
      break;
    }
  }
  return counted;
}

tl::expected<const json*, TemplateFailure> Evaluator::Resolve(const Operand& operand, json& storage) {
  if (const json* literal = std::get_if<json>(&operand.value)) {
    return literal;
  }
  if (const auto* expression = std::get_if<std::shared_ptr<const CompiledExpression>>(&operand.value)) {
    const auto* parameter = std::get_if<Expression::Parameter>(&(*expression)->root.node);
    if (parameter != nullptr && (*expression)->root.keys.empty()) {
      const json* value = FindMember(input_.parameters, parameter->name);
      return value == nullptr ? &Null() : value;
    }
    TemplateResult value = Compute((*expression)->root);
    if (!value) {
      return tl::unexpected(std::move(value.error()));
    }
    storage = std::move(*value);
    return &storage;
  }
  storage = json::array();
  for (const Operand& element : std::get<std::vector<Operand>>(operand.value)) {
    json nested;
    auto value = Resolve(element, nested);
    if (!value) {
      return value;
    }
    ++spent_.steps;
    ChargeFor(**value);
    if (exhausted()) {
      return CannotTell("the rule needs too much time on this registry");
    }
    storage.push_back(**value);
  }
  return &storage;
}

}  // namespace policy
