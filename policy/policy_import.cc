#include "policy/policy_import.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

#include <tl/expected.hpp>

#include "base/json.h"
#include "base/text.h"
#include "base/yaml.h"
#include "policy/assignment_selectors.h"
#include "policy/definition_effect.h"
#include "policy/parameter_expression.h"
#include "policy/policy_import_parts.h"
#include "policy/scope.h"

namespace policy {
namespace {

using nlohmann::json;
using Kind = ImportableDefinitions::Kind;

constexpr std::size_t kMaxName = 120;          // of a requirement
constexpr std::size_t kMaxExemptionName = 63;  // as an exemption's
constexpr std::size_t kMaxShown = 200;         // bytes of a name or an id in comments
constexpr std::size_t kMaxReason = 1000;       // Azure allows a description of 512 characters

std::string Shown(std::string_view text) { return base::Printable(text, kMaxShown); }

// One definition of an assignment, as the initiative has it, or the only one.
struct Member {
  std::string definition_id;
  bool of_initiative = false;
  std::string reference_id;  // "": no initiative's
  std::string version;       // that is asked for: "1.*.*"; "": the newest
  json parameters;           // name → value; not resolved in an initiative
};

// {"effect": {"value": "Deny"}} → {"effect": "Deny"}
json ValuesOf(const json& object, std::string_view key) {
  json values = json::object();
  for (const auto& [name, member] : object.items()) {
    if (const auto value = member.find(key); member.is_object() && value != member.end()) {
      values[name] = *value;
    }
  }
  return values;
}

const json& ObjectAt(const json& object, std::string_view key) {
  static const json kNone = json::object();
  const auto member = object.is_object() ? object.find(key) : object.end();
  return member != object.end() && member->is_object() ? *member : kNone;
}

// The values of an initiative's parameters: the assignment's, by name in any case, or the default.
json ParametersOf(const json& initiative, const json& given) {
  json values = ValuesOf(ObjectAt(initiative, "parameters"), "defaultValue");
  for (const auto& [name, ignored] : ObjectAt(initiative, "parameters").items()) {
    for (const auto& [given_name, value] : given.items()) {
      if (base::EqualsIgnoreAsciiCase(name, given_name)) {
        values[name] = value;
      }
    }
  }
  return values;
}

// Whether "1.*.*" is a version like "1.0.3". A preview is another version.
bool Fits(std::string_view pattern, std::string_view version) {
  if (pattern.empty() || version.empty()) {
    return true;
  }
  while (!pattern.empty() && !version.empty()) {
    const std::string_view wanted = pattern.substr(0, pattern.find_first_of(".-"));
    const std::string_view actual = version.substr(0, version.find_first_of(".-"));
    if (wanted != "*" && wanted != actual) {
      return false;
    }
    pattern.remove_prefix(std::min(pattern.size(), wanted.size() + 1));
    version.remove_prefix(std::min(version.size(), actual.size() + 1));
  }
  return pattern.empty() && version.empty();
}

class Import {
 public:
  Import(const AssignedPolicies& assigned, base::Time now) : assigned_(assigned), now_(now), definitions_(assigned.definitions) {}

  ImportedPolicy Run() {
    for (const auto& [id, item] : assigned_.assignments) {
      AddAssignment(id, item);
    }
    for (const auto& [id, item] : assigned_.exemptions) {
      AddExemption(id, item);
    }
    std::vector<std::string> left_out = imported_.problems;
    left_out.insert(left_out.end(), notes_.begin(), notes_.end());
    imported_.rules = WriteImportedRules(requirements_, exemptions_, left_out);
    imported_.requirements = requirements_.size();
    imported_.exemptions = exemptions_.size();
    return std::move(imported_);
  }

 private:
  // What members of one assignment have in common.
  struct Assignment {
    std::string id;     // lower-case
    std::string label;  // for messages and comments
    std::string name;
    const json& properties;
    std::string initiative;  // for comments; ""
    Effect max_effect = Effect::kDeny;
    std::vector<std::string> scopes{}, not_scopes{};
  };

  void Tell(const std::string& whose, const std::string& why) { imported_.problems.push_back(whose + ": " + why); }

  void AddAssignment(const std::string& id, const AssignedPolicies::Item& item) {
    const json& properties = ObjectAt(item.body, "properties");
    const auto parts = ParseAuthorizationId(id);
    if (!parts) {
      return;
    }
    const std::string display = base::TextAt(properties, "displayName");
    Assignment assignment{
        id,
        "assignment \"" + Shown(display.empty() ? parts->name : display) + "\" (" + Shown(base::TextAt(item.body, "id")) + ")",
        std::string(parts->name),
        properties,
        {}};
    const std::vector<Member> members = MembersOf(assignment);
    if (members.empty() || !ReadScopes(assignment, base::TextAt(item.body, "id"), item) || !ReadMode(assignment)) {
      return;
    }
    for (const Member& member : members) {
      AddMember(assignment, member);
    }
  }

  // Those that may concern registries, with their parameters resolved.
  std::vector<Member> MembersOf(Assignment& assignment) {
    const std::string id = base::TextAt(assignment.properties, "policyDefinitionId");
    const std::string version = base::TextAt(assignment.properties, "definitionVersion");
    const json given = ValuesOf(ObjectAt(assignment.properties, "parameters"), "value");
    const auto initiative = assigned_.initiatives.find(base::AsciiLower(id));
    if (initiative == assigned_.initiatives.end()) {
      const bool is_initiative = base::AsciiLower(id).find("/policysetdefinitions/") != std::string::npos;
      const Kind kind = is_initiative ? Kind::kMissing : definitions_.Find(id).kind;
      if (kind == Kind::kMissing) {
        Tell(assignment.label, "it assigns " + Shown(id) + ", which does not exist");
      }
      return kind == Kind::kMissing || kind == Kind::kOther ? std::vector<Member>() : std::vector<Member>{{id, false, "", version, given}};
    }
    const json& body = ObjectAt(initiative->second, "properties");
    assignment.initiative = base::TextAt(body, "displayName");
    std::vector<Member> members;
    for (const json& one : base::ArrayAt(body, "policyDefinitions")) {
      Member member{base::TextAt(one, "policyDefinitionId"), true, base::TextAt(one, "policyDefinitionReferenceId"),
                    base::TextAt(one, "definitionVersion"), ValuesOf(ObjectAt(one, "parameters"), "value")};
      if (definitions_.Find(member.definition_id).kind != Kind::kOther) {
        members.push_back(std::move(member));
      }
    }
    if (!members.empty() && !Fits(version, base::TextAt(body, "version"))) {
      Tell(assignment.label, "it is of version " + Shown(version) + " of its initiative, which is at " +
                                 Shown(base::TextAt(body, "version")) + "; update the assignment in Azure");
      return {};
    }
    initiative_parameters_ = ParametersOf(body, given);
    return members;
  }

  // False: it is not for registries, or it cannot be said for which.
  bool ReadScopes(Assignment& assignment, const std::string& id, const AssignedPolicies::Item& item) {
    const std::string scope(ParseAuthorizationId(id)->scope);
    switch (KindOfScope(scope)) {
      case ScopeKind::kManagementGroup:
        if (item.subscriptions != assigned_.subscriptions) {
          for (const std::string& subscription : item.subscriptions) {
            assignment.scopes.push_back("/subscriptions/" + subscription);
          }
        }
        break;
      case ScopeKind::kSubscription:
        if (assigned_.subscriptions.size() > 1) {
          assignment.scopes.push_back(scope);
        }
        break;
      case ScopeKind::kResourceGroup:
      case ScopeKind::kRegistry:
        assignment.scopes.push_back(scope);
        break;
      case ScopeKind::kBelowRegistry:
      case ScopeKind::kOther:
        return false;
    }
    switch (SelectsRegistries(base::ArrayAt(assignment.properties, "resourceSelectors"))) {
      case Selected::kNo:
        return false;
      case Selected::kCannotTell:
        Tell(assignment.label, "its resourceSelectors tell registries apart, which a policy file cannot");
        return false;
      case Selected::kYes:
        break;
    }
    for (const json& left_out : base::ArrayAt(assignment.properties, "notScopes")) {
      if (left_out.is_string() && !LeaveOut(assignment, left_out.get_ref<const std::string&>())) {
        return false;
      }
    }
    std::ranges::sort(assignment.not_scopes);
    const auto twice = std::ranges::unique(assignment.not_scopes);
    assignment.not_scopes.erase(twice.begin(), twice.end());
    return true;
  }

  bool LeaveOut(Assignment& assignment, const std::string& scope) {
    switch (KindOfScope(scope)) {
      case ScopeKind::kManagementGroup: {
        const std::string group = base::AsciiLower(ManagementGroupOf(scope));
        const auto below = assigned_.management_groups.find(group);
        if (below == assigned_.management_groups.end()) {
          const auto why = assigned_.unread_groups.find(group);
          Tell(assignment.label, "it leaves out the management group " + Shown(group) + ", whose subscriptions could not be read" +
                                     (why == assigned_.unread_groups.end() ? "" : ": " + why->second));
          return false;
        }
        for (const std::string& subscription : below->second) {
          if (assigned_.subscriptions.contains(subscription)) {
            assignment.not_scopes.push_back("/subscriptions/" + subscription);
          }
        }
        return true;
      }
      case ScopeKind::kSubscription:
      case ScopeKind::kResourceGroup:
      case ScopeKind::kRegistry:
        assignment.not_scopes.push_back(scope);
        return true;
      case ScopeKind::kBelowRegistry:
      case ScopeKind::kOther:
        return true;  // no registry lies there
    }
    return true;
  }

  bool ReadMode(Assignment& assignment) {
    const std::string mode = base::TextAt(assignment.properties, "enforcementMode");
    if (mode.empty() || base::EqualsIgnoreAsciiCase(mode, "Default")) {
      return true;
    }
    if (base::EqualsIgnoreAsciiCase(mode, "DoNotEnforce")) {
      assignment.max_effect = Effect::kAudit;
      return true;
    }
    Tell(assignment.label, "its enforcementMode \"" + Shown(mode) + "\" is not known here");
    return false;
  }

  void AddMember(const Assignment& assignment, const Member& member) {
    const ImportableDefinitions::Entry& entry = definitions_.Find(member.definition_id);
    const std::string whose = assignment.label + (member.reference_id.empty() ? "" : ", " + Shown(member.reference_id));
    if (entry.kind == Kind::kMissing) {
      Tell(whose, "it names " + Shown(member.definition_id) + ", which does not exist");
      return;
    }
    if (entry.kind == Kind::kUnsupported) {
      Tell(whose, entry.problem);
      return;
    }
    const Definition& definition = *entry.definition;
    const std::string definition_label = whose + ": " + Shown(definition.display_name.empty() ? definition.name : definition.display_name);
    auto requirement = RequirementOf(assignment, member, entry);
    if (!requirement) {
      Tell(definition_label, requirement.error());
      return;
    }
    if (!*requirement) {
      return;
    }
    imported_.definitions[definition.name + ".json"] = entry.text;
    (*requirement)->comment =
        definition_label + (assignment.initiative.empty() ? "" : ", by the initiative \"" + Shown(assignment.initiative) + "\"");
    NameIt(**requirement, assignment, member);
    by_assignment_[assignment.id].emplace_back(member.reference_id, (*requirement)->Name());
    requirements_.push_back(**std::move(requirement));
  }

  // Nothing where it is switched off.
  tl::expected<std::optional<ImportedRequirement>, std::string> RequirementOf(const Assignment& assignment, const Member& member,
                                                                              const ImportableDefinitions::Entry& entry) const {
    const Definition& definition = *entry.definition;
    const auto given = member.of_initiative ? ResolveExpressions(member.parameters, initiative_parameters_) : member.parameters;
    if (!given) {
      return tl::unexpected(given.error());
    }
    auto overridden = OverriddenEffect(base::ArrayAt(assignment.properties, "overrides"), member.reference_id);
    if (!overridden) {
      return tl::unexpected(std::move(overridden.error()));
    }
    const auto bound = BindParameters(definition, *given);
    if (!bound && !*overridden) {
      return tl::unexpected(bound.error().front());
    }
    std::string azure_effect;
    if (*overridden) {
      azure_effect = **overridden;
    } else {
      auto resolved = ResolveEffect(definition.effect, *bound);
      if (!resolved) {
        return tl::unexpected(std::move(resolved.error()));
      }
      azure_effect = *std::move(resolved);
    }
    const auto effect = EffectOf(azure_effect);
    if (!effect) {
      return tl::unexpected(effect.error());
    }
    if (!*effect) {
      return std::nullopt;
    }
    if (!bound) {
      return tl::unexpected(bound.error().front());
    }
    if (!Fits(member.version, definition.version)) {
      return tl::unexpected("version " + Shown(member.version) + " of it is assigned, and Azure's newest is " + Shown(definition.version) +
                            "; update the assignment in Azure");
    }
    ImportedRequirement requirement{.definition = definition.name, .effect = std::min(**effect, assignment.max_effect)};
    for (const ParameterDefinition& parameter : definition.parameters) {
      for (const auto& [name, value] : given->items()) {
        if (parameter.used && base::EqualsIgnoreAsciiCase(parameter.name, name)) {
          requirement.parameters[parameter.name] = value;
        }
      }
    }
    requirement.scopes = assignment.scopes;
    requirement.not_scopes = assignment.not_scopes;
    return requirement;
  }

  // The first requirement of a definition has its name. The others say in theirs which assignment they are of, so that they
  // keep it when another comes.
  void NameIt(ImportedRequirement& requirement, const Assignment& assignment, const Member& member) {
    if (names_.insert(requirement.definition).second) {
      return;
    }
    const std::string identity = assignment.id + "/" + member.reference_id;
    const std::string suffix = "-" + Slug(assignment.name, kMaxName / 2);
    requirement.name = Slug(requirement.definition, kMaxName - suffix.size()) + suffix;
    if (names_.contains(requirement.name) || definitions_.IsTaken(requirement.name)) {
      const std::string digest = "-" + ShortDigest(identity);
      requirement.name = Slug(requirement.name, kMaxName - digest.size()) + digest;
    }
    names_.insert(requirement.name);
  }

  void AddExemption(const std::string& id, const AssignedPolicies::Item& item) {
    const json& properties = ObjectAt(item.body, "properties");
    const std::string azure_id = base::TextAt(item.body, "id");
    const auto parts = ParseAuthorizationId(azure_id);
    const auto of = by_assignment_.find(base::AsciiLower(base::TextAt(properties, "policyAssignmentId")));
    if (!parts || of == by_assignment_.end()) {
      return;  // of an assignment that is not about registries, or was left out
    }
    const ScopeKind scope = KindOfScope(parts->scope);
    const Selected selected = SelectsRegistries(base::ArrayAt(properties, "resourceSelectors"));
    std::vector<std::string> requirements = ExemptRequirements(properties, of->second);
    if (requirements.empty() || scope == ScopeKind::kOther || selected == Selected::kNo) {
      return;
    }
    const std::string display = base::TextAt(properties, "displayName");
    const std::string label = "exemption \"" + Shown(display.empty() ? parts->name : display) + "\" (" + Shown(azure_id) + ")";
    if (scope == ScopeKind::kBelowRegistry) {
      Tell(label, "it is for a part of a registry, and a policy file exempts registries alone");
      return;
    }
    if (selected == Selected::kCannotTell) {
      Tell(label, "its resourceSelectors tell registries apart, which a policy file cannot");
      return;
    }
    ImportedExemption exemption;
    exemption.comments.push_back(label);
    if (!ReadExpiry(label, base::TextAt(properties, "expiresOn"), exemption)) {
      return;
    }
    exemption.requirements = std::move(requirements);
    exemption.reason = ReasonOf(properties, display.empty() ? std::string(parts->name) : display);
    if (scope != ScopeKind::kManagementGroup) {
      exemption.resource_id = parts->scope;
      exemption.name = ExemptionName(parts->name, id);
      exemptions_.push_back(std::move(exemption));
      return;
    }
    for (const std::string& subscription : item.subscriptions) {
      ImportedExemption one = exemption;
      one.resource_id = "/subscriptions/" + subscription;
      one.name = ExemptionName(std::string(parts->name) + "-" + subscription.substr(0, subscription.find('-')), id + subscription);
      exemptions_.push_back(std::move(one));
    }
  }

  static std::vector<std::string> ExemptRequirements(const json& properties,
                                                     const std::vector<std::pair<std::string, std::string>>& requirements) {
    const json& references = base::ArrayAt(properties, "policyDefinitionReferenceIds");
    std::vector<std::string> exempt;
    for (const auto& [reference_id, name] : requirements) {
      const bool named = std::any_of(references.begin(), references.end(), [&, &id = reference_id](const json& one) {
        return one.is_string() && base::EqualsIgnoreAsciiCase(one.get_ref<const std::string&>(), id);
      });
      if (references.empty() || named) {
        exempt.push_back(name);
      }
    }
    return exempt;
  }

  // False: it has expired, or when it does cannot be told.
  bool ReadExpiry(const std::string& label, const std::string& text, ImportedExemption& exemption) {
    if (text.empty()) {
      const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now_));
      exemption.expires = std::to_string(static_cast<int>(today.year()) + 1) + "-12-31";
      exemption.comments.emplace_back("it never expires in Azure; each import moves it to the end of the year after");
      return true;
    }
    const auto expires = base::ParseTime(text);
    if (!expires) {
      Tell(label, "its expiresOn \"" + Shown(text) + "\" is no time");
      return false;
    }
    exemption.expires = base::FormatTimeSeconds(*expires);
    if (*expires <= now_) {
      notes_.push_back(label + ": it expired at " + exemption.expires);
      return false;
    }
    return true;
  }

  static std::string ReasonOf(const json& properties, const std::string& display) {
    std::string reason = base::TextAt(properties, "exemptionCategory");
    for (const std::string& more : {display, base::TextAt(properties, "description")}) {
      reason += (reason.empty() || more.empty() ? "" : ": ") + more;
    }
    return base::Printable(reason, kMaxReason);
  }

  std::string ExemptionName(std::string_view wanted, std::string_view id) {
    std::string name = Slug(wanted, kMaxExemptionName);
    if (name.empty() || exemption_names_.contains(name)) {
      const std::string digest = "-" + ShortDigest(id);
      name = Slug(name.empty() ? "exemption" : name, kMaxExemptionName - digest.size()) + digest;
    }
    exemption_names_.insert(name);
    return name;
  }

  const AssignedPolicies& assigned_;
  const base::Time now_;
  const ImportableDefinitions definitions_;
  ImportedPolicy imported_;
  std::vector<std::string> notes_;  // what is only said in the file
  std::vector<ImportedRequirement> requirements_;
  std::vector<ImportedExemption> exemptions_;
  std::set<std::string> names_, exemption_names_;
  json initiative_parameters_;  // of the assignment at hand
  // Reference ids and names of the requirements, by lower-case id.
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> by_assignment_;
};

}  // namespace

ImportedPolicy ImportPolicy(const AssignedPolicies& assigned, base::Time now) { return Import(assigned, now).Run(); }

std::string_view DefaultImportBase() {
  return R"yaml(apiVersion: acr-admission.io/v1
kind: RegistryPolicy
sources:
  - images: ["mcr.microsoft.com/**", "registry.k8s.io/**"]
    action: Allow
)yaml";
}

base::Loaded<std::string> ComposeImportedPolicy(std::string_view base_text, std::string_view base_file, const ImportedPolicy& imported) {
  const auto document = base::ParseYaml(base_text, base_file);
  if (!document) {
    return tl::unexpected(document.error());
  }
  base::Problems problems;
  for (const auto& [key, value] : document->members) {
    if (key.text == "requirements" || key.text == "exemptions") {
      problems.push_back({std::string(base_file), key.line, key.column,
                          key.text + " are what is imported; leave the key out here, and keep your own in another policy file"});
    }
  }
  if (!problems.empty()) {
    return tl::unexpected(std::move(problems));
  }
  std::string text = std::string(kImportedPolicyHeader) + "\n";
  text.append(base_text);
  text.append(base_text.empty() || base_text.ends_with('\n') ? "\n" : "\n\n");
  return text + imported.rules;
}

}  // namespace policy
