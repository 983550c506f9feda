// The related resources that definitions with the effects DeployIfNotExists and AuditIfNotExists ask for: `then.details`.
// https://learn.microsoft.com/azure/governance/policy/concepts/effect-audit-if-not-exists
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "policy/definition.h"
#include "policy/definition_evaluator.h"
#include "policy/definition_rule.h"
#include "policy/registry_resources.h"

namespace policy {

// A resource for which the `if` is true is compliant when one of them is there and meets the condition.
struct Existence {
  const ChildKind* kind = nullptr;        // theirs; null: registries
  std::optional<Operand> name{};          // of the only one that counts, computed over the resource that `if` judges
  std::shared_ptr<const Rule> condition;  // over each of them; null: it is enough that there is one
};

struct CompiledExistence {
  std::shared_ptr<const Existence> existence;  // null: the effect asks for none
  std::set<std::string> parameters{};          // the names of those that it uses
  bool uses_time = false;
};

// Compiles `then`, which stands at `path` ("$.policyRule.then"), of a definition that judges `types`. The error begins with the JSON path
// of what is wrong: also of what is related and cannot be read here, since the `if` alone would find compliant registries otherwise.
tl::expected<CompiledExistence, std::string> CompileExistence(const nlohmann::json& then, const JudgedTypes& types,
                                                              const std::vector<ParameterDefinition>& parameters, const std::string& path);

// The related resources of one resource.
struct Related {
  std::vector<const nlohmann::json*> bodies{};  // all of Existence::kind
  std::string subject{};                        // "tokens", "tokens/ci"
  std::optional<TemplateFailure> failure{};     // they are not known: why, and what to do
};

// `evaluator` is of the resource.
Related FindRelated(const Existence& existence, Evaluator& evaluator, RegistryResources& registry);

}  // namespace policy
