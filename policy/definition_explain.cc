#include "policy/definition_explain.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "policy/definition_evidence.h"
#include "policy/definition_words.h"
#include "policy/template_values.h"

namespace policy {
namespace {

using nlohmann::json;
using ExpressionPointer = std::shared_ptr<const CompiledExpression>;

constexpr std::size_t kMaxListed = 20;  // elements that matched; the text is cut in any case

bool IsType(const Rule& rule) {
  const Condition* condition = std::get_if<Condition>(&rule.node);
  const Field* field = condition == nullptr ? nullptr : std::get_if<Field>(&condition->left);
  return field != nullptr && field->location.text == "type";
}

bool IsConstant(const Operand& operand) {
  if (const ExpressionPointer* expression = std::get_if<ExpressionPointer>(&operand.value)) {
    return (*expression)->parameters_alone;
  }
  const std::vector<Operand>* elements = std::get_if<std::vector<Operand>>(&operand.value);
  return elements == nullptr || std::ranges::all_of(*elements, [](const Operand& element) { return IsConstant(element); });
}

// Of a condition both sides of which are known.
std::string WhyUnknown(const Condition& condition) {
  switch (condition.comparison) {
    case Comparison::kLess:
    case Comparison::kLessOrEquals:
    case Comparison::kGreater:
    case Comparison::kGreaterOrEquals:
      return "how Azure orders " + SubjectOf(condition) + " and " +
             DescribeExpected(Comparison::kEquals, true, Unresolved(condition.right), false) + " is not known here";
    default:
      return "whether " + SubjectOf(condition) + " is " +
             DescribeExpected(condition.comparison, !condition.negated, Unresolved(condition.right), false) +
             " is not known here: it hangs on letters beyond ASCII, of which Azure ignores the case";
  }
}

// Whether nothing about the resource can change what the rule comes to.
bool IsConstant(const Rule& rule) {
  if (const Condition* condition = std::get_if<Condition>(&rule.node)) {
    const Operand* left = std::get_if<Operand>(&condition->left);
    return IsType(rule) || (left != nullptr && IsConstant(*left) && IsConstant(condition->right));
  }
  return std::ranges::all_of(std::get<Logical>(rule.node).rules, [](const Rule& member) { return IsConstant(member); });
}

}  // namespace

void EvidenceCollector::Explain(const Rule& rule, Outcome outcome) {
  if (IsConstant(rule) && explained_ == Explained::kChangeable) {
    return;
  }
  if (const Logical* logical = std::get_if<Logical>(&rule.node)) {
    ExplainLogical(*logical, outcome);
  } else if (!IsType(rule) || explained_ == Explained::kAll) {
    ExplainCondition(std::get<Condition>(rule.node), outcome);
  }
}

void EvidenceCollector::ExplainLogical(const Logical& logical, Outcome outcome) {
  if (logical.op == Logical::Operator::kNot) {
    Explain(logical.rules.front(), Opposite(outcome));
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
  if (one_was_enough && constant && explained_ == Explained::kChangeable) {
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
void EvidenceCollector::AlsoExpectedOfSiblings(const Logical& logical) {
  for (const Rule& member : logical.rules) {
    const Condition* condition = std::get_if<Condition>(&member.node);
    const Field* field = condition == nullptr ? nullptr : std::get_if<Field>(&condition->left);
    if (field == nullptr || evaluator_.Judge(member).outcome != Outcome::kFalse) {
      continue;
    }
    for (const Gathered& entry : gathered_) {
      if (entry.evidence.field == field->location.text && entry.only_presence) {
        Note(field->location.text, json(),
             Expected(*condition, false, field->location.is_alias && !field->SelectsMany(), field->SelectsMany()),
             condition->comparison == Comparison::kExists, IsBriefRight(*condition));
        break;
      }
    }
  }
}

void EvidenceCollector::ExplainCondition(const Condition& condition, Outcome outcome) {
  if (evaluator_.exhausted()) {
    return;
  }
  json storage;
  if (const auto right = evaluator_.Resolve(condition.right, storage); !right) {
    ExplainFailure(NameOf(condition.right), right.error());
  } else if (const Field* field = std::get_if<Field>(&condition.left)) {
    ExplainField(*field, condition, outcome);
  } else if (const NamedField* named = std::get_if<NamedField>(&condition.left)) {
    const auto located = evaluator_.Locate(*named);
    if (located) {
      ExplainField(*located, condition, outcome);
    } else {
      ExplainFailure(NameOf(*named->name), located.error());
    }
  } else if (const Count* count = std::get_if<Count>(&condition.left)) {
    ExplainFieldCount(*count, condition, outcome);
  } else if (const ValueCount* values = std::get_if<ValueCount>(&condition.left)) {
    ExplainValueCount(*values, condition, outcome);
  } else {
    const Operand& left = std::get<Operand>(condition.left);
    json left_storage;
    const auto actual = evaluator_.Resolve(left, left_storage);
    if (!actual) {
      ExplainFailure(NameOf(left), actual.error());
    } else {
      Note(NameOf(left), **actual, outcome == Outcome::kFailed ? Comparable(condition) : Expected(condition, Wanted(outcome), false, false),
           false, IsBriefRight(condition));
    }
  }
  hidden_.merge(evaluator_.TakeHiddenRead());
  if (outcome == Outcome::kUnknown && unknown_.empty()) {
    unknown_ = WhyUnknown(condition);
  }
}

void EvidenceCollector::ExplainFailure(const std::string& what, const TemplateFailure& failure) {
  if (failure.kind == TemplateFailure::Kind::kFails) {
    Note(what, json(failure.message), "an expression that does not fail", false, false);
    return;
  }
  unknown_ = unknown_.empty() ? what + ": " + base::Printable(failure.message, kMaxEvidenceText) : unknown_;
}

void EvidenceCollector::ExplainField(const Field& field, const Condition& condition, Outcome outcome) {
  const bool failed = outcome == Outcome::kFailed;
  if (evaluator_.IsHidden(field)) {
    hidden_.insert(field.location.text);
  }
  const bool many = field.SelectsMany();
  json actual;
  if (many) {
    actual = json::array();
    for (const json* value : evaluator_.Select(field)) {
      actual.push_back(*value);
    }
  } else {
    actual = evaluator_.SelectOne(field);
  }
  const std::string expected = Expected(condition, Wanted(outcome), field.location.is_alias && !many, many);
  Note(field.location.text, actual, failed ? Comparable(condition) : expected, !failed && expected == "present", IsBriefRight(condition));
}

void EvidenceCollector::ExplainFieldCount(const Count& count, const Condition& condition, Outcome outcome) {
  const std::string& array = count.array.location.text;
  if (evaluator_.IsHidden(count.array)) {
    hidden_.insert(array.substr(0, array.find("[*]")));
  }
  NoteCount(array, count.where.get(), evaluator_.CountElements(count, kMaxListed), condition, outcome);
}

void EvidenceCollector::ExplainValueCount(const ValueCount& count, const Condition& condition, Outcome outcome) {
  const auto counted = evaluator_.CountElements(count, kMaxListed);
  if (!counted) {
    ExplainFailure(NameOf(count.array), counted.error());
    return;
  }
  NoteCount("values of " + NameOf(count.array), count.where.get(), *counted, condition, outcome);
}

void EvidenceCollector::NoteCount(const std::string& array, const Rule* where, const Evaluator::Counted& counted,
                                  const Condition& condition, Outcome outcome) {
  const std::string name = where == nullptr ? array : array + " where " + Words(*where);
  if (counted.where.outcome == Outcome::kUnknown) {
    unknown_ = unknown_.empty() ? name + ": what an expression gives there is not known here" : unknown_;
    return;
  }
  if (counted.where.outcome == Outcome::kFailed) {
    Note(name, json(counted.number), "comparable elements", false, false);
    return;
  }
  std::string expected = outcome == Outcome::kFailed ? Comparable(condition) : Expected(condition, Wanted(outcome), false, false);
  expected = expected == "not 0" ? "at least 1" : expected;
  Note(name, json(counted.number), expected, false, IsBriefRight(condition));
  if (!counted.matched.empty()) {
    json matched = json::array();
    for (const json& element : counted.matched) {
      matched.push_back(Telling(element));
    }
    Note("these " + array, matched, expected + " of them", false, false);
  }
}

std::string EvidenceCollector::Comparable(const Condition& condition) {
  json storage;
  const auto operand = evaluator_.Resolve(condition.right, storage);
  return "comparable with " + DescribeExpected(Comparison::kEquals, true, operand ? **operand : Unresolved(condition.right), false);
}

bool EvidenceCollector::IsBriefRight(const Condition& condition) {
  json storage;
  const auto operand = IsConstant(condition.right) ? nullptr : evaluator_.Resolve(condition.right, storage).value_or(nullptr);
  return operand == nullptr || IsBrief(*operand);
}

std::string EvidenceCollector::Expected(const Condition& condition, bool holds, bool two_valued, bool of_many) {
  json storage;
  const auto operand = evaluator_.Resolve(condition.right, storage);
  std::string expected =
      DescribeExpected(condition.comparison, holds != condition.negated, operand ? **operand : Unresolved(condition.right), two_valued);
  // The condition is about all selected values: it fails when one of them does.
  return of_many ? (holds ? "each " : "at least one ") + expected : expected;
}

void EvidenceCollector::Note(const std::string& field, const json& actual, const std::string& expected, bool presence, bool brief) {
  evaluator_.ChargeFor(actual);
  auto entry = std::ranges::find_if(gathered_, [&](const Gathered& g) { return g.evidence.field == field; });
  if (entry == gathered_.end()) {
    gathered_.push_back(Gathered{Evidence{field, EvidenceText(actual), "", IsBrief(actual)}, {}, true});
    entry = gathered_.end() - 1;
  }
  entry->evidence.brief = entry->evidence.brief && brief;
  if (presence) {
    return;  // Take says so where nothing else is expected
  }
  entry->only_presence = false;
  if (std::ranges::find(entry->expected, expected) == entry->expected.end()) {
    entry->expected.push_back(expected);
  }
}

std::vector<Evidence> EvidenceCollector::Take() {
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

}  // namespace policy
