// What a definition says of one registry: of itself, of its children, or of both.
#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "policy/definition.h"
#include "policy/definition_alias.h"
#include "policy/definition_evaluator.h"
#include "policy/definition_evidence.h"
#include "policy/definition_existence.h"
#include "policy/definition_explain.h"
#include "policy/definition_rule.h"
#include "policy/definition_words.h"
#include "policy/registry_resources.h"

namespace policy {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxChildName = 96;  // bytes; a private endpoint connection's has the endpoint's and a GUID

std::string HiddenReason(const std::set<std::string>& hidden) {
  std::string members;
  for (const std::string& field : hidden) {
    members += (members.empty() ? "" : ", ") + field;
  }
  return "the registry was read without " + (members.empty() ? "members" : members) +
         ", which every current api-version returns; read it whole, with api-version " + std::string(kRegistryApiVersion);
}

// One resource that the definition is about, and what its rule came to.
struct Judged {
  const ChildKind* kind = nullptr;  // null: the registry
  const json* body = nullptr;
  Truth truth;      // with Definition::existence: that it is true and no related resource is as it should be
  Truth of_rule{};  // what the rule alone came to

  bool Is(FindingResult result, HiddenMembers hidden) const { return Result(hidden) == result; }
  FindingResult Result(HiddenMembers hidden) const {
    if (truth.outcome == Outcome::kFalse && (truth.sound || hidden == HiddenMembers::kAsAzure)) {
      return FindingResult::kCompliant;
    }
    return truth.outcome == Outcome::kUnknown || !truth.sound ? FindingResult::kUnknown : FindingResult::kNonCompliant;
  }
  std::string Name() const {
    const std::string name = ChildName(*body);
    return name.empty() ? "(without a name)" : base::Printable(name, kMaxChildName);
  }
};

class RegistryEvaluation {
 public:
  RegistryEvaluation(const Definition& definition, const json& parameters, RegistryResources& registry, base::Time now,
                     HiddenMembers hidden)
      : definition_(definition), parameters_(parameters), registry_(registry), now_(now), hidden_(hidden) {}

  Evaluation Evaluate() {
    if (definition_.types.registry) {
      Judge(nullptr, registry_.body());
    }
    for (const ChildKind* kind : definition_.types.children) {
      const ChildResources& children = registry_.Children(*kind);
      if (!children.unknown.empty()) {
        AddUnknown(children.unknown);
      }
      for (const json& body : children.bodies) {
        Judge(kind, body);
      }
    }
    if (spent_.IsTooMuch()) {
      return {FindingResult::kUnknown,
              {},
              "the definition needs more than " + std::to_string(kMaxSteps) + " steps or " + std::to_string(kMaxComputedBytes >> 20U) +
                  " MiB on this registry"};
    }
    if (Has(FindingResult::kNonCompliant)) {
      return ExplainNonCompliant();
    }
    return Has(FindingResult::kUnknown) || !unknown_.empty() ? ExplainUnknown() : Evaluation{FindingResult::kCompliant, {}, {}};
  }

 private:
  EvaluationInput InputOf(const ChildKind* kind, const json& body) const { return {parameters_, body, definition_.id, now_, kind}; }

  // Of the existenceCondition over a resource that is related to one of kind `kind`.
  EvaluationInput InputOfRelated(const json& related, const ChildKind* kind, const json& body) const {
    return {parameters_, related, definition_.id, now_, definition_.existence->kind, &body, kind};
  }

  void Judge(const ChildKind* kind, const json& body) {
    if (spent_.IsTooMuch()) {
      return;
    }
    Evaluator evaluator(InputOf(kind, body), spent_);
    const Truth of_rule = evaluator.Judge(*definition_.rule);
    Truth truth = of_rule;
    if (definition_.existence != nullptr && !(truth.outcome == Outcome::kFalse && truth.sound)) {
      const Related related = FindRelated(*definition_.existence, evaluator, registry_);
      spent_ = evaluator.spent();
      Truth missing = Exists(related, kind, body);
      missing.outcome = Opposite(missing.outcome);
      Combination both(Outcome::kFalse);
      if (both.Add(truth)) {
        both.Add(missing);
      }
      truth = both.result();
    } else {
      spent_ = evaluator.spent();
    }
    judged_.push_back({kind, &body, truth, of_rule});
  }

  // Whether one of what is related to the resource is as it should be.
  Truth Exists(const Related& related, const ChildKind* kind, const json& body) {
    if (related.failure) {
      return {OutcomeOf(*related.failure), true};
    }
    Combination any(Outcome::kTrue);
    for (const json* one : related.bodies) {
      if (!any.Add(Meets(*one, kind, body))) {
        break;
      }
    }
    return any.result();
  }

  Truth Meets(const json& related, const ChildKind* kind, const json& body) {
    if (definition_.existence->condition == nullptr) {
      return {Outcome::kTrue, true};
    }
    Evaluator evaluator(InputOfRelated(related, kind, body), spent_);
    const Truth truth = evaluator.Judge(*definition_.existence->condition);
    spent_ = evaluator.spent();
    return truth;
  }

  void AddUnknown(const std::string& reason) { unknown_ += (unknown_.empty() ? "" : "; ") + reason; }

  bool Has(FindingResult result) const {
    return std::ranges::any_of(judged_, [&](const Judged& one) { return one.Is(result, hidden_); });
  }

  // Each resource that is not compliant, while there is room, and how many more there are.
  Evaluation ExplainNonCompliant() {
    Evaluation evaluation{FindingResult::kNonCompliant, {}, {}};
    std::vector<const Judged*> guilty;
    for (const Judged& one : judged_) {
      if (!one.Is(FindingResult::kNonCompliant, hidden_)) {
        continue;
      }
      if (evaluation.child.empty() && one.kind != nullptr) {
        evaluation.child = ChildName(*one.body);
      }
      guilty.push_back(&one);
    }
    std::size_t told = 0;
    for (; told < guilty.size(); ++told) {
      std::vector<Evidence> evidence = Explain(*guilty[told]).evidence;
      const std::size_t room = kMaxEvidence - evaluation.evidence.size() - (told + 1 < guilty.size() ? 1 : 0);
      if (told > 0 && evidence.size() > room) {
        break;
      }
      evidence.resize(std::min(evidence.size(), room));
      std::ranges::move(evidence, std::back_inserter(evaluation.evidence));
    }
    if (told < guilty.size()) {
      evaluation.evidence.push_back(OthersThan(guilty, told));
    }
    return evaluation;
  }

  static Evidence OthersThan(const std::vector<const Judged*>& guilty, std::size_t told) {
    const ChildKind* kind = guilty.back()->kind;
    const bool of_one_kind =
        std::all_of(guilty.begin() + static_cast<std::ptrdiff_t>(told), guilty.end(), [&](const Judged* one) { return one->kind == kind; });
    return {"other " + (of_one_kind && kind != nullptr ? std::string(kind->name) : "children") + " that are not compliant",
            std::to_string(guilty.size() - told), "0", true};
  }

  Evaluation ExplainUnknown() {
    Evaluation evaluation{FindingResult::kUnknown, {}, unknown_};
    for (const Judged& one : judged_) {
      if (!one.Is(FindingResult::kUnknown, hidden_)) {
        continue;
      }
      Evaluation explained = Explain(one);
      evaluation.evidence = std::move(explained.evidence);
      if (evaluation.reason.empty()) {
        evaluation.reason = std::move(explained.reason);
      }
      break;  // to mend one is to learn of the next
    }
    if (evaluation.reason.empty()) {
      evaluation.reason = "what Azure Policy makes of the definition on this registry is not known here";
    }
    return evaluation;
  }

  // Why a rule came to `outcome`.
  struct Because {
    std::vector<Evidence> evidence;
    std::set<std::string> hidden;
    std::string unknown;
  };

  // `came_to` as EvidenceCollector has it. What explains the most first: the parameters alone may have decided, or the type, which a
  // child's name tells.
  Because Collect(Evaluator& evaluator, const Rule& rule, Outcome outcome, Outcome came_to, const ChildKind* kind) {
    Because because;
    for (const Explained explained : {Explained::kChangeable, Explained::kWithConstants, Explained::kAll}) {
      if (!because.evidence.empty() || evaluator.exhausted() ||
          (explained == Explained::kAll && (kind != nullptr || outcome == Outcome::kUnknown))) {
        break;
      }
      EvidenceCollector collector(evaluator, came_to, explained);
      collector.Explain(rule, outcome);
      because.evidence = collector.Take();
      because.hidden.insert(collector.hidden().begin(), collector.hidden().end());
      because.unknown = because.unknown.empty() ? collector.unknown() : because.unknown;
    }
    explaining_ = evaluator.spent();
    if (because.evidence.empty() && evaluator.exhausted()) {
      because.evidence.push_back({"the rule", "\"needs too many steps to say which conditions decided\"", "another result", true});
    }
    return because;
  }

  Evaluation Explain(const Judged& one) {
    Evaluator evaluator(InputOf(one.kind, *one.body), explaining_);
    const Rule& rule = *definition_.rule;
    const Truth& truth = one.of_rule;
    Evaluation evaluation;
    // Where the `if` is known, it only tells that the definition is about the resource: what is missing is elsewhere.
    if (definition_.existence != nullptr && truth.outcome == Outcome::kTrue && truth.sound) {
      return ExplainMissing(one, evaluator);
    }
    Because because = Collect(evaluator, rule, truth.outcome, truth.outcome, one.kind);
    evaluation.evidence = std::move(because.evidence);
    if (truth.outcome == Outcome::kUnknown) {
      evaluation.reason = because.unknown.empty() ? "what Azure Policy makes of the definition on this " +
                                                        std::string(one.kind == nullptr ? "registry" : "child") + " is not known here"
                                                  : because.unknown;
    } else if (!truth.sound) {
      evaluation.reason = HiddenReason(because.hidden);
    }
    if (one.kind != nullptr) {
      NameChild(one, evaluation);
    }
    return evaluation;
  }

  Evaluation ExplainMissing(const Judged& one, Evaluator& evaluator) {
    const Existence& existence = *definition_.existence;
    const Related related = FindRelated(existence, evaluator, registry_);
    explaining_ = evaluator.spent();
    Evaluation evaluation;
    if (related.failure) {
      evaluation.reason = related.failure->message;
      if (one.truth.outcome == Outcome::kFailed) {
        evaluation.evidence.push_back(
            {related.subject, EvidenceText(json(related.failure->message)), "an expression that does not fail", false});
      }
      return evaluation;
    }
    if (existence.kind != nullptr) {
      const std::string where = existence.condition == nullptr ? "" : " where " + Words(*existence.condition);
      evaluation.evidence.push_back({base::Printable(related.subject + where, kMaxEvidenceWords), "0", "at least 1", true});
    }
    std::set<std::string> hidden;
    std::string unknown;
    for (const json* body : related.bodies) {
      if (evaluation.evidence.size() >= kMaxEvidence || explaining_.IsTooMuch()) {
        break;
      }
      Evaluator of_related(InputOfRelated(*body, one.kind, *one.body), explaining_);
      const Outcome outcome = of_related.Judge(*existence.condition).outcome;  // without a condition it would have been enough
      // What is expected is that it be true.
      Because because = Collect(of_related, *existence.condition, outcome, Outcome::kTrue, existence.kind);
      hidden.insert(because.hidden.begin(), because.hidden.end());
      unknown = unknown.empty() ? because.unknown : unknown;
      Evaluation of_one{FindingResult::kNonCompliant, std::move(because.evidence), {}};
      if (existence.kind != nullptr) {
        NameChild({existence.kind, body, {}}, of_one);
      }
      of_one.evidence.resize(std::min(of_one.evidence.size(), kMaxEvidence - evaluation.evidence.size()));
      std::ranges::move(of_one.evidence, std::back_inserter(evaluation.evidence));
    }
    if (one.truth.outcome == Outcome::kUnknown) {
      evaluation.reason =
          unknown.empty() ? "what Azure Policy makes of the existenceCondition on this registry is not known here" : unknown;
    } else if (!one.truth.sound) {
      evaluation.reason = HiddenReason(hidden);
    }
    return evaluation;
  }

  static void NameChild(const Judged& one, Evaluation& evaluation) {
    const std::string label = std::string(one.kind->name) + "/" + one.Name();
    for (Evidence& evidence : evaluation.evidence) {
      evidence.field = base::Printable(label + ": " + evidence.field, kMaxEvidenceWords);
    }
    if (evaluation.evidence.empty() && evaluation.reason.empty()) {  // the rule asks for nothing but its type
      evaluation.evidence.push_back({label, R"("present")", "absent", true});
    }
    if (!evaluation.reason.empty()) {
      evaluation.reason.insert(0, label + ": ");
    }
  }

  const Definition& definition_;
  const json& parameters_;
  RegistryResources& registry_;
  const base::Time now_;
  const HiddenMembers hidden_;
  std::vector<Judged> judged_;
  std::string unknown_;  // why children are not known
  Spent spent_;
  Spent explaining_;  // by all explanations together
};

}  // namespace

Evaluation Evaluate(const Definition& definition, const json& parameters, RegistryResources& registry, base::Time now,
                    HiddenMembers hidden) {
  return RegistryEvaluation(definition, parameters, registry, now, hidden).Evaluate();
}

Evaluation Evaluate(const Definition& definition, const json& parameters, const json& registry, base::Time now, HiddenMembers hidden) {
  RegistryResources resources(registry, nullptr);
  return Evaluate(definition, parameters, resources, now, hidden);
}

}  // namespace policy
