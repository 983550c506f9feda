// Azure's effects: `then.effect` of a definition. What follows of a finding is the requirement's effect; the definition's own only says
// whether the definition says something about compliance at all.
// https://learn.microsoft.com/azure/governance/policy/concepts/effect-basics
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "policy/definition.h"
#include "policy/verdict.h"

namespace policy {

// What Azure's effect, in any case, is here; nothing where it switches the definition off. The error says why there is none: Manual,
// DenyAction and the effects of resource providers find no resource non-compliant by its `if`.
tl::expected<std::optional<Effect>, std::string> EffectOf(std::string_view azure);

// What is wrong with `then.effect` as it is written, or "": a literal that is none of EffectOf's, an expression over more than
// `parameters`.
std::string EffectProblem(const std::string& effect, const std::vector<ParameterDefinition>& parameters);

// The effect where the definition's parameters are `bound`. The error says why it cannot be told.
tl::expected<std::string, std::string> ResolveEffect(const std::string& effect, const nlohmann::json& bound);

// Whether the definition does nothing where its parameters are `bound`: its effect comes to "Disabled".
bool IsSwitchedOff(const Definition& definition, const nlohmann::json& bound);

// Why the definition says nothing about compliance where its parameters are `bound`, or "". An effect that cannot be told, as a parameter
// of its own was not given, is none of these.
std::string WhyItJudgesNothing(const Definition& definition, const nlohmann::json& bound);

// BindParameters for somebody who wants to know what the definition says of registries: that it says nothing is an error as well.
tl::expected<nlohmann::json, std::vector<std::string>> BindToJudge(const Definition& definition, const nlohmann::json& given);

}  // namespace policy
