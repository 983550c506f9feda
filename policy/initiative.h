// Initiatives: Azure Policy's sets of definitions, each with the parameters that the set gives it.
// https://learn.microsoft.com/azure/governance/policy/concepts/initiative-definition-structure
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "base/result.h"
#include "policy/definition.h"

namespace policy {

inline constexpr std::size_t kMaxInitiativeMembers = 1000;  // Azure's limit

struct InitiativeMember {
  std::string reference_id;   // what the set calls it: one definition may be in it several times
  std::string definition_id;  // ".../policyDefinitions/NAME"
  nlohmann::json parameters;  // name → value; texts in it may be expressions over the initiative's own parameters
};

// Immutable; shared by policies and generations.
struct Initiative {
  std::string name;  // the file's name without ".json"
  std::string id;    // "…/policySetDefinitions/<GUID>", or ""
  std::string guid;  // the last part of the id, or the initiative's own name
  std::string display_name;
  std::string version;
  std::string digest;                           // of its text
  std::vector<ParameterDefinition> parameters;  // `used` is true of those that a member is given
  std::vector<InitiativeMember> members;
};

// Whether the text is that of an initiative rather than a definition. False also for what is no JSON.
bool IsInitiative(std::string_view json);

// Takes what `az policy set-definition show` prints (flat) and ARM's shape (under "properties"). Whatever is not understood is an error
// with its JSON path. `file` begins the message; `name` becomes Initiative::name.
base::Result<std::shared_ptr<const Initiative>> ParseInitiative(std::string_view json, std::string_view file, std::string name);

// What the initiative gives to a member's definition, where its own parameters are `bound` (BindParameters). The error is a message.
tl::expected<nlohmann::json, std::string> MemberParameters(const Initiative& initiative, const InitiativeMember& member,
                                                           const nlohmann::json& bound);

// The definition that the member means; null: it is not loaded.
std::shared_ptr<const Definition> FindMemberDefinition(const DefinitionSet& definitions, const InitiativeMember& member);

// What an initiative came to in a policy that requires it.
struct InitiativeUse {
  std::shared_ptr<const Initiative> initiative;
  std::string name;                     // what the policy calls it
  std::vector<std::string> required{};  // the requirements that it brought, by name
  // The rest of its definitions, by reference id.
  std::vector<std::string> elsewhere{};  // the policy requires them by themselves, or by another initiative
  std::vector<std::string> switched_off{};
  std::vector<std::string> judging_nothing{};  // by their effect: Manual, DenyAction
  std::vector<std::string> not_loaded{};       // about other resources, or missing: which of both is not known
};

// For logs and people, bounded: "initiative mcsb: 5 of 212 definitions judge registries here; not loaded, …: a, b and 205 more"
std::string Describe(const InitiativeUse& use);

}  // namespace policy
