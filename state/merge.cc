#include "state/merge.h"

#include <memory>
#include <string_view>
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

bool IsSameResource(const policy::Registry& a, std::string_view resource_id) {
  return base::EqualsIgnoreAsciiCase(a.resource_id, resource_id);
}

bool WasRead(const policy::ChildList& list) { return list.problem.empty() && !list.resources.empty(); }

bool Replaces(const policy::ChildList& read, const policy::ChildList& known, base::Time now) {
  if (WasRead(read) != WasRead(known)) {
    return WasRead(read);
  }
  return known.observed <= read.observed || known.observed > now;
}

// Judges what is known of a registry with other children; null when these are no news.
std::shared_ptr<const policy::RegistryFacts> WithChildren(const policy::RegistryFacts& known,
                                                          const std::shared_ptr<const policy::ChildLists>& read,
                                                          const policy::Policy& policy, base::Time now, policy::HiddenMembers hidden) {
  auto merged = MergeChildren(known.registry.children, read, now);
  if (merged == known.registry.children) {
    return nullptr;
  }
  policy::Registry registry = known.registry;
  registry.children = std::move(merged);
  return JudgeOne(std::move(registry), policy, &known, /*same_policy=*/true, now, hidden);
}

}  // namespace

std::shared_ptr<const policy::ChildLists> MergeChildren(const std::shared_ptr<const policy::ChildLists>& known,
                                                        const std::shared_ptr<const policy::ChildLists>& read, base::Time now) {
  if (known == nullptr || read == nullptr) {
    return known == nullptr ? read : known;
  }
  std::shared_ptr<policy::ChildLists> merged;
  for (const auto& [kind, list] : *read) {
    const auto before = known->find(kind);
    if (before == known->end() || Replaces(list, before->second, now)) {
      merged = merged == nullptr ? std::make_shared<policy::ChildLists>(*known) : merged;
      merged->insert_or_assign(kind, list);
    }
  }
  return merged == nullptr ? known : merged;
}

void TakeKnownChildren(std::vector<policy::Registry>& registries, const policy::Facts& known, base::Time now) {
  for (policy::Registry& registry : registries) {
    const policy::RegistryFacts* const before = known.Find(registry.login_server);
    if (before != nullptr && IsSameResource(before->registry, registry.resource_id)) {
      registry.children = MergeChildren(before->registry.children, registry.children, now);
    }
  }
}

policy::Facts Merge(policy::Facts known, policy::Observations learned, const policy::Policy& policy, base::Time now,
                    policy::HiddenMembers hidden) {
  const auto is_later = [now](const policy::RegistryFacts* before, base::Time than) {
    return before != nullptr && before->registry.observed > than && before->registry.observed <= now;
  };
  const auto add_children = [&](const policy::RegistryFacts& before, const std::shared_ptr<const policy::ChildLists>& read) {
    if (auto judged = WithChildren(before, read, policy, now, hidden)) {
      known.Add(std::move(judged));
    }
  };
  for (policy::Registry& registry : learned.present) {
    const policy::RegistryFacts* const before = known.Find(registry.login_server);
    const bool same = before != nullptr && IsSameResource(before->registry, registry.resource_id);
    if (!is_later(before, registry.observed)) {
      if (same) {
        registry.children = MergeChildren(before->registry.children, registry.children, now);
      }
      known.Add(JudgeOne(std::move(registry), policy, before, /*same_policy=*/true, now, hidden));
    } else if (same) {
      add_children(*before, registry.children);
    }
  }
  for (policy::ObservedChildren& children : learned.children) {
    const policy::RegistryFacts* const before = known.Find(children.login_server);
    if (before != nullptr && IsSameResource(before->registry, children.resource_id)) {
      add_children(*before, std::make_shared<const policy::ChildLists>(std::move(children.lists)));
    }
  }
  for (const policy::GoneRegistry& gone : learned.gone) {
    const policy::RegistryFacts* const before = known.Find(gone.login_server);
    if (before != nullptr && !is_later(before, gone.asked) && IsSameResource(before->registry, gone.resource_id)) {
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
    const bool same = before != nullptr && IsSameResource(before->registry, facts->registry.resource_id);
    if (before == nullptr || before->registry.observed < facts->registry.observed) {
      policy::Registry registry = facts->registry;
      if (same) {
        registry.children = MergeChildren(before->registry.children, registry.children, now);
      }
      known.Add(JudgeOne(std::move(registry), policy, facts.get(), /*same_policy=*/false, now, hidden));
    } else if (same) {
      if (auto judged = WithChildren(*before, facts->registry.children, policy, now, hidden)) {
        known.Add(std::move(judged));
      }
    }
  }
  return known;
}

}  // namespace state
