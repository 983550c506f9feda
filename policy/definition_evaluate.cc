// What a definition says of one registry.
#include <optional>
#include <set>
#include <string>

#include "policy/definition.h"
#include "policy/definition_alias.h"
#include "policy/definition_evaluator.h"
#include "policy/definition_explain.h"
#include "policy/definition_rule.h"

namespace policy {
namespace {

using nlohmann::json;

std::string HiddenReason(const std::set<std::string>& hidden) {
  std::string members;
  for (const std::string& field : hidden) {
    members += (members.empty() ? "" : ", ") + field;
  }
  return "the registry was read without " + (members.empty() ? "members" : members) +
         ", which every current api-version returns; read it whole, with api-version " + std::string(kRegistryApiVersion);
}

}  // namespace

Evaluation Evaluate(const Definition& definition, const json& parameters, const json& resource, base::Time now, HiddenMembers hidden) {
  const Rule& rule = *definition.rule;
  const EvaluationInput input{parameters, resource, definition.id, now};
  Evaluator judge(input);
  const Truth truth = judge.Judge(rule);
  if (judge.exhausted()) {
    return {FindingResult::kUnknown,
            {},
            "the definition needs more than " + std::to_string(kMaxSteps) + " steps or " + std::to_string(kMaxComputedBytes >> 20U) +
                " MiB on this registry"};
  }
  if (truth.outcome == Outcome::kFalse && (truth.sound || hidden == HiddenMembers::kAsAzure)) {
    return {FindingResult::kCompliant, {}, {}};
  }
  Evaluator evaluator(input);
  Evaluation evaluation;
  EvidenceCollector collector(evaluator, truth.outcome, false);
  collector.Explain(rule, truth.outcome);
  evaluation.evidence = collector.Take();
  std::string unknown = collector.unknown();
  if (evaluation.evidence.empty()) {  // the parameters alone decided
    EvidenceCollector constants(evaluator, truth.outcome, true);
    constants.Explain(rule, truth.outcome);
    evaluation.evidence = constants.Take();
    unknown = unknown.empty() ? constants.unknown() : unknown;
  }
  if (truth.outcome == Outcome::kUnknown) {
    evaluation.result = FindingResult::kUnknown;
    evaluation.reason = unknown.empty() ? "what Azure Policy makes of the definition on this registry is not known here" : unknown;
    return evaluation;
  }
  evaluation.result = truth.sound ? FindingResult::kNonCompliant : FindingResult::kUnknown;
  if (!truth.sound) {
    evaluation.reason = HiddenReason(collector.hidden());
  }
  return evaluation;
}

}  // namespace policy
