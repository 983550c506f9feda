// Why a rule came to what it did: the conditions that decided, as evidence for people.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "policy/definition.h"
#include "policy/definition_evaluator.h"
#include "policy/definition_rule.h"

namespace policy {

// Of which conditions evidence is made.
enum class Explained {
  kChangeable,     // those that a change of the registry could alter
  kWithConstants,  // also those that the parameters alone decide
  kAll,            // and those about the resource's type
};

// Walks the conditions that brought the rule to what it came to. What it says is expected is what a compliant registry has:
// the opposite where the rule is true, the same where it is false by what is hidden.
class EvidenceCollector {
 public:
  EvidenceCollector(Evaluator& evaluator, Outcome came_to, Explained explained)
      : evaluator_(evaluator), came_false_(came_to == Outcome::kFalse), explained_(explained) {}

  // `outcome` is what `rule` came to.
  void Explain(const Rule& rule, Outcome outcome);

  std::vector<Evidence> Take();
  // The members that the body hides and that decided.
  const std::set<std::string>& hidden() const { return hidden_; }
  // Why something cannot be told; "" when nothing is so.
  const std::string& unknown() const { return unknown_; }

 private:
  // One field's evidence while it is collected: conditions about the same field are one entry for a person.
  struct Gathered {
    Evidence evidence;
    std::vector<std::string> expected;
    bool only_presence = true;  // nothing is asked but that it be there
  };

  void ExplainLogical(const Logical& logical, Outcome outcome);
  void ExplainCondition(const Condition& condition, Outcome outcome);
  void ExplainField(const Field& field, const Condition& condition, Outcome outcome);
  void ExplainFieldCount(const Count& count, const Condition& condition, Outcome outcome);
  void ExplainValueCount(const ValueCount& count, const Condition& condition, Outcome outcome);
  void NoteCount(const std::string& array, const Rule* where, const Evaluator::Counted& counted, const Condition& condition,
                 Outcome outcome);
  void ExplainFailure(const std::string& what, const TemplateFailure& failure);
  void AlsoExpectedOfSiblings(const Logical& logical);
  void Note(const std::string& field, const nlohmann::json& actual, const std::string& expected, bool presence, bool brief);
  // What the comparison asks of the left side where the condition holds, or does not.
  std::string Expected(const Condition& condition, bool holds, bool two_valued, bool of_many);
  std::string Comparable(const Condition& condition);
  // Whether everybody may read the right side: `expected` repeats it.
  bool IsBriefRight(const Condition& condition);
  bool Wanted(Outcome outcome) const { return (outcome == Outcome::kFalse) != came_false_; }

  Evaluator& evaluator_;
  const bool came_false_;
  const Explained explained_;
  std::vector<Gathered> gathered_;
  std::set<std::string> hidden_;
  std::string unknown_;
};

}  // namespace policy
