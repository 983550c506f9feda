#include "state/merge.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/text.h"
#include "state/load.h"

namespace state {
namespace {

void MergeStates(policy::Facts& known, policy::SubscriptionStates read, const policy::Policy& policy, base::Time now,
                 policy::HiddenMembers hidden) {
  std::vector<std::shared_ptr<const policy::RegistryFacts>> judged;
  for (const auto& [login_server, facts] : known) {
    const bool has_later = facts->states != nullptr && facts->states->asked > read.asked && facts->states->asked <= now;
    if (has_later || !policy::IsInSubscription(facts->registry, read.subscription)) {
      continue;
    }
    const auto opinions = read.registries.find(base::AsciiLower(facts->registry.resource_id));
    policy::ComplianceStates states{read.asked, {}};
    if (opinions != read.registries.end()) {
      states.opinions = std::move(opinions->second);
    }
    judged.push_back(WithStates(*facts, std::move(states), policy, now, hidden));
  }
  for (auto& facts : judged) {
    known.Add(std::move(facts));
  }
}

}  // namespace

policy::Facts Merge(policy::Facts known, policy::Observations learned, const policy::Policy& policy, base::Time now,
                    policy::HiddenMembers hidden) {
  const auto is_later = [now](const policy::RegistryFacts* before, base::Time than) {
    return before != nullptr && before->registry.observed > than && before->registry.observed <= now;
  };
  for (policy::Registry& registry : learned.present) {
    const policy::RegistryFacts* const before = known.Find(registry.login_server);
    if (!is_later(before, registry.observed)) {
      known.Add(JudgeOne(std::move(registry), policy, before, /*same_policy=*/true, now, hidden));
    }
  }
  for (const policy::GoneRegistry& gone : learned.gone) {
    const policy::RegistryFacts* const before = known.Find(gone.login_server);
    if (before != nullptr && !is_later(before, gone.asked) && base::EqualsIgnoreAsciiCase(before->registry.resource_id, gone.resource_id)) {
      known.Remove(gone.login_server);
    }
  }
  for (policy::SubscriptionStates& read : learned.states) {
    MergeStates(known, std::move(read), policy, now, hidden);
  }
  return known;
}

policy::Facts MergeSaved(policy::Facts known, const policy::Facts& saved, const policy::Policy& policy, base::Time now,
                         policy::HiddenMembers hidden) {
  for (const auto& [login_server, facts] : saved) {
    const policy::RegistryFacts* const before = known.Find(login_server);
    if (before == nullptr || before->registry.observed < facts->registry.observed) {
      known.Add(JudgeOne(facts->registry, policy, facts.get(), /*same_policy=*/false, now, hidden));
    }
  }
  return known;
}

}  // namespace state
