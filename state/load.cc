#include "state/load.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/text.h"
#include "policy/initiative.h"

namespace state {
namespace {

// Whether they hold the same, whenever it was read.
bool SameChildren(const policy::Registry& a, const policy::Registry& b) {
  if (a.children == b.children) {
    return true;
  }
  return a.children != nullptr && b.children != nullptr &&
         std::ranges::equal(*a.children, *b.children, [](const auto& one, const auto& other) {
           return one.first == other.first && one.second.resources == other.second.resources && one.second.problem == other.second.problem;
         });
}

}  // namespace

base::Problem ToProblem(const std::string& file, const base::Error& error) {
  base::Problem problem{file, 0, 0, error.ToString()};
  if (problem.message.starts_with(file)) {
    // "registries.json:3:14: …" keeps its line and column.
    if (const std::size_t end = problem.message.find(": ", file.size()); end != std::string::npos) {
      problem.file = problem.message.substr(0, end);
      problem.message.erase(0, end + 2);
    }
  }
  return problem;
}

LoadedDefinitions LoadDefinitions(const std::map<std::string, base::Result<std::string>>& files) {
  LoadedDefinitions loaded{policy::DefinitionSet::WithBuiltIns(), {}};
  for (const auto& [path, content] : files) {
    if (!content) {
      loaded.problems.push_back(ToProblem(path, content.error()));
      continue;
    }
    if (policy::IsInitiative(*content)) {
      auto initiative = policy::ParseInitiative(*content, path, std::filesystem::path(path).stem().string());
      const auto added = initiative ? loaded.definitions.AddInitiative(std::move(*initiative)) : tl::unexpected(initiative.error());
      if (!added) {
        loaded.problems.push_back(ToProblem(path, added.error()));
      }
      continue;
    }
    auto definition = policy::ParseDefinition(*content, path, std::filesystem::path(path).stem().string());
    if (!definition) {
      loaded.problems.push_back(ToProblem(path, definition.error()));
      continue;
    }
    if (const auto added = loaded.definitions.Add(std::move(*definition)); !added) {
      loaded.problems.push_back(ToProblem(path, added.error()));
    }
  }
  return loaded;
}

base::Loaded<std::shared_ptr<const policy::Policy>> LoadPolicyWithDefinitions(
    std::string_view policy_text, std::string_view policy_file, const std::map<std::string, base::Result<std::string>>& definitions,
    const policy::RegistrySuffixes& suffixes, bool compliance_states) {
  LoadedDefinitions loaded = LoadDefinitions(definitions);
  if (!loaded.problems.empty()) {
    return tl::unexpected(std::move(loaded.problems));
  }
  return policy::LoadPolicy(policy_text, policy_file, loaded.definitions, suffixes, compliance_states);
}

std::shared_ptr<const policy::RegistryFacts> JudgeOne(policy::Registry registry, const policy::Policy& policy,
                                                      const policy::RegistryFacts* before, bool same_policy, base::Time now,
                                                      policy::HiddenMembers hidden) {
  auto judged = std::make_shared<policy::RegistryFacts>();
  if (before != nullptr && base::EqualsIgnoreAsciiCase(before->registry.resource_id, registry.resource_id)) {
    judged->states = before->states;
  }
  const bool same = before != nullptr && same_policy && before->registry.resource_id == registry.resource_id &&
                    before->registry.body == registry.body && SameChildren(before->registry, registry);
  judged->verdict = same ? policy::Renewed(before->verdict, registry, policy)
                         : policy::Judge(registry, policy, before, now, hidden, judged->states.get());
  judged->registry = std::move(registry);
  policy::NoteChildrenObserved(*judged, policy);
  return judged;
}

std::shared_ptr<const policy::RegistryFacts> WithStates(const policy::RegistryFacts& known, policy::ComplianceStates states,
                                                        const policy::Policy& policy, base::Time now, policy::HiddenMembers hidden) {
  auto judged = std::make_shared<policy::RegistryFacts>();
  judged->registry = known.registry;
  judged->states = std::make_shared<const policy::ComplianceStates>(std::move(states));
  judged->verdict = policy::Judge(known.registry, policy, &known, now, hidden, judged->states.get());
  policy::NoteChildrenObserved(*judged, policy);
  return judged;
}

policy::Facts JudgeAll(std::vector<policy::Registry> registries, const policy::Policy& policy, const policy::Facts& previous,
                       const policy::Policy* previous_policy, base::Time now, policy::HiddenMembers hidden) {
  policy::Facts facts;
  for (policy::Registry& registry : registries) {
    const policy::RegistryFacts* const before = previous.Find(registry.login_server);
    facts.Add(JudgeOne(std::move(registry), policy, before, previous_policy == &policy, now, hidden));
  }
  return facts;
}

}  // namespace state
