// A registry's verdict: what every requirement says of it.
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "policy/policy.h"

namespace policy {
namespace {

// The part of an ARM id that follows "/KEY/"; "" when there is none.
std::string_view IdPart(std::string_view id, std::string_view key) {
  const std::string lower = base::AsciiLower(id);
  const std::string wanted = "/" + std::string(key) + "/";
  const std::size_t at = lower.find(wanted);
  if (at == std::string::npos) {
    return {};
  }
  id.remove_prefix(at + wanted.size());
  return id.substr(0, id.find('/'));
}

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

// Fills in {name}, {resourceGroup}, {subscription} and {loginServer}; other braces stay. Messages that are brief hold no
// parts of resource ids: there the second and third are words to fill in.
std::string ExpandRemedy(std::string_view remedy, const Registry& registry, MessageDetail detail) {
  const bool brief = detail == MessageDetail::kBrief;
  const std::array<std::pair<std::string_view, std::string_view>, 4> values = {{
      {"{name}", registry.name},
      {"{resourceGroup}", brief ? "GROUP" : IdPart(registry.resource_id, "resourcegroups")},
      {"{subscription}", brief ? "SUBSCRIPTION" : IdPart(registry.resource_id, "subscriptions")},
      {"{loginServer}", registry.login_server},
  }};
  std::string expanded;
  while (!remedy.empty()) {
    std::size_t taken = 1;
    std::string next(1, remedy.front());
    for (const auto& [placeholder, value] : values) {
      if (remedy.starts_with(placeholder)) {
        taken = placeholder.size();
        next = ShellWord(value);
      }
    }
    expanded += next;
    remedy.remove_prefix(taken);
  }
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

}  // namespace

Verdict Judge(const Registry& registry, const Policy& policy, const RegistryFacts* previous, HiddenMembers hidden) {
  const base::Result<nlohmann::json> body = base::ParseJson(registry.body, registry.login_server);
  Verdict verdict;
  for (const Requirement& requirement : policy.requirements) {
    if (requirement.effect == Effect::kDisabled) {
      continue;
    }
    Finding finding;
    finding.requirement = requirement.name;
    finding.rule = requirement.rule;
    finding.definition_id = requirement.definition->id;
    finding.effect = requirement.effect;
    if (body) {
      Evaluation evaluation = Evaluate(*requirement.definition, requirement.parameters, *body, hidden);
      finding.result = evaluation.result;
      finding.evidence = std::move(evaluation.evidence);
      finding.reason = std::move(evaluation.reason);
    } else {
      finding.reason = "the registry's description cannot be read: " + body.error().message;
    }
    if (finding.result == FindingResult::kNonCompliant) {
      finding.remedy = ExpandRemedy(requirement.definition->remedy, registry, policy.messages);
    }
    if (finding.result == FindingResult::kCompliant) {
      finding.last_compliant = registry.observed;
    } else if (const Finding* before = FindPrevious(previous, registry, requirement)) {
      finding.last_compliant = before->last_compliant;
    }
    verdict.push_back(std::move(finding));
  }
  return verdict;
}

}  // namespace policy
