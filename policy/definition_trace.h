// What a definition says of a resource condition by condition, whether it decided or not. For people who write definitions; findings
// have the evidence of what decided alone (definition_explain.h).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "policy/definition.h"
#include "policy/definition_compare.h"
#include "policy/registry_resources.h"

namespace policy {

// Conditions and operators in one tree: more than anybody reads. What has no room is counted.
inline constexpr std::size_t kMaxTraced = 500;
inline constexpr std::size_t kMaxTracedElements = 20;  // that matched, of one count

struct RuleTrace {
  enum class Kind { kCondition, kAllOf, kAnyOf, kNot };

  Kind kind = Kind::kCondition;
  Outcome outcome = Outcome::kFalse;
  std::string note{};  // why it fails or is not known, or that it rests on a member that the description lacks

  // Of a condition. `actual` and `expected` are JSON texts as Evidence::actual is.
  std::string subject{};     // "publicNetworkAccess", "privateEndpointConnections[*] where status is Approved", "concat(…)"
  std::string actual{};      // "" where it cannot be told
  std::string comparison{};  // as Azure writes it: "notEquals"
  std::string expected{};
  std::vector<std::string> matched{};  // of a count with `where`: what tells the elements that met it, as JSON texts

  // Of an operator.
  std::vector<RuleTrace> members{};
  std::size_t left_out = 0;  // members that had no room
};
std::string_view ToString(RuleTrace::Kind kind);  // "condition", "allOf", "anyOf", "not"
std::string_view ToString(Outcome outcome);       // "false", "true", "fails", "unknown"

// Tracing takes at most about twice what a finding may (kMaxSteps): conditions that are not reached then are kUnknown, and say so.

// `kind` is the resource's; null: a registry. Pure.
RuleTrace TraceRule(const Definition& definition, const nlohmann::json& parameters, const nlohmann::json& resource, base::Time now,
                    const ChildKind* kind = nullptr);

inline constexpr std::size_t kMaxTracedResources = 50;  // of one registry

// Of what DeployIfNotExists and AuditIfNotExists ask for.
struct ExistenceTrace {
  std::string subject{};                // what has to be there: "tokens", "tokens/ci", "the registry"
  Outcome outcome = Outcome::kFalse;    // whether one is, and meets the condition
  std::string note{};                   // why that is not known
  bool has_condition = false;           // else it is enough to be there
  std::vector<std::string> names{};     // of those that are there, "tokens/ci"
  std::vector<RuleTrace> conditions{};  // of each; none without a condition
  std::size_t left_out = 0;             // that had no room
};

struct ResourceTrace {
  std::string name;  // "" for the registry, else "tokens/ci"
  RuleTrace rule;
  std::optional<ExistenceTrace> existence{};  // asked for where the rule is not false
};

struct RegistryTrace {
  std::vector<ResourceTrace> resources;
  std::size_t left_out = 0;          // resources that had no room
  std::vector<std::string> unknown;  // why children are not known; the finding says so
};

// Of each of the registry's resources that the definition is about, as Evaluate judges them. Pure.
RegistryTrace TraceRegistry(const Definition& definition, const nlohmann::json& parameters, RegistryResources& registry, base::Time now);

}  // namespace policy
