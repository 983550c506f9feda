// From texts to what a State is made of. Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "base/result.h"
#include "policy/policy.h"
#include "policy/registry.h"

namespace state {

// An error whose message may begin with the file's name, as a problem of that file.
base::Problem ToProblem(const std::string& file, const base::Error& error);

// What a policy may name, and what is wrong with the files; the bad ones are not among the definitions.
struct LoadedDefinitions {
  policy::DefinitionSet definitions;
  base::Problems problems;
};

// The built-in definitions, and the definitions and initiatives of the files by path, as DefinitionsFolder has them.
LoadedDefinitions LoadDefinitions(const std::map<std::string, base::Result<std::string>>& files);

// A definition that is bad refuses the policy whole: what it asks for cannot be judged.
base::Loaded<std::shared_ptr<const policy::Policy>> LoadPolicyWithDefinitions(
    std::string_view policy_text, std::string_view policy_file, const std::map<std::string, base::Result<std::string>>& definitions,
    const policy::RegistrySuffixes& suffixes = {}, bool compliance_states = false);

// Judges one registry. `before` (may be null) is what was known of its login server; `same_policy`: judged by this policy.
// The same body with the same children keeps its verdict then, and what is remembered of earlier compliance, and what Azure Policy says of
// the same resource, is carried on in any case.
std::shared_ptr<const policy::RegistryFacts> JudgeOne(policy::Registry registry, const policy::Policy& policy,
                                                      const policy::RegistryFacts* before, bool same_policy, base::Time now,
                                                      policy::HiddenMembers hidden);

// Judges what is known of a registry again, with what Azure Policy says of it now.
std::shared_ptr<const policy::RegistryFacts> WithStates(const policy::RegistryFacts& known, policy::ComplianceStates states,
                                                        const policy::Policy& policy, base::Time now, policy::HiddenMembers hidden);

// Judges every registry. `previous` is what was known before, judged by `previous_policy`. `hidden` is the same from call to
// call.
policy::Facts JudgeAll(std::vector<policy::Registry> registries, const policy::Policy& policy, const policy::Facts& previous,
                       const policy::Policy* previous_policy, base::Time now,
                       policy::HiddenMembers hidden = policy::HiddenMembers::kAsAzure);

}  // namespace state
