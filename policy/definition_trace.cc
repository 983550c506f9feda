#include "policy/definition_trace.h"

#include <utility>
#include <variant>

#include "base/text.h"
#include "policy/definition_evaluator.h"
#include "policy/definition_evidence.h"
#include "policy/definition_existence.h"
#include "policy/definition_rule.h"
#include "policy/definition_words.h"
#include "policy/template_functions.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::string_view kTooMuch = "needs more time or memory than one registry is given";
constexpr std::string_view kHidden = "the registry was read without it, and every current api-version returns it";

// What tracing one registry may spend: to judge its resources, as for a finding, and as much again to tell of their conditions.
struct TraceBudget {
  Spent judging{};
  Spent telling{};
};

class Tracer {
 public:
  Tracer(const EvaluationInput& input, TraceBudget& budget) : input_(input), budget_(budget) {}

  RuleTrace Trace(const Rule& rule) { return Trace(rule, budget_.judging); }

 private:
  RuleTrace Trace(const Rule& rule, Spent& budget) {
    --room_;
    Evaluator evaluator(input_, budget);
    const Truth truth = evaluator.Judge(rule);
    budget = evaluator.spent();
    RuleTrace trace;
    trace.outcome = truth.outcome;
    if (evaluator.exhausted()) {
      trace.note = kTooMuch;
    }
    if (const Logical* logical = std::get_if<Logical>(&rule.node)) {
      trace.kind = logical->op == Logical::Operator::kNot     ? RuleTrace::Kind::kNot
                   : logical->op == Logical::Operator::kAllOf ? RuleTrace::Kind::kAllOf
                                                              : RuleTrace::Kind::kAnyOf;
      for (const Rule& member : logical->rules) {
        if (room_ == 0) {
          ++trace.left_out;
        } else {
          trace.members.push_back(Trace(member, budget_.telling));
        }
      }
      return trace;
    }
    TraceCondition(std::get<Condition>(rule.node), trace);
    if (!truth.sound && trace.note.empty()) {
      trace.note = kHidden;
    }
    return trace;
  }

  void TraceCondition(const Condition& condition, RuleTrace& trace) {
    Evaluator evaluator(input_, budget_.telling);
    trace.comparison = KeywordOf(condition.comparison, condition.negated);
    if (evaluator.exhausted()) {
      trace.subject = base::Printable(SubjectOf(condition), kMaxEvidenceWords);
      trace.note = kTooMuch;
      return;
    }
    TraceSides(evaluator, condition, trace);
    budget_.telling = evaluator.spent();
    trace.subject = base::Printable(trace.subject, kMaxEvidenceWords);
    if (trace.note.empty() && trace.outcome == Outcome::kFailed) {
      trace.note = "the two cannot be compared, and Azure denies where a rule fails";
    } else if (trace.note.empty() && trace.outcome == Outcome::kUnknown) {
      trace.note = "what Azure makes of it is not known here, such as the case of letters beyond ASCII";
    }
  }

  static void TraceSides(Evaluator& evaluator, const Condition& condition, RuleTrace& trace) {
    json storage;
    const auto right = evaluator.Resolve(condition.right, storage);
    if (right) {
      evaluator.ChargeFor(**right);
    }
    trace.expected = EvidenceText(right ? **right : Unresolved(condition.right));
    if (!right) {
      Fail(NameOf(condition.right), right.error(), trace);
    }
    if (const Field* field = std::get_if<Field>(&condition.left)) {
      TraceField(evaluator, *field, trace);
    } else if (const NamedField* named = std::get_if<NamedField>(&condition.left)) {
      if (const auto located = evaluator.Locate(*named)) {
        TraceField(evaluator, *located, trace);
      } else {
        trace.subject = NameOf(*named->name);
        Fail(trace.subject, located.error(), trace);
      }
    } else if (const Count* count = std::get_if<Count>(&condition.left)) {
      TraceCount(count->array.location.text, count->where.get(), evaluator.CountElements(*count, kMaxTracedElements), trace);
    } else if (const ValueCount* values = std::get_if<ValueCount>(&condition.left)) {
      const std::string name = "values of " + NameOf(values->array);
      if (const auto counted = evaluator.CountElements(*values, kMaxTracedElements)) {
        TraceCount(name, values->where.get(), *counted, trace);
      } else {
        trace.subject = name;
        Fail(name, counted.error(), trace);
      }
    } else {
      const Operand& left = std::get<Operand>(condition.left);
      trace.subject = NameOf(left);
      json left_storage;
      if (const auto actual = evaluator.Resolve(left, left_storage)) {
        evaluator.ChargeFor(**actual);
        trace.actual = EvidenceText(**actual);
      } else {
        Fail(trace.subject, actual.error(), trace);
      }
    }
  }

  static void TraceField(Evaluator& evaluator, const Field& field, RuleTrace& trace) {
    trace.subject = field.location.text;
    if (!field.SelectsMany()) {
      const json& value = evaluator.SelectOne(field);
      evaluator.ChargeFor(value);
      trace.actual = EvidenceText(value);
      return;
    }
    json all = json::array();
    for (const json* value : evaluator.Select(field)) {
      all.push_back(*value);
    }
    evaluator.ChargeFor(all);
    trace.actual = EvidenceText(all);
  }

  static void TraceCount(const std::string& array, const Rule* where, const Evaluator::Counted& counted, RuleTrace& trace) {
    trace.subject = "count of " + array + (where == nullptr ? "" : " where " + Words(*where));
    trace.actual = EvidenceText(json(counted.number));
    if (counted.where.outcome == Outcome::kFailed || counted.where.outcome == Outcome::kUnknown) {
      trace.actual.clear();
      trace.note = counted.where.outcome == Outcome::kFailed ? "its where fails on an element" : "its where cannot be told of an element";
    }
    for (const json& element : counted.matched) {
      trace.matched.push_back(EvidenceText(Telling(element)));
    }
  }

  static void Fail(const std::string& what, const TemplateFailure& failure, RuleTrace& trace) {
    if (trace.note.empty()) {
      trace.note = base::Printable(what + ": " + failure.message, kMaxEvidenceText);
    }
  }

  const EvaluationInput input_;
  TraceBudget& budget_;
  std::size_t room_ = kMaxTraced;
};

std::string NameOfResource(const ChildKind* kind, const json& body) {
  return kind == nullptr ? "the registry" : base::Printable(std::string(kind->name) + "/" + ChildName(body), kMaxEvidenceWords);
}

class RegistryTracer {
 public:
  RegistryTracer(const Definition& definition, const json& parameters, RegistryResources& registry, base::Time now)
      : definition_(definition), parameters_(parameters), registry_(registry), now_(now) {}

  RegistryTrace Trace() {
    RegistryTrace traced;
    if (definition_.types.registry) {
      traced.resources.push_back(TraceResource("", nullptr, registry_.body()));
    }
    for (const ChildKind* kind : definition_.types.children) {
      const ChildResources& children = registry_.Children(*kind);
      if (!children.unknown.empty()) {
        traced.unknown.push_back(children.unknown);
      }
      for (const json& body : children.bodies) {
        if (traced.resources.size() == kMaxTracedResources) {
          ++traced.left_out;
        } else {
          traced.resources.push_back(TraceResource(NameOfResource(kind, body), kind, body));
        }
      }
    }
    return traced;
  }

 private:
  EvaluationInput InputOf(const ChildKind* kind, const json& body) const { return {parameters_, body, definition_.id, now_, kind}; }

  ResourceTrace TraceResource(std::string name, const ChildKind* kind, const json& body) {
    ResourceTrace traced{std::move(name), Tracer(InputOf(kind, body), budget_).Trace(*definition_.rule)};
    if (definition_.existence != nullptr && traced.rule.outcome != Outcome::kFalse) {
      traced.existence = TraceExistence(*definition_.existence, kind, body);
    }
    return traced;
  }

  ExistenceTrace TraceExistence(const Existence& existence, const ChildKind* kind, const json& body) {
    Evaluator evaluator(InputOf(kind, body), budget_.judging);
    const Related related = FindRelated(existence, evaluator, registry_);
    budget_.judging = evaluator.spent();
    ExistenceTrace traced{.subject = base::Printable(existence.kind == nullptr ? "the registry" : related.subject, kMaxEvidenceWords),
                          .has_condition = existence.condition != nullptr};
    if (related.failure) {
      traced.outcome = OutcomeOf(*related.failure);
      traced.note = base::Printable(related.failure->message, kMaxEvidenceText);
      return traced;
    }
    Combination any(Outcome::kTrue);
    for (const json* one : related.bodies) {
      if (traced.names.size() == kMaxTracedResources) {
        ++traced.left_out;
        continue;
      }
      traced.names.push_back(NameOfResource(existence.kind, *one));
      if (existence.condition == nullptr) {
        any.Add({Outcome::kTrue, true});
        continue;
      }
      traced.conditions.push_back(
          Tracer({parameters_, *one, definition_.id, now_, existence.kind, &body, kind}, budget_).Trace(*existence.condition));
      any.Add({traced.conditions.back().outcome, true});
    }
    traced.outcome = any.result().outcome;
    return traced;
  }

  const Definition& definition_;
  const json& parameters_;
  RegistryResources& registry_;
  const base::Time now_;
  TraceBudget budget_;
};

}  // namespace

std::string_view ToString(RuleTrace::Kind kind) {
  switch (kind) {
    case RuleTrace::Kind::kCondition:
      return "condition";
    case RuleTrace::Kind::kAllOf:
      return "allOf";
    case RuleTrace::Kind::kAnyOf:
      return "anyOf";
    case RuleTrace::Kind::kNot:
      return "not";
  }
  return "condition";
}

std::string_view ToString(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFalse:
      return "false";
    case Outcome::kTrue:
      return "true";
    case Outcome::kFailed:
      return "fails";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "unknown";
}

RuleTrace TraceRule(const Definition& definition, const json& parameters, const json& resource, base::Time now, const ChildKind* kind) {
  TraceBudget budget;
  return Tracer({parameters, resource, definition.id, now, kind}, budget).Trace(*definition.rule);
}

RegistryTrace TraceRegistry(const Definition& definition, const json& parameters, RegistryResources& registry, base::Time now) {
  return RegistryTracer(definition, parameters, registry, now).Trace();
}

}  // namespace policy
