// A registry's verdict: what every requirement says of it.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "policy/policy.h"
#include "policy/registry_resources.h"
#include "policy/resource_id.h"

namespace policy {
namespace {

// A word of a POSIX shell: people copy remedies into one.
std::string ShellWord(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return quoted + "'";
}

// Fills in {name}, {resourceGroup}, {subscription}, {loginServer} and {child}; other braces stay. Messages that are brief hold no
// parts of the registry's id: there the second and third are words to fill in, as {child} is where no child is meant.
std::string ExpandRemedy(std::string_view remedy, const Registry& registry, std::string_view child, MessageDetail detail) {
  const bool brief = detail == MessageDetail::kBrief;
  const std::array<std::pair<std::string_view, std::string_view>, 5> values = {{
      {"{name}", registry.name},
      {"{resourceGroup}", brief ? "GROUP" : ResourceIdPart(registry.resource_id, "resourcegroups")},
      {"{subscription}", brief ? "SUBSCRIPTION" : ResourceIdPart(registry.resource_id, "subscriptions")},
      {"{loginServer}", registry.login_server},
      {"{child}", child.empty() ? "CHILD" : child},
  }};
  std::string expanded;
  while (!remedy.empty()) {
    const std::size_t plain = std::min(remedy.find('{'), remedy.size());
    expanded += remedy.substr(0, plain);
    remedy.remove_prefix(plain);
    const auto value = std::ranges::find_if(values, [&](const auto& one) { return remedy.starts_with(one.first); });
    if (value != values.end()) {
      expanded += ShellWord(value->second);
      remedy.remove_prefix(value->first.size());
    } else if (!remedy.empty()) {
      expanded += '{';
      remedy.remove_prefix(1);
    }
  }
  expanded.shrink_to_fit();  // one is kept for each registry
  return expanded;
}

const Finding* FindPrevious(const RegistryFacts* previous, const Registry& registry, const Requirement& requirement) {
  if (previous == nullptr || !base::EqualsIgnoreAsciiCase(previous->registry.resource_id, registry.resource_id)) {
    return nullptr;
  }
  for (const Finding& finding : previous->verdict) {
    if (finding.requirement == requirement.name && finding.rule == requirement.rule) {
      return &finding;
    }
  }
  return nullptr;
}

std::optional<ComplianceOpinion> OpinionBy(const Definition& definition, const ComplianceStates* states) {
  if (states == nullptr || definition.id.empty()) {
    return std::nullopt;
  }
  const auto opinion = states->opinions.find(base::AsciiLower(definition.id));
  return opinion == states->opinions.end() ? std::nullopt : std::optional(opinion->second);
}

bool IsEvaluatedHere(const Requirement& requirement) {
  return requirement.effect != Effect::kDisabled && requirement.source == FindingSource::kRegistry;
}

const ChildList* FindList(const Registry& registry, std::string_view kind) {
  if (registry.children == nullptr) {
    return nullptr;
  }
  const auto list = registry.children->find(kind);
  return list == registry.children->end() ? nullptr : &list->second;
}

// When that was observed which the definition judges: the oldest of it.
base::Time ObservedFor(const Definition& definition, const Registry& registry) {
  std::optional<base::Time> oldest;
  const auto take = [&](base::Time observed) { oldest = std::min(observed, oldest.value_or(observed)); };
  if (definition.types.registry) {
    take(registry.observed);
  }
  for (const ChildKind* kind : KindsAsked(definition)) {
    if (kind->is_inline) {
      take(registry.observed);
    } else if (const ChildList* list = FindList(registry, kind->name)) {
      take(list->observed);
    }
  }
  return oldest.value_or(registry.observed);
}

// Why there is no opinion.
std::string_view WhyNoOpinion(const Policy& policy, const ComplianceStates* states) {
  if (!policy.compliance_states) {
    return "Azure Policy's states are not read: inventory.complianceStates is not true in the configuration";
  }
  return states == nullptr ? "Azure Policy's states of it have not been read yet"
                           : "Azure Policy has no state of it: the definition is not assigned there, or was not evaluated yet";
}

}  // namespace

void TakeOpinion(Finding& finding) {
  switch (finding.azure->state) {
    case ComplianceState::kCompliant:
      finding.result = FindingResult::kCompliant;
      break;
    case ComplianceState::kExempt:  // granted by somebody who may
      finding.result = FindingResult::kCompliant;
      finding.reason = "exempt in Azure Policy";
      break;
    case ComplianceState::kNonCompliant:
      finding.result = FindingResult::kNonCompliant;
      finding.evidence.push_back({"Azure Policy compliance state", "\"NonCompliant\"", "Compliant", true});
      break;
    case ComplianceState::kConflicting:
      finding.reason = "assignments in Azure Policy contradict each other: its state there is Conflicting";
      break;
    case ComplianceState::kOther:
      finding.reason = "its state in Azure Policy is none of Compliant, NonCompliant and Exempt";
      break;
  }
}

std::set<std::string> NeededChildKinds(const Policy& policy) {
  std::set<std::string> needed;
  for (const Requirement& requirement : policy.requirements) {
    if (!IsEvaluatedHere(requirement)) {
      continue;
    }
    for (const ChildKind* kind : KindsAsked(*requirement.definition)) {
      if (!kind->is_inline) {
        needed.emplace(kind->name);
      }
    }
  }
  return needed;
}

void NoteChildrenObserved(RegistryFacts& facts, const Policy& policy) {
  facts.children_observed.reset();
  facts.lacks_children = false;
  for (const std::string& kind : NeededChildKinds(policy)) {
    const ChildList* list = FindList(facts.registry, kind);
    if (list == nullptr) {
      facts.lacks_children = true;
    } else {
      facts.children_observed = std::min(list->observed, facts.children_observed.value_or(list->observed));
    }
  }
}

Verdict Renewed(Verdict verdict, const Registry& registry, const Policy& policy) {
  auto next = policy.requirements.begin();
  for (Finding& finding : verdict) {  // in the policy's order
    const auto requirement =
        std::find_if(next, policy.requirements.end(), [&](const Requirement& one) { return one.name == finding.requirement; });
    const bool found = requirement != policy.requirements.end();
    next = found ? requirement + 1 : next;
    // When a state of Azure Policy's was read does not change by it.
    if (finding.result == FindingResult::kCompliant && finding.source == FindingSource::kRegistry) {
      finding.last_compliant = found ? ObservedFor(*requirement->definition, registry) : registry.observed;
    }
  }
  return verdict;
}

bool UsesTime(const Policy& policy) {
  return std::ranges::any_of(policy.requirements, [](const Requirement& requirement) {
    return IsEvaluatedHere(requirement) && requirement.definition->uses_time;
  });
}

Verdict Judge(const Registry& registry, const Policy& policy, const RegistryFacts* previous, base::Time now, HiddenMembers hidden,
              const ComplianceStates* states) {
  const base::Result<nlohmann::json> body = base::ParseJson(registry.body.Text(), registry.login_server);
  std::optional<RegistryResources> resources;
  if (body) {
    resources.emplace(*body, registry.children.get());
  }
  Verdict verdict;
  verdict.reserve(policy.requirements.size());
  for (const Requirement& requirement : policy.requirements) {
    if (requirement.effect == Effect::kDisabled || !requirement.scopes.Contain(registry.resource_id)) {
      continue;
    }
    std::string child;
    Finding finding;
    finding.requirement = requirement.name;
    finding.rule = requirement.rule;
    finding.definition_id = requirement.definition->id;
    finding.effect = requirement.effect;
    finding.source = requirement.source;
    finding.azure = OpinionBy(*requirement.definition, states);
    const bool by_azure = requirement.source == FindingSource::kAzurePolicy;
    if (by_azure && finding.azure) {
      TakeOpinion(finding);
    } else if (by_azure) {
      finding.reason = WhyNoOpinion(policy, states);
    } else if (resources) {
      Evaluation evaluation = Evaluate(*requirement.definition, requirement.parameters, *resources, now, hidden);
      finding.result = evaluation.result;
      finding.evidence = std::move(evaluation.evidence);
      finding.reason = std::move(evaluation.reason);
      child = std::move(evaluation.child);
    } else {
      finding.reason = "the registry's description cannot be read: " + body.error().message;
    }
    if (finding.result == FindingResult::kNonCompliant) {
      finding.remedy = ExpandRemedy(requirement.definition->remedy, registry, child, policy.messages);
    }
    if (finding.result == FindingResult::kCompliant) {
      finding.last_compliant = by_azure ? states->asked : ObservedFor(*requirement.definition, registry);
    } else if (const Finding* before = FindPrevious(previous, registry, requirement)) {
      finding.last_compliant = before->last_compliant;
    }
    verdict.push_back(std::move(finding));
  }
  return verdict;
}

}  // namespace policy
