// Evaluates a compiled rule over a registry's ARM body, and finds the conditions that decided.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "policy/definition.h"
#include "policy/definition_alias.h"
#include "policy/definition_compare.h"
#include "policy/definition_evidence.h"
#include "policy/definition_rule.h"

namespace policy {
namespace {

using nlohmann::json;

// Conditions that one evaluation may look at, each element of an array counting anew. Counts within counts multiply: the
// largest sensible rule (4,096 conditions over 200 connections) stays below, a rule that would run for minutes does not.
constexpr std::size_t kMaxSteps = 1'000'000;

// What a rule comes to. `sound`: it would come to the same if members that the body hides had any value whatever.
struct Truth {
  Outcome outcome = Outcome::kFalse;
  bool sound = true;
};

const json& Null() {
  static const json null;
  return null;
}

bool IsType(const Rule& rule) {
  const Condition* condition = std::get_if<Condition>(&rule.node);
  const Field* field = condition == nullptr ? nullptr : std::get_if<Field>(&condition->left);
  return field != nullptr && field->location.text == "type";
}

// Whether nothing about the resource can change what the rule comes to.
bool IsConstant(const Rule& rule) {
  if (const Condition* condition = std::get_if<Condition>(&rule.node)) {
    return std::holds_alternative<Operand>(condition->left) || IsType(rule);
  }
  return std::ranges::all_of(std::get<Logical>(rule.node).rules, IsConstant);
}

class Evaluator {
 public:
  Evaluator(const json& parameters, const json& resource) : parameters_(parameters), resource_(resource) {}

  Truth Judge(const Rule& rule);

  // The rule was given up on: nothing can be said.
  bool exhausted() const { return steps_ > kMaxSteps; }

  // The values that the field selects, null for a missing one; a field without [*] selects exactly one.
  std::vector<const json*> Select(const Field& field) const;

  // Whether the field selects nothing because the body lacks a member that every current api-version returns.
  bool IsHidden(const Field& field) const;

  struct Counted {
    std::int64_t number = 0;
    Truth where;  // kFailed when `where` failed on an element, unsound when it rests on what is hidden; else as it was
  };
  Counted CountElements(const Count& count);

  // `storage` holds the value where it has to be put together.
  const json& Resolve(const Operand& operand, json& storage) const;

 private:
  Truth JudgeLogical(const Logical& logical);
  Truth JudgeCondition(const Condition& condition);
  Truth JudgeField(const Field& field, const Condition& condition, const json& operand);
  const json& Begin(const Field& field) const;

  const json& parameters_;
  const json& resource_;
  std::vector<const json*> elements_;  // the current ones of the enclosing counts
  std::size_t steps_ = 0;
};

Truth Evaluator::Judge(const Rule& rule) {
  if (const Logical* logical = std::get_if<Logical>(&rule.node)) {
    return JudgeLogical(*logical);
  }
  if (++steps_ > kMaxSteps) {
    return {Outcome::kFailed, true};
  }
  return JudgeCondition(std::get<Condition>(rule.node));
}

Truth Evaluator::JudgeLogical(const Logical& logical) {
  if (logical.op == Logical::Operator::kNot) {
    Truth truth = Judge(logical.rules.front());
    if (truth.outcome != Outcome::kFailed) {
      truth.outcome = truth.outcome == Outcome::kTrue ? Outcome::kFalse : Outcome::kTrue;
    }
    return truth;
  }
  // One member that comes to `decisive` settles it, whatever the others fail on or lack.
  const Outcome decisive = logical.op == Logical::Operator::kAllOf ? Outcome::kFalse : Outcome::kTrue;
  Truth rest{decisive == Outcome::kFalse ? Outcome::kTrue : Outcome::kFalse, true};
  bool decided = false;
  for (const Rule& member : logical.rules) {
    const Truth truth = Judge(member);
    if (truth.outcome == decisive) {
      if (truth.sound) {
        return truth;
      }
      decided = true;
    } else if (truth.outcome == Outcome::kFailed) {
      rest.outcome = Outcome::kFailed;
    }
    rest.sound = rest.sound && truth.sound;
  }
  return decided ? Truth{decisive, false} : rest;
}

Truth Evaluator::JudgeCondition(const Condition& condition) {
  json right_storage;
  const json& operand = Resolve(condition.right, right_storage);
  if (const Field* field = std::get_if<Field>(&condition.left)) {
    return JudgeField(*field, condition, operand);
  }
  if (const Count* count = std::get_if<Count>(&condition.left)) {
    const Counted counted = CountElements(*count);
    if (counted.where.outcome == Outcome::kFailed) {
      return counted.where;
    }
    return {Compare(condition.comparison, condition.negated, json(counted.number), operand),
            counted.where.sound && (counted.number != 0 || !IsHidden(count->array))};
  }
  json left_storage;
  const json& left = Resolve(std::get<Operand>(condition.left), left_storage);
  return {Compare(condition.comparison, condition.negated, left, operand), true};
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

Truth Evaluator::JudgeField(const Field& field, const Condition& condition, const json& operand) {
  const bool sound = !IsHidden(field);
  if (field.location.text == "location") {
    return {Compare(condition.comparison, condition.negated, NormaliseLocation(*Select(field).front()), NormaliseLocation(operand)), sound};
  }
  // Over [*] the condition must hold for every element, and does for none: Azure's logical and.
  Outcome all = Outcome::kTrue;
  for (const json* value : Select(field)) {
    if (++steps_ > kMaxSteps) {
      return {Outcome::kFailed, true};
    }
    const Outcome outcome = Compare(condition.comparison, condition.negated, *value, operand);
    if (outcome == Outcome::kFalse) {
      return {Outcome::kFalse, sound};
    }
    all = outcome == Outcome::kFailed ? outcome : all;
  }
  return {all, sound};
}

const json& Evaluator::Begin(const Field& field) const { return field.scope == Field::kResource ? resource_ : *elements_[field.scope]; }

std::vector<const json*> Evaluator::Select(const Field& field) const {
  std::vector<const json*> selected{&Begin(field)};
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

bool Evaluator::IsHidden(const Field& field) const {
  if (field.scope != Field::kResource || field.location.always_returned == 0) {
    return false;
  }
  const json* value = &resource_;
  for (std::size_t i = 0; i < field.location.always_returned; ++i) {
    value = FindMember(*value, field.location.steps[i]);
    if (value == nullptr || value->is_null()) {
      return true;
    }
  }
  return false;
}

Evaluator::Counted Evaluator::CountElements(const Count& count) {
  Counted counted;
  const std::vector<const json*> elements = Select(count.array);
  steps_ += elements.size();
  if (count.where == nullptr) {
    counted.number = static_cast<std::int64_t>(elements.size());
    return counted;
  }
  for (const json* element : elements) {
    elements_.push_back(element);
    const Truth truth = Judge(*count.where);
    elements_.pop_back();
    if (truth.outcome == Outcome::kFailed) {
      counted.where = truth;
      return counted;
    }
    counted.number += truth.outcome == Outcome::kTrue ? 1 : 0;
    counted.where.sound = counted.where.sound && truth.sound;
  }
  return counted;
}

const json& Evaluator::Resolve(const Operand& operand, json& storage) const {
  if (const json* literal = std::get_if<json>(&operand.value)) {
    return *literal;
  }
  if (const ParameterReference* reference = std::get_if<ParameterReference>(&operand.value)) {
    const json* value = FindMember(parameters_, reference->name);
    return value == nullptr ? Null() : *value;
  }
  storage = json::array();
  for (const Operand& element : std::get<std::vector<Operand>>(operand.value)) {
    json nested;
    storage.push_back(Resolve(element, nested));
  }
  return storage;
}

// One field's evidence while it is collected: conditions about the same field are one entry for a person.
struct Gathered {
  Evidence evidence;
  std::vector<std::string> expected;
  bool only_presence = true;  // nothing is asked but that it be there
};

// Walks the conditions that brought the rule to what it came to. What it says is expected is what a compliant registry has:
// the opposite where the rule is true, the same where it is false by what is hidden.
class Collector {
 public:
  Collector(Evaluator& evaluator, Outcome came_to, bool with_constants)
      : evaluator_(evaluator), came_false_(came_to == Outcome::kFalse), with_constants_(with_constants) {}

  // `outcome` is what `rule` came to.
  void Explain(const Rule& rule, Outcome outcome);

  std::vector<Evidence> Take();
  const std::set<std::string>& hidden() const { return hidden_; }

 private:
  void ExplainLogical(const Logical& logical, Outcome outcome);
  void ExplainCondition(const Condition& condition, Outcome outcome);
  void AlsoExpectedOfSiblings(const Logical& logical);
  void Note(const std::string& field, const json& actual, const std::string& expected, bool presence);
  std::string ExpectedOf(const Field& field, const Condition& condition, bool holds) const;
  std::string Words(const Rule& rule) const;

  Evaluator& evaluator_;
  const bool came_false_;
  const bool with_constants_;
  std::vector<Gathered> gathered_;
  std::set<std::string> hidden_;
};

void Collector::Explain(const Rule& rule, Outcome outcome) {
  if (IsConstant(rule) && !with_constants_) {
    return;
  }
  if (const Logical* logical = std::get_if<Logical>(&rule.node)) {
    ExplainLogical(*logical, outcome);
  } else if (!IsType(rule)) {
    ExplainCondition(std::get<Condition>(rule.node), outcome);
  }
}

void Collector::ExplainLogical(const Logical& logical, Outcome outcome) {
  if (logical.op == Logical::Operator::kNot) {
    const Outcome inner = outcome == Outcome::kFailed ? outcome : outcome == Outcome::kTrue ? Outcome::kFalse : Outcome::kTrue;
    Explain(logical.rules.front(), inner);
    return;
  }
  std::vector<std::pair<const Rule*, Truth>> responsible;
  bool any_sound = false;
  bool constant = false;
  for (const Rule& member : logical.rules) {
    const Truth truth = evaluator_.Judge(member);
    if (truth.outcome == outcome) {
      responsible.emplace_back(&member, truth);
      any_sound = any_sound || truth.sound;
      constant = constant || IsConstant(member);
    }
  }
  // One member was enough: what no change of the registry could alter explains nothing, and what rests on hidden members
  // adds nothing to what does not.
  const bool one_was_enough = outcome == (logical.op == Logical::Operator::kAllOf ? Outcome::kFalse : Outcome::kTrue);
  if (one_was_enough && constant && !with_constants_) {
    return;
  }
  for (const auto& [member, truth] : responsible) {
    if (!one_was_enough || truth.sound || !any_sound) {
      Explain(*member, truth.outcome);
    }
  }
  if (one_was_enough && outcome == Outcome::kTrue && !came_false_) {
    AlsoExpectedOfSiblings(logical);
  }
}

// anyOf [x exists false, x equals Allow]: where x is missing, the second member tells what it should be.
void Collector::AlsoExpectedOfSiblings(const Logical& logical) {
  for (const Rule& member : logical.rules) {
    const Condition* condition = std::get_if<Condition>(&member.node);
    const Field* field = condition == nullptr ? nullptr : std::get_if<Field>(&condition->left);
    if (field == nullptr || evaluator_.Judge(member).outcome != Outcome::kFalse) {
      continue;
    }
    for (const Gathered& entry : gathered_) {
      if (entry.evidence.field == field->location.text && entry.only_presence) {
        Note(field->location.text, Null(), ExpectedOf(*field, *condition, false), condition->comparison == Comparison::kExists);
        break;
      }
    }
  }
}

void Collector::ExplainCondition(const Condition& condition, Outcome outcome) {
  const bool failed = outcome == Outcome::kFailed;
  const bool wanted = (outcome == Outcome::kFalse) != came_false_;  // what the condition should come to
  json storage;
  const json& operand = evaluator_.Resolve(condition.right, storage);
  const std::string comparable = failed ? "comparable with " + DescribeExpected(Comparison::kEquals, true, operand, false) : "";

  if (const Field* field = std::get_if<Field>(&condition.left)) {
    if (evaluator_.IsHidden(*field)) {
      hidden_.insert(field->location.text);
    }
    json actual;
    if (field->SelectsMany()) {
      actual = json::array();
      for (const json* value : evaluator_.Select(*field)) {
        actual.push_back(*value);
      }
    } else {
      actual = *evaluator_.Select(*field).front();
    }
    const std::string expected = ExpectedOf(*field, condition, wanted);
    Note(field->location.text, actual, failed ? comparable : expected, !failed && expected == "present");
    return;
  }
  if (const Count* count = std::get_if<Count>(&condition.left)) {
    if (evaluator_.IsHidden(count->array)) {
      hidden_.insert(count->array.location.text.substr(0, count->array.location.text.find("[*]")));
    }
    std::string field = count->array.location.text;
    if (count->where != nullptr) {
      field += " where " + Words(*count->where);
    }
    std::string expected = DescribeExpected(condition.comparison, wanted != condition.negated, operand, false);
    if (expected == "not 0") {
      expected = "at least 1";
    }
    Note(field, json(evaluator_.CountElements(*count).number), failed ? comparable : expected, false);
    return;
  }
  const Operand& left = std::get<Operand>(condition.left);
  const ParameterReference* reference = std::get_if<ParameterReference>(&left.value);
  json left_storage;
  Note(reference == nullptr ? "value" : "parameters('" + reference->name + "')", evaluator_.Resolve(left, left_storage),
       failed ? comparable : DescribeExpected(condition.comparison, wanted != condition.negated, operand, false), false);
}

std::string Collector::ExpectedOf(const Field& field, const Condition& condition, bool holds) const {
  json storage;
  const json& operand = evaluator_.Resolve(condition.right, storage);
  const bool many = field.SelectsMany();
  std::string expected = DescribeExpected(condition.comparison, holds != condition.negated, operand, field.location.is_alias && !many);
  // The condition is about all selected values: it fails when one of them does.
  return many ? (holds ? "each " : "at least one ") + expected : expected;
}

void Collector::Note(const std::string& field, const json& actual, const std::string& expected, bool presence) {
  auto entry = std::ranges::find_if(gathered_, [&](const Gathered& g) { return g.evidence.field == field; });
  if (entry == gathered_.end()) {
    gathered_.push_back(Gathered{Evidence{field, EvidenceText(actual), "", IsBrief(actual)}, {}, true});
    entry = gathered_.end() - 1;
  }
  if (presence) {
    return;  // Take says so where nothing else is expected
  }
  entry->only_presence = false;
  if (std::ranges::find(entry->expected, expected) == entry->expected.end()) {
    entry->expected.push_back(expected);
  }
}

std::vector<Evidence> Collector::Take() {
  std::vector<Evidence> taken;
  for (Gathered& entry : gathered_) {
    const std::string members = entry.evidence.field + ".";
    const bool said_by_member = entry.only_presence && std::ranges::any_of(gathered_, [&](const Gathered& other) {
                                  return other.evidence.field.starts_with(members);
                                });
    if (said_by_member) {
      continue;
    }
    if (taken.size() == kMaxEvidence) {
      break;
    }
    std::string expected = entry.only_presence ? "present" : "";
    for (const std::string& one : entry.expected) {
      expected += (expected.empty() ? "" : " and ") + one;
    }
    Evidence evidence = entry.evidence;
    evidence.field = base::Printable(evidence.field, kMaxEvidenceWords);
    evidence.expected = base::Printable(expected, kMaxEvidenceWords);
    taken.push_back(std::move(evidence));
  }
  return taken;
}

// A count's `where`, in words: "status is Approved".
std::string Collector::Words(const Rule& rule) const {
  if (const Condition* condition = std::get_if<Condition>(&rule.node)) {
    std::string subject = "value";
    if (const Field* field = std::get_if<Field>(&condition->left)) {
      const std::string& text = field->location.text;
      const std::size_t dot = text.rfind('.');
      subject = text.ends_with("[*]") ? subject : dot == std::string::npos ? text : text.substr(dot + 1);
    } else if (std::holds_alternative<Count>(condition->left)) {
      subject = "count of " + std::get<Count>(condition->left).array.location.text;
    }
    json storage;
    return subject + " is " +
           DescribeExpected(condition->comparison, !condition->negated, evaluator_.Resolve(condition->right, storage), false);
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

std::string HiddenReason(const std::set<std::string>& hidden) {
  std::string members;
  for (const std::string& field : hidden) {
    members += (members.empty() ? "" : ", ") + field;
  }
  return "the registry was read without " + (members.empty() ? "members" : members) +
         ", which every current api-version returns; read it whole, with api-version " + std::string(kRegistryApiVersion);
}

}  // namespace

Evaluation Evaluate(const Definition& definition, const json& parameters, const json& resource, HiddenMembers hidden) {
  const Rule& rule = *definition.rule;
  Evaluator judge(parameters, resource);
  const Truth truth = judge.Judge(rule);
  if (judge.exhausted()) {
    return {FindingResult::kUnknown, {}, "the definition needs more than " + std::to_string(kMaxSteps) + " steps on this registry"};
  }
  if (truth.outcome == Outcome::kFalse && (truth.sound || hidden == HiddenMembers::kAsAzure)) {
    return {FindingResult::kCompliant, {}, {}};
  }
  Evaluator evaluator(parameters, resource);
  Evaluation evaluation;
  Collector collector(evaluator, truth.outcome, false);
  collector.Explain(rule, truth.outcome);
  evaluation.evidence = collector.Take();
  if (evaluation.evidence.empty()) {  // the parameters alone decided
    Collector constants(evaluator, truth.outcome, true);
    constants.Explain(rule, truth.outcome);
    evaluation.evidence = constants.Take();
  }
  evaluation.result = truth.sound ? FindingResult::kNonCompliant : FindingResult::kUnknown;
  if (!truth.sound) {
    evaluation.reason = HiddenReason(collector.hidden());
  }
  return evaluation;
}

}  // namespace policy
