#include "policy/freshness.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace policy {
namespace {

bool IsFresh(const RegistryFacts& facts, base::Time now) {
  const auto age = now - facts.observed();
  return !facts.lacks_children && age >= age.zero() && age <= kFreshFor;
}

// Whether the finding follows from what a registry is, and not from the policy, the reference or Azure Policy alone.
bool IsAboutRegistry(const ImageFinding& finding) {
  const std::string_view name = finding.finding->requirement;
  return finding.finding->source == FindingSource::kRegistry &&
         (name == kUnknownRegistry || name == kStaleVerdict || !IsDecisionsOwnName(name));
}

bool CouldTurn(const ImageDecision& image, base::Time now) {
  if (image.facts != nullptr && IsFresh(*image.facts, now)) {
    return false;
  }
  return std::all_of(image.findings.begin(), image.findings.end(),
                     [](const ImageFinding& finding) { return finding.effect != Effect::kDeny || IsAboutRegistry(finding); });
}

}  // namespace

std::vector<std::string> NeedsFresh(const Decision& decision, base::Time now) {
  if (decision.kind != DecisionKind::kDenied || (decision.failure && decision.failure->effect == Effect::kDeny)) {
    return {};
  }
  std::vector<std::string> login_servers;
  std::unordered_set<std::string_view> seen;
  for (const ImageDecision& image : decision.images) {
    if (image.effect != Effect::kDeny) {
      continue;
    }
    if (!CouldTurn(image, now)) {
      return {};
    }
    if (seen.insert(image.registry).second) {
      login_servers.push_back(image.registry);
    }
  }
  return login_servers;
}

}  // namespace policy
