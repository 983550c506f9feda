// Whatever the bytes: a definition is refused with a message, or judges any registry within bounds, always the same way, and its trace
// agrees with that, and an initiative is refused or gives its definitions values. Bytes that begin with a bracket are an expression, which
// a definition is made of.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "policy/definition.h"
#include "policy/definition_parameters.h"
#include "policy/definition_trace.h"
#include "policy/initiative.h"
#include "tests/fuzz/require.h"

namespace {

constexpr std::string_view kFile = "fuzz.json";
constexpr base::Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);

// A registry with something everywhere, one read with an api-version that hides members, another type, nothing at all.
constexpr std::array<std::string_view, 4> kResources = {
    R"({"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso", "name": "contoso",
        "type": "Microsoft.ContainerRegistry/registries", "location": "eastus2", "tags": {"team": "payments", "odd": "[x]"},
        "sku": {"name": "Premium", "tier": "Premium"}, "identity": {"type": "userAssigned"},
        "properties": {"loginServer": "contoso.azurecr.io", "creationDate": "2024-04-12T08:09:30Z", "adminUserEnabled": true,
          "anonymousPullEnabled": true, "dataEndpointEnabled": false, "dataEndpointHostNames": ["a.westus.data.azurecr.io", "b"],
          "publicNetworkAccess": "Enabled", "zoneRedundancy": "Disabled", "networkRuleBypassOptions": "AzureServices",
          "encryption": {"status": "enabled", "keyVaultProperties": {"keyIdentifier": "https://v/keys/k"}},
          "networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": "10.0.0.0/8"}, {"value": null}, 7]},
          "policies": {"retentionPolicy": {"days": 7, "status": "disabled"}, "exportPolicy": {"status": "enabled"},
            "azureADAuthenticationAsArmPolicy": {"status": "enabled"}},
          "privateEndpointConnections": [{"name": "a", "properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}, {}]}})",
    R"({"name": "old", "type": "microsoft.containerregistry/registries", "sku": {"name": "Basic"}, "tags": null,
        "properties": {"loginServer": "old.azurecr.io", "adminUserEnabled": false, "policies": {}}})",
    R"({"name": "other", "type": "Microsoft.Storage/storageAccounts", "properties": {}})",
    "{}",
};

// Of each kind of children: one with something, one with nothing, and, of some, none or what could not be read.
policy::ChildLists Lists() {
  policy::ChildLists lists;
  for (const policy::ChildKind& kind : policy::ChildKinds()) {
    const std::string name(kind.name);
    lists[name] = {kNow,
                   R"([{"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/)" + name +
                       R"(/a", "name": "a", "location": "eastus2", "tags": {"team": "x"}, "properties": {"status": "enabled",
          "actions": ["push", 7, null], "credentials": {"passwords": [{"name": "p", "expiry": "2027-01-01T00:00:00Z"}, {}]}}}, {}])",
                   ""};
  }
  lists["cacheRules"].resources = "[]";
  lists["webhooks"] = {kNow, "", "403"};
  lists.erase("scopeMaps");
  return lists;
}

using fuzz::Require;

bool Same(const policy::Evidence& a, const policy::Evidence& b) {
  return a.field == b.field && a.actual == b.actual && a.expected == b.expected && a.brief == b.brief;
}

void CheckEvaluation(const policy::Evaluation& evaluation) {
  const bool unknown = evaluation.result == policy::FindingResult::kUnknown;
  Require(unknown == !evaluation.reason.empty());
  Require(evaluation.evidence.size() <= policy::kMaxEvidence);
  Require(unknown || (evaluation.result == policy::FindingResult::kCompliant) == evaluation.evidence.empty());
  Require(evaluation.child.empty() || evaluation.result == policy::FindingResult::kNonCompliant);
  for (const policy::Evidence& evidence : evaluation.evidence) {
    Require(!evidence.field.empty() && !evidence.expected.empty());
    Require(evidence.actual.size() <= policy::kMaxEvidenceText && nlohmann::json::accept(evidence.actual));
  }
}

// Within bounds, and JSON where it says so. The number of conditions and operators is returned.
std::size_t CheckTrace(const policy::RuleTrace& trace) {
  std::size_t nodes = 1;
  Require(trace.matched.size() <= policy::kMaxTracedElements);
  if (trace.kind == policy::RuleTrace::Kind::kCondition) {
    Require(!trace.subject.empty() && !trace.comparison.empty());
    Require(trace.actual.empty() || nlohmann::json::accept(trace.actual));
    Require(trace.expected.empty() ? !trace.note.empty() : nlohmann::json::accept(trace.expected));
    const bool open = trace.outcome == policy::Outcome::kFailed || trace.outcome == policy::Outcome::kUnknown;
    Require(!open || !trace.note.empty());
  }
  for (const policy::RuleTrace& member : trace.members) {
    nodes += CheckTrace(member);
  }
  return nodes;
}

bool IsBad(policy::Outcome outcome) { return outcome == policy::Outcome::kTrue || outcome == policy::Outcome::kFailed; }

// What a trace shows contradicts no finding.
void CheckTraces(const policy::RegistryTrace& traced, const policy::Evaluation& evaluation) {
  Require(traced.resources.size() <= policy::kMaxTracedResources);
  for (const policy::ResourceTrace& resource : traced.resources) {
    Require(CheckTrace(resource.rule) <= policy::kMaxTraced);
    bool bad = IsBad(resource.rule.outcome);
    if (resource.existence) {
      Require(!resource.existence->subject.empty() && resource.existence->names.size() <= policy::kMaxTracedResources);
      for (const policy::RuleTrace& condition : resource.existence->conditions) {
        Require(CheckTrace(condition) <= policy::kMaxTraced);
      }
      bad = bad && resource.existence->outcome == policy::Outcome::kFalse;
    }
    Require(!bad || evaluation.result != policy::FindingResult::kCompliant);
  }
}

void CheckDefinition(const policy::Definition& definition) {
  Require(definition.rule != nullptr && definition.name == "fuzz");
  Require(definition.types.registry || !definition.types.children.empty());
  const auto bound = policy::BindParameters(definition, nlohmann::json::object());
  if (!bound) {
    Require(!bound.error().empty());
    return;
  }
  for (const std::string_view text : kResources) {
    const nlohmann::json resource = nlohmann::json::parse(text);
    static const policy::ChildLists lists = Lists();
    policy::RegistryResources registry(resource, &lists);
    const policy::Evaluation evaluation = policy::Evaluate(definition, *bound, registry, kNow);
    CheckEvaluation(evaluation);
    const policy::Evaluation again = policy::Evaluate(definition, *bound, registry, kNow);
    Require(evaluation.result == again.result && evaluation.reason == again.reason && evaluation.evidence.size() == again.evidence.size());
    for (std::size_t i = 0; i < evaluation.evidence.size(); ++i) {
      Require(Same(evaluation.evidence[i], again.evidence[i]));
    }
    CheckTraces(policy::TraceRegistry(definition, *bound, registry, kNow), evaluation);
    Require(CheckTrace(policy::TraceRule(definition, *bound, resource, kNow)) <= policy::kMaxTraced);
  }
}

// What its definitions are given is a value or a message, always the same.
void CheckInitiative(const policy::Initiative& initiative) {
  Require(!initiative.members.empty() && initiative.members.size() <= policy::kMaxInitiativeMembers);
  const auto bound = policy::BindParameters(initiative.name, initiative.parameters, nlohmann::json::object());
  for (const policy::InitiativeMember& member : initiative.members) {
    const auto given = policy::MemberParameters(initiative, member, bound.value_or(nlohmann::json::object()));
    Require(given ? given->size() == member.parameters.size() : !given.error().empty());
    const auto again = policy::MemberParameters(initiative, member, bound.value_or(nlohmann::json::object()));
    Require(given ? again && *given == *again : !again && given.error() == again.error());
  }
}

// The expression on the left, on the right, and within a count of the registry's own and one over values.
std::string WithExpression(std::string_view expression) {
  const nlohmann::json text = std::string(expression);
  const nlohmann::json plain = {{"anyOf", {{{"value", text}, {"equals", "x"}}, {{"field", "name"}, {"notEquals", text}}}}};
  const nlohmann::json counts = {
      {{"count", {{"value", {"a", 1, nullptr}}, {"name", "a"}, {"where", plain}}}, {"greater", 0}},
      {{"count", {{"field", "Microsoft.ContainerRegistry/registries/networkRuleSet.ipRules[*]"}, {"where", plain}}}, {"greater", 0}}};
  const nlohmann::json condition = {{"anyOf", {plain, counts[0], counts[1]}}};
  const bool in_count = expression.find("current") != std::string_view::npos;  // refused outside
  return base::DumpJson({{"policyRule", {{"if", in_count ? counts[expression.size() % 2] : condition}, {"then", {{"effect", "deny"}}}}}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string text = bytes.starts_with('[') ? WithExpression(bytes) : std::string(bytes);
  if (policy::IsInitiative(text)) {
    const auto initiative = policy::ParseInitiative(text, kFile, "fuzz");
    if (initiative) {
      CheckInitiative(**initiative);
    } else {
      Require(initiative.error().message.starts_with(kFile) && initiative.error().message.size() < 8192);
    }
  }
  if (const auto definition = policy::ParseDefinition(text, kFile, "fuzz")) {
    CheckDefinition(**definition);
  } else {
    Require(definition.error().message.starts_with(kFile) && definition.error().message.size() < 8192);
  }
  return 0;
}
