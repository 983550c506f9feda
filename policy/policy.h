// The cluster's policy: what policy.yaml says, checked and ready to decide with.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/problem.h"
#include "base/shared_text.h"
#include "base/time.h"
#include "policy/definition.h"
#include "policy/image_pattern.h"
#include "policy/initiative.h"
#include "policy/registry.h"
#include "policy/registry_host.h"
#include "policy/scope.h"
#include "policy/verdict.h"

namespace policy {

struct Requirement {
  // What messages, records and exemptions call it: the definition's short name, or the one that the policy gives. No two have the same.
  std::string name;
  std::shared_ptr<const Definition> definition;
  nlohmann::json parameters;  // bound: complete; of kRegistry alone
  Effect effect = Effect::kDeny;
  base::SharedText rule{};  // a digest of source, definition and parameters: another one never inherits compliance
  FindingSource source = FindingSource::kRegistry;
  Scopes scopes{};                                 // of which registries it is required
  std::shared_ptr<const Initiative> initiative{};  // which brought it; null: required by itself
  std::string group{};                             // what the policy calls the initiative's requirements together, where it does
};

enum class SourceAction { kAllow, kWarn, kAudit, kDeny, kVerify };
std::string_view ToString(SourceAction action);  // "Allow", …

struct SourceRule {
  std::vector<ImagePattern> images;
  SourceAction action = SourceAction::kVerify;
  bool unverified = false;  // an ACR host need not be in the inventory
};

struct Exemption {
  std::string name;
  std::vector<std::string> registries;  // login servers; empty: any
  std::vector<ImagePattern> images;     // empty: any
  std::vector<std::string> namespaces;  // empty: any
  std::string resource_id;              // "": any resource behind the login server; else it, or what lies below it
  std::vector<std::string> requirements;
  base::Time expires{};      // the first instant at which it waives nothing
  std::string expires_text;  // as written: "2027-03-31" is good through that day, UTC
  std::string reason;
};

enum class WorkloadMode { kDeny, kWarn, kOff };
enum class MessageDetail { kBrief, kFull };

// Immutable once loaded. The values here are the default policy's, but for `requirements` and `sources`: DefaultPolicy.
struct Policy {
  std::vector<Requirement> requirements;
  std::vector<InitiativeUse> initiatives;  // what these requirements came from, where it was initiatives
  std::vector<SourceRule> sources;
  Effect other_registries = Effect::kDeny;  // kDisabled: "Allow"
  Effect unknown_registry = Effect::kDeny;
  Effect unknown_finding = Effect::kDeny;
  std::chrono::microseconds stale_after = std::chrono::hours(72);
  Effect stale_effect = Effect::kDeny;
  std::chrono::microseconds drift_grace{0};
  WorkloadMode workloads = WorkloadMode::kDeny;
  Effect max_effect = Effect::kDeny;
  MessageDetail messages = MessageDetail::kBrief;
  std::map<std::string, std::string, std::less<>> aliases;  // host → login server
  std::map<std::string, Effect, std::less<>> namespaces;    // name → the strongest effect there
  std::vector<Exemption> exemptions;
  RegistrySuffixes registry_suffixes;  // of the clouds, not of the file: which hosts must have a verdict
  bool compliance_states = false;      // of the configuration, not of the file: Azure Policy's states are read
  std::string digest;                  // "sha256:…" of the file's text, and of the default policy's own text
};

// The text of the default policy, which is also what `policy.yaml` may be begun from.
std::string_view DefaultPolicyText();

// Strict: every key, type and name is checked, and all problems are reported with line and column. `suffixes` tell login
// servers from other hosts, here and in every decision by this policy; `compliance_states` becomes the policy's.
base::Loaded<std::shared_ptr<const Policy>> LoadPolicy(std::string_view text, std::string_view file, const DefinitionSet& definitions,
                                                       const RegistrySuffixes& suffixes = {}, bool compliance_states = false);

// Judges one registry by every requirement that is not Disabled and has it in its scopes. `previous` (may be null) is its last facts: where
// the resource is the same, what is remembered of earlier compliance is carried on. `states` (may be null: not read) are what Azure Policy
// says of it. Pure; costs tens of microseconds.
Verdict Judge(const Registry& registry, const Policy& policy, const RegistryFacts* previous, base::Time now,
              HiddenMembers hidden = HiddenMembers::kAsAzure, const ComplianceStates* states = nullptr);

// The kinds of children, by name, that have to be read from Azure Resource Manager for what is required: those that a definition in
// force judges here, and that do not stand in the registry's own body.
std::set<std::string> NeededChildKinds(const Policy& policy);

// Notes how old the children are on which the verdict rests.
void NoteChildrenObserved(RegistryFacts& facts, const Policy& policy);

// What Judge would say of the same body and children, read again since: requirements that were met are so as of now.
Verdict Renewed(Verdict verdict, const Registry& registry, const Policy& policy);

// Whether what Judge says may change by the time alone.
bool UsesTime(const Policy& policy);

}  // namespace policy
