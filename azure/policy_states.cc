#include "azure/policy_states.h"

#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>

#include "azure/arm.h"
#include "azure/resource_id.h"
#include "base/text.h"
#include "base/time.h"
#include "http/url.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Kind = ArmError::Kind;

constexpr std::string_view kReadStates = "Microsoft.PolicyInsights/policyStates/queryResults/read";
constexpr std::string_view kNextLink = "@odata.nextLink";

std::string TargetOf(const std::string& subscription) {
  return "/subscriptions/" + subscription +
         "/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?api-version=2019-10-01&%24filter=" +
         http::PercentEncode("resourceType eq 'Microsoft.ContainerRegistry/registries'");
}

// "" when it is missing or no text.
std::string_view TextMember(const json& row, std::string_view name) {
  const auto member = row.find(name);
  return member != row.end() && member->is_string() ? std::string_view(member->get_ref<const std::string&>()) : std::string_view();
}

// False: it is no row about a registry in this subscription.
bool AddRow(const json& row, policy::SubscriptionStates& states) {
  if (!row.is_object()) {
    return false;
  }
  std::string resource_id = base::AsciiLower(TextMember(row, "resourceId"));
  const std::optional<RegistryId> id = ParseRegistryId(resource_id);
  std::string definition = base::AsciiLower(TextMember(row, "policyDefinitionId"));
  const std::optional<base::Time> time = base::ParseTime(TextMember(row, "timestamp"));
  if (!id || id->subscription != states.subscription || definition.empty() || !time) {
    return false;
  }
  const policy::ComplianceOpinion opinion{policy::ParseComplianceState(TextMember(row, "complianceState")), *time};
  const auto [entry, is_new] = states.registries[std::move(resource_id)].try_emplace(std::move(definition), opinion);
  policy::ComplianceOpinion& known = entry->second;
  if (!is_new && std::tie(known.state, known.time) < std::tie(opinion.state, opinion.time)) {
    known = opinion;
  }
  return true;
}

// Adds a page, and returns the way to the next one.
ArmResult<std::string> AddPage(const json& page, policy::SubscriptionStates& states) {
  const std::string source = "the policy states of subscription " + states.subscription;
  std::optional<std::string> next = NextOfList(page, kNextLink);
  if (!next) {
    return Unavailable(source + ": expected a list, an object with an array \"value\"");
  }
  const json& value = page["value"];
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!AddRow(value[i], states)) {
      return Unavailable(source + ": $.value[" + std::to_string(i) + "] is not the state of a registry in this subscription");
    }
  }
  return *std::move(next);
}

ArmError Explain(ArmError error, const std::string& subscription, const Arm& arm) {
  if (error.kind == Kind::kForbidden && error.remedy.empty()) {
    error.remedy = "assign a custom role with " + std::string(kReadStates) + " at /subscriptions/" + subscription + " to " +
                   arm.Identity() + "; it acts within 30 minutes";
  }
  return error;
}

ArmResult<policy::SubscriptionStates> ReadStates(Arm& arm, const base::Clock& clock, const Pause& pause, const std::string& subscription,
                                                 milliseconds deadline) {
  if (!IsSubscriptionId(subscription)) {
    return Rejected("\"" + base::Printable(subscription, 64) + "\" is no id of a subscription");
  }
  const Budget budget(clock, deadline);
  policy::SubscriptionStates states{subscription, clock.Now(), {}};
  const auto whole = ReadPages(
      TargetOf(subscription), {budget, pause, kMaxStatesPages},
      [&](const std::string& target, milliseconds left) { return arm.Post(target, nullptr, left); },
      [&](const json& page) { return AddPage(page, states); });
  if (!whole) {
    return tl::unexpected(Explain(whole.error(), subscription, arm));
  }
  if (*whole) {
    return states;
  }
  return Unavailable("the policy states of subscription " + subscription + " have more than " + std::to_string(kMaxStatesPages) + " pages");
}

}  // namespace

StatesReader MakeStatesReader(Arm& arm, const base::Clock& clock, Pause pause) {
  return [&arm, &clock, pause = std::move(pause)](const std::string& subscription, milliseconds deadline) {
    return ReadStates(arm, clock, pause, subscription, deadline);
  };
}

}  // namespace azure
