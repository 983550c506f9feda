// Azure Policy definitions: read from the JSON that Azure prints, compiled, and evaluated over a registry's ARM body.
// https://learn.microsoft.com/azure/governance/policy/concepts/definition-structure-policy-rule
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "base/shared_text.h"
#include "base/time.h"
#include "policy/child_kinds.h"
#include "policy/registry_resources.h"
#include "policy/verdict.h"

namespace policy {

struct Rule;        // the compiled policyRule.if; definition_rule.h
struct Existence;   // what DeployIfNotExists and AuditIfNotExists ask for; definition_existence.h
struct Initiative;  // initiative.h

struct ParameterDefinition {
  std::string name;
  std::string type;  // String, Array, Object, Boolean, Integer, Float, DateTime
  std::optional<nlohmann::json> default_value;
  std::vector<nlohmann::json> allowed_values;  // empty: any
  bool used = false;                           // to judge; one that only the effect uses need not be given
};

// Which of a registry's resources a definition judges.
struct JudgedTypes {
  bool registry = true;                      // the registry itself
  std::vector<const ChildKind*> children{};  // in ChildKinds' order
};

// Immutable; shared by policies and generations.
struct Definition {
  std::string name;     // the short name: a built-in's, else the file's name without ".json"
  base::SharedText id;  // "/providers/Microsoft.Authorization/policyDefinitions/<GUID>", or ""
  std::string guid;     // the last part of the id, or the definition's own name
  std::string display_name;
  std::string version;
  std::string effect;  // then.effect as written: "audit", "[parameters('effect')]"
  // With {name}, {resourceGroup}, {subscription}, {loginServer}, and {child}, the first child that is not compliant; "" when none is known.
  std::string remedy;
  std::string digest;  // of the definition's text
  std::vector<ParameterDefinition> parameters;
  std::shared_ptr<const Rule> rule;
  JudgedTypes types{};
  std::shared_ptr<const Existence> existence{};  // null: the rule alone decides
  bool uses_time = false;                        // what it says of a registry may change as time goes by: it calls utcNow
};

// Takes what `az policy definition show` prints (flat) and ARM's shape (under "properties"). An unknown construct is an
// error with its JSON path ("$.properties.policyRule.if.allOf[1].fooBar"): it never evaluates to a guess. `file` begins the
// message; `name` becomes Definition::name.
base::Result<std::shared_ptr<const Definition>> ParseDefinition(std::string_view json, std::string_view file, std::string name);

// Whose children the definition has to know: those that it judges, and those that it asks for.
std::vector<const ChildKind*> KindsAsked(const Definition& definition);

// The built-in definitions, from policy/definitions/*.json, compiled in. Every one parses (a test proves it).
const std::vector<std::shared_ptr<const Definition>>& BuiltInDefinitions();

// All definitions and initiatives that a policy may name. Immutable once handed on.
class DefinitionSet {
 public:
  // With the built-in ones in it.
  static DefinitionSet WithBuiltIns();

  // An error when the name or GUID is taken already, but for a built-in's GUID: an export of Azure's own definition then
  // answers to it, and the built-in one to its short name alone.
  base::Result<void> Add(std::shared_ptr<const Definition> definition);

  // By short name, GUID or full id, without regard to case; null when there is none.
  std::shared_ptr<const Definition> Find(std::string_view name_or_id) const;

  // An error when the name or id is that of another initiative, or of a definition.
  base::Result<void> AddInitiative(std::shared_ptr<const Initiative> initiative);
  std::shared_ptr<const Initiative> FindInitiative(std::string_view name_or_id) const;  // as Find

  std::vector<std::string_view> Names() const;
  std::vector<std::string_view> InitiativeNames() const;
  const std::vector<std::shared_ptr<const Definition>>& definitions() const { return definitions_; }
  const std::vector<std::shared_ptr<const Initiative>>& initiatives() const { return initiatives_; }

 private:
  std::vector<std::shared_ptr<const Definition>> definitions_;
  std::vector<std::shared_ptr<const Initiative>> initiatives_;
};

// Checks parameter values against the definition (unknown name, wrong type, not allowed, used by the rule and neither given
// nor with a default) and returns them completed with the defaults. Each error is one message.
tl::expected<nlohmann::json, std::vector<std::string>> BindParameters(const Definition& definition, const nlohmann::json& given);

// What one definition says of one registry.
struct Evaluation {
  FindingResult result = FindingResult::kUnknown;
  // NonCompliant, Unknown: the deciding leaves, at most kMaxEvidence. Those of a child begin with its kind and name: "tokens/ci: status".
  std::vector<Evidence> evidence;
  std::string reason;   // Unknown
  std::string child{};  // NonCompliant by children: the name of the first
};
inline constexpr std::size_t kMaxEvidence = 8;        // a person reads no more; records stay small
inline constexpr std::size_t kMaxEvidenceText = 256;  // bytes of `actual`

// What is said of a rule that is false, but might be true if the body showed the members that it hides. A rule that is true
// by what is hidden is Unknown in any case.
enum class HiddenMembers {
  kAsAzure,  // Compliant: Azure Policy has it so, and an inventory file is taken as it stands
  kUnknown,  // Unknown: what is read live can be read whole
};

// Judges those of the registry's resources that the definition is about (Definition::types): the registry is NonCompliant when one of
// them is, whatever cannot be told of others; else Unknown when something cannot be told, as of children that were not read.
// `parameters` is what BindParameters returned. Where the rule is true, the resource is NonCompliant, unless a deciding member is absent
// that every current api-version returns: such a body was read with an api-version that hides it, and the result is Unknown (facts:
// 2019-05-01 hides encryption, publicNetworkAccess, …). Children are read whole: no member of theirs is hidden. A resource of another
// type than the rule asks for is Compliant, as Azure has it. A rule that asks for what is not to be known here (the subscription's
// tags, what a function does with arguments for which Azure documents nothing) is Unknown where that matters. `now` is what utcNow gives.
// With Definition::existence a resource for which the rule is true is NonCompliant unless a related one is there that meets the condition.
Evaluation Evaluate(const Definition& definition, const nlohmann::json& parameters, RegistryResources& registry, base::Time now,
                    HiddenMembers hidden = HiddenMembers::kAsAzure);

// The same of a registry's ARM body (GET shape), of whose children nothing was read but what stands in it.
Evaluation Evaluate(const Definition& definition, const nlohmann::json& parameters, const nlohmann::json& registry, base::Time now,
                    HiddenMembers hidden = HiddenMembers::kAsAzure);

}  // namespace policy
