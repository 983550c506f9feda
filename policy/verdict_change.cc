#include "policy/verdict_change.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "policy/child_kinds.h"
#include "policy/decision.h"

namespace policy {
namespace {

bool IsSameResource(const RegistryFacts& a, const RegistryFacts& b) {
  return base::EqualsIgnoreAsciiCase(a.registry.resource_id, b.registry.resource_id);
}

// Verdicts of one policy stand in one order, so that it is looked for at its place first.
const Finding* FindSameRule(const Verdict& verdict, const Finding& finding, std::size_t place) {
  const auto is_same = [&](const Finding& other) { return other.requirement == finding.requirement && other.rule == finding.rule; };
  if (place < verdict.size() && is_same(verdict[place])) {
    return &verdict[place];
  }
  const auto found = std::find_if(verdict.begin(), verdict.end(), is_same);
  return found == verdict.end() ? nullptr : &*found;
}

// Whether the result is one, and not Unknown for want of what was not read yet, be it with success or without.
bool IsKnown(const RegistryFacts& facts, const Finding& finding, const Requirement& requirement) {
  if (finding.result != FindingResult::kUnknown) {
    return true;
  }
  if (requirement.source == FindingSource::kAzurePolicy) {
    return facts.states != nullptr;
  }
  const auto& kinds = requirement.definition->types.children;
  return std::all_of(kinds.begin(), kinds.end(), [&](const ChildKind* kind) {
    return kind->is_inline || (facts.registry.children != nullptr && facts.registry.children->contains(kind->name));
  });
}

void TakeTurned(const RegistryFacts& before, const RegistryFacts& after, const Policy& policy,
                const std::function<void(const VerdictChange&)>& take) {
  for (std::size_t i = 0; i < after.verdict.size(); ++i) {
    const Finding& to = after.verdict[i];
    const Finding* const from = FindSameRule(before.verdict, to, i);
    if (from == nullptr || from->result == to.result) {
      continue;
    }
    const auto requirement = std::find_if(policy.requirements.begin(), policy.requirements.end(),
                                          [&](const Requirement& r) { return r.name == to.requirement; });
    if (requirement != policy.requirements.end() && IsKnown(before, *from, *requirement) && IsKnown(after, to, *requirement)) {
      take({&before, &after, from, &to});
    }
  }
}

void TakeGone(const RegistryFacts& before, std::string reason, const Policy& policy,
              const std::function<void(const VerdictChange&)>& take) {
  Finding from;
  from.requirement = kUnknownRegistry;
  from.result = FindingResult::kCompliant;
  from.effect = policy.unknown_registry;
  Finding to = from;
  to.result = FindingResult::kUnknown;
  to.reason = std::move(reason);
  take({&before, nullptr, &from, &to});
}

bool MayHaveTurned(const RegistryFacts& before, const RegistryFacts& after) {
  if (!IsSameResource(before, after)) {
    return true;
  }
  for (std::size_t i = 0; i < after.verdict.size(); ++i) {
    const Finding* const from = FindSameRule(before.verdict, after.verdict[i], i);
    if (from != nullptr && from->result != after.verdict[i].result) {
      return true;
    }
  }
  return false;
}

bool IsSameDescription(const Registry& a, const Registry& b) {
  const auto is_same_list = [](const auto& x, const auto& y) { return x.first == y.first && x.second.resources == y.second.resources; };
  const ChildLists none;
  const ChildLists& children = a.children != nullptr ? *a.children : none;
  const ChildLists& others = b.children != nullptr ? *b.children : none;
  return a.resource_id == b.resource_id && a.body == b.body &&
         std::equal(children.begin(), children.end(), others.begin(), others.end(), is_same_list);
}

}  // namespace

void ForEachVerdictChange(const Facts& before, const Facts& after, const Policy& policy,
                          const std::function<void(const VerdictChange& change)>& take) {
  std::vector<std::pair<const RegistryFacts*, const RegistryFacts*>> turned;
  for (const auto& [login_server, was] : before) {
    const RegistryFacts* const is = after.Find(login_server);
    if (is != was.get() && (is == nullptr || MayHaveTurned(*was, *is))) {
      turned.emplace_back(was.get(), is);
    }
  }
  std::sort(turned.begin(), turned.end(),
            [](const auto& a, const auto& b) { return a.first->registry.login_server < b.first->registry.login_server; });
  for (const auto& [was, is] : turned) {
    if (is == nullptr) {
      TakeGone(*was, "the registry is gone", policy, take);
    } else if (!IsSameResource(*was, *is)) {
      TakeGone(*was, "the registry is gone: its login server is another resource's now, " + is->registry.resource_id, policy, take);
    } else {
      TakeTurned(*was, *is, policy, take);
    }
  }
}

Facts JudgeSaved(const Facts& saved, const Facts& current, const Policy& policy, base::Time now, HiddenMembers hidden) {
  Facts judged;
  for (const auto& [login_server, was] : saved) {
    std::shared_ptr<const RegistryFacts> is = current.FindShared(login_server);
    if (is == nullptr || !IsSameDescription(was->registry, is->registry)) {
      auto facts = std::make_shared<RegistryFacts>();
      facts->registry = was->registry;
      facts->verdict = Judge(was->registry, policy, nullptr, now, hidden);
      is = std::move(facts);
    }
    judged.Add(std::move(is));
  }
  return judged;
}

}  // namespace policy
