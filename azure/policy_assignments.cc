#include "azure/policy_assignments.h"

#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "azure/attempts.h"
#include "azure/paging.h"
#include "azure/resource_id.h"
#include "base/json.h"
#include "base/text.h"
#include "http/url.h"
#include "policy/scope.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Kind = ArmError::Kind;

constexpr std::string_view kPolicyVersion = "2023-04-01";  // the first with overrides and the versions of definitions
constexpr std::string_view kExemptionVersion = "2022-07-01-preview";
constexpr std::string_view kManagementVersion = "2020-05-01";
constexpr std::size_t kMaxPolicyName = 256;  // bytes; Azure allows 128 characters
constexpr std::size_t kMaxShownId = 256;

std::string Lower(std::string_view text) { return base::AsciiLower(text); }

// As a step of a URL it must stay one.
bool IsStep(std::string_view name) { return !name.empty() && name.size() <= kMaxPolicyName && name != "." && name != ".."; }

// What one kind of read needs, for whoever may not do it.
struct Question {
  std::string action;
  std::string scope;
};

// The path of a definition or an initiative; nothing where the id is none.
std::optional<std::string> PathOf(const policy::AuthorizationId& id) {
  if (!IsStep(id.name)) {
    return std::nullopt;
  }
  std::string scope;
  if (const std::string_view group = policy::ManagementGroupOf(id.scope); !group.empty()) {
    if (!IsManagementGroup(group) || !IsStep(group)) {
      return std::nullopt;
    }
    scope = "/providers/Microsoft.Management/managementGroups/" + std::string(group);
  } else if (!id.scope.empty()) {
    constexpr std::string_view kSubscriptions = "/subscriptions/";
    if (!Lower(id.scope).starts_with(kSubscriptions) || !IsSubscriptionId(id.scope.substr(kSubscriptions.size()))) {
      return std::nullopt;
    }
    scope = std::string(id.scope);
  }
  return scope + "/providers/Microsoft.Authorization/" + std::string(id.type) + "/" + http::PercentEncode(id.name);
}

class Reading {
 public:
  Reading(const std::vector<Arm*>& identities, const Wait& wait, const base::Clock& clock)
      : identities_(identities), wait_(wait), clock_(clock) {}

  PolicyAssignments Read(const Scope& scope) {
    std::set<std::string>& subscriptions = read_.assigned.subscriptions;
    for (const std::string& named : scope.subscriptions) {
      if (IsSubscriptionId(named)) {
        subscriptions.insert(Lower(named));
      } else {
        read_.problems.push_back("\"" + base::Printable(named, kMaxShownId) + "\" is no id of a subscription");
      }
    }
    for (const std::string& group : scope.management_groups) {
      const ArmResult<std::set<std::string>> below = SubscriptionsBelow(group);
      if (below) {
        subscriptions.insert(below->begin(), below->end());
      } else {
        Fail("the subscriptions of management group " + base::Printable(group, kMaxShownId), below.error());
      }
    }
    for (const std::string& subscription : subscriptions) {
      ReadItems(subscription, "policyAssignments", kPolicyVersion, read_.assigned.assignments);
      ReadItems(subscription, "policyExemptions", kExemptionVersion, read_.assigned.exemptions);
    }
    ReadNamed();
    ReadLeftOutGroups();
    return std::move(read_);
  }

 private:
  void Fail(const std::string& what, const ArmError& error) { read_.problems.push_back(what + ": " + error.ToString()); }

  // Asks one identity after the other, until one may. The answer of the others: who is forbidden says more than who sees nothing.
  template <class Ask>
  auto WithIdentities(const Question& question, const Ask& ask) -> decltype(ask(std::declval<Arm&>())) {
    decltype(ask(std::declval<Arm&>())) answer = Unavailable("there is no identity to ask Azure with");
    bool forbidden = false;
    for (Arm* const arm : identities_) {
      auto next = WithAttempts(wait_, [&] { return ask(*arm); });
      if (next) {
        return next;
      }
      if (next.error().kind == Kind::kForbidden && next.error().remedy.empty()) {
        next.error().remedy = "assign a role with " + question.action + " at " + question.scope + " to " + arm->Identity() +
                              "; docs/import.md has one that reads no more than this; it acts within 30 minutes";
      }
      const bool other_may = next.error().kind == Kind::kForbidden || next.error().kind == Kind::kNotFound;
      if (!forbidden) {
        forbidden = next.error().kind == Kind::kForbidden;
        answer = std::move(next);
      }
      if (!other_may) {
        return answer;
      }
    }
    return answer;
  }

  ArmResult<std::vector<json>> ReadList(Arm& arm, const std::string& first) {
    const Budget budget(clock_, kPolicyListDeadline);
    const Pause pause = [this](milliseconds time) { wait_(time); };
    std::vector<json> items;
    const auto whole = ReadPages(
        first, {budget, pause, kMaxPolicyPages, Patience::kPauses},
        [&](const std::string& target, milliseconds left) { return arm.Get(target, left); },
        [&](json& page) -> ArmResult<std::string> {
          std::optional<std::string> next = NextOfList(page, "nextLink");
          if (!next) {
            return Unavailable("expected a list, an object with an array \"value\"");
          }
          for (json& item : page["value"]) {
            items.push_back(std::move(item));
          }
          if (items.size() > kMaxPolicyItems) {
            return TooMany();
          }
          return *std::move(next);
        });
    if (!whole) {
      return tl::unexpected(whole.error());
    }
    return *whole ? ArmResult<std::vector<json>>(std::move(items)) : TooMany();
  }

  static tl::unexpected<ArmError> TooMany() {
    return Unavailable("more than " + std::to_string(kMaxPolicyPages) + " pages or " + std::to_string(kMaxPolicyItems) + " of them");
  }

  ArmResult<std::vector<json>> List(const Question& question, const std::string& target) {
    return WithIdentities(question, [&](Arm& arm) { return ReadList(arm, target); });
  }

  ArmResult<std::set<std::string>> SubscriptionsBelow(std::string_view group) {
    if (!IsManagementGroup(group) || !IsStep(group)) {
      return Rejected("\"" + base::Printable(group, kMaxShownId) + "\" is no name of a management group");
    }
    const std::string scope = "/providers/Microsoft.Management/managementGroups/" + std::string(group);
    const ArmResult<std::vector<json>> items = List({"Microsoft.Management/managementGroups/descendants/read", scope},
                                                    scope + "/descendants?api-version=" + std::string(kManagementVersion));
    if (!items) {
      return tl::unexpected(items.error());
    }
    std::set<std::string> subscriptions;
    for (std::size_t i = 0; i < items->size(); ++i) {
      const std::string id = base::TextAt((*items)[i], "id");
      constexpr std::string_view kSubscriptions = "/subscriptions/";
      if (Lower(id).starts_with(kSubscriptions) && IsSubscriptionId(std::string_view(id).substr(kSubscriptions.size()))) {
        subscriptions.insert(Lower(id.substr(kSubscriptions.size())));
      } else if (policy::ManagementGroupOf(id).empty()) {
        return Unavailable("$.value[" + std::to_string(i) + "] is neither a subscription nor a management group");
      }
    }
    return subscriptions;
  }

  // Without a filter a subscription's list has what applies to it from above, to all of it, and to parts of it.
  void ReadItems(const std::string& subscription, const std::string& type, std::string_view version,
                 std::map<std::string, policy::AssignedPolicies::Item>& into) {
    const std::string scope = "/subscriptions/" + subscription;
    const std::string what = "the " + type + " of subscription " + subscription;
    ArmResult<std::vector<json>> items =
        List({"Microsoft.Authorization/" + type + "/read", scope},
             scope + "/providers/Microsoft.Authorization/" + type + "?api-version=" + std::string(version));
    if (!items) {
      Fail(what, items.error());
      return;
    }
    for (std::size_t i = 0; i < items->size(); ++i) {
      const std::string id = base::TextAt((*items)[i], "id");
      const auto parts = policy::ParseAuthorizationId(id);
      if (!parts || !base::EqualsIgnoreAsciiCase(parts->type, type) || !(*items)[i].contains("properties")) {
        read_.problems.push_back(what + ": $.value[" + std::to_string(i) + "] is not one of them");
        return;
      }
      policy::AssignedPolicies::Item& item = into[Lower(id)];
      item.body = std::move((*items)[i]);
      item.subscriptions.insert(subscription);
    }
  }

  // The definitions and initiatives that assignments name, and the definitions that the initiatives name.
  void ReadNamed() {
    std::map<std::string, std::string> named, members;  // by lower-case id
    for (const auto& [ignored, item] : read_.assigned.assignments) {
      const std::string id = base::TextAt(item.body["properties"], "policyDefinitionId");
      const auto parts = policy::ParseAuthorizationId(id);
      const bool initiative = parts && base::EqualsIgnoreAsciiCase(parts->type, "policySetDefinitions");
      (initiative ? named : members)[Lower(id)] = id;
    }
    for (const auto& [ignored, id] : named) {
      if (const json* initiative = ReadDefinition(id, read_.assigned.initiatives)) {
        for (const json& member : base::ArrayAt((*initiative)["properties"], "policyDefinitions")) {
          const std::string definition = base::TextAt(member, "policyDefinitionId");
          members[Lower(definition)] = definition;
        }
      }
    }
    if (members.size() > kMaxAssignedDefinitions) {
      read_.problems.push_back("the assignments name more than " + std::to_string(kMaxAssignedDefinitions) +
                               " definitions; import fewer subscriptions at a time");
      return;
    }
    for (const auto& [ignored, id] : members) {
      ReadDefinition(id, read_.assigned.definitions);
    }
  }

  // Null: it does not exist, or could not be read.
  const json* ReadDefinition(const std::string& id, std::map<std::string, json>& into) {
    const auto parts = policy::ParseAuthorizationId(id);
    const std::optional<std::string> path = parts ? PathOf(*parts) : std::nullopt;
    if (!path) {
      read_.problems.push_back("an assignment names \"" + base::Printable(id, kMaxShownId) + "\", which is no id of a policy definition");
      return nullptr;
    }
    const std::string what = "the definition " + base::Printable(id, kMaxShownId);
    const Question question{"Microsoft.Authorization/" + std::string(parts->type) + "/read",
                            parts->scope.empty() ? "any subscription" : base::Printable(parts->scope, kMaxShownId)};
    const std::string target = *path + "?api-version=" + std::string(kPolicyVersion);
    ArmResult<json> body = WithIdentities(question, [&](Arm& arm) {
      const Budget budget(clock_, kPolicyGetDeadline);
      const Pause pause = [this](milliseconds time) { wait_(time); };
      return CallForPage([&](milliseconds left) { return arm.Get(target, left); }, budget, Patience::kPauses, pause);
    });
    if (!body) {
      if (body.error().kind != Kind::kNotFound) {
        Fail(what, body.error());
      }
      return nullptr;
    }
    if (!base::EqualsIgnoreAsciiCase(base::TextAt(*body, "id"), id) || !body->contains("properties")) {
      read_.problems.push_back(what + ": the answer is another object");
      return nullptr;
    }
    return &(into[Lower(id)] = *std::move(body));
  }

  void ReadLeftOutGroups() {
    std::set<std::string> groups;
    for (const auto& [id, item] : read_.assigned.assignments) {
      for (const json& left_out : base::ArrayAt(item.body["properties"], "notScopes")) {
        if (left_out.is_string()) {
          groups.insert(Lower(policy::ManagementGroupOf(left_out.get_ref<const std::string&>())));
        }
      }
    }
    groups.erase("");
    for (const std::string& group : groups) {
      if (auto below = SubscriptionsBelow(group)) {
        read_.assigned.management_groups[group] = *std::move(below);
      } else {
        read_.assigned.unread_groups[group] = below.error().ToString();
      }
    }
  }

  const std::vector<Arm*>& identities_;
  const Wait& wait_;
  const base::Clock& clock_;
  PolicyAssignments read_;
};

}  // namespace

PolicyAssignments ReadPolicyAssignments(const std::vector<Arm*>& identities, const Scope& scope, const Wait& wait,
                                        const base::Clock& clock) {
  return Reading(identities, wait, clock).Read(scope);
}

}  // namespace azure
