#include "tests/support/azure_policy_states.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "http/url.h"
#include "tests/support/azure_answers.h"
#include "tests/support/azure_subscriptions.h"

namespace support {
namespace {

using nlohmann::json;

json Row(const PolicyState& state) {
  const std::string id = base::AsciiLower(state.resource_id);
  const RegistryParts parts = PartsOf(id);
  const std::string scope = "/subscriptions/" + parts.subscription;
  return {{"@odata.id", nullptr},
          {"timestamp", base::FormatTime(state.timestamp)},
          {"resourceId", id},
          {"policyAssignmentId", scope + "/providers/microsoft.authorization/policyassignments/" + base::AsciiLower(state.assignment)},
          {"policyDefinitionId", "/providers/microsoft.authorization/policydefinitions/" + base::AsciiLower(state.definition)},
          {"effectiveParameters", ""},
          {"isCompliant", state.state == "Compliant"},
          {"subscriptionId", parts.subscription},
          {"resourceType", "Microsoft.ContainerRegistry/registries"},
          {"resourceLocation", "westeurope"},
          {"resourceGroup", parts.resource_group},
          {"resourceTags", "tbd"},
          {"policyAssignmentName", state.assignment},
          {"policyAssignmentOwner", "tbd"},
          {"policyAssignmentParameters", ""},
          {"policyAssignmentScope", scope},
          {"policyDefinitionName", base::AsciiLower(state.definition)},
          {"policyDefinitionAction", state.action},
          {"policyDefinitionCategory", "tbd"},
          {"policySetDefinitionId", ""},
          {"managementGroupIds", ""},
          {"policyDefinitionReferenceId", ""},
          {"complianceState", state.state}};
}

struct Comparison {
  std::string member, value;
};

// "a eq 'b' and c eq 'd'"; nothing when it is anything else.
std::optional<std::vector<Comparison>> ReadFilter(std::string_view text) {
  constexpr std::string_view kEquals = " eq '";
  constexpr std::string_view kAnd = " and ";
  std::vector<Comparison> comparisons;
  while (!text.empty()) {
    const std::size_t equals = text.find(kEquals);
    const std::size_t begin = equals + kEquals.size();
    const std::size_t end = equals == std::string_view::npos ? equals : text.find('\'', begin);
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    comparisons.push_back({std::string(text.substr(0, equals)), std::string(text.substr(begin, end - begin))});
    text.remove_prefix(end + 1);
    if (!text.empty() && (!text.starts_with(kAnd) || text.size() == kAnd.size())) {
      return std::nullopt;
    }
    text.remove_prefix(std::min(text.size(), kAnd.size()));
  }
  return comparisons;
}

bool Meets(const json& row, const std::vector<Comparison>& comparisons) {
  return std::all_of(comparisons.begin(), comparisons.end(), [&](const Comparison& comparison) {
    const auto member = row.find(comparison.member);
    return member != row.end() && member->is_string() &&
           base::EqualsIgnoreAsciiCase(member->get_ref<const std::string&>(), comparison.value);
  });
}

// `fallback` when there is none or it is no number.
std::size_t Number(const std::string& text, std::size_t fallback) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : fallback;
}

}  // namespace

void AzurePolicyStates::Put(const PolicyState& state) {
  std::erase_if(states_, [&](const PolicyState& other) {
    return base::EqualsIgnoreAsciiCase(other.resource_id, state.resource_id) &&
           base::EqualsIgnoreAsciiCase(other.definition, state.definition) &&
           base::EqualsIgnoreAsciiCase(other.assignment, state.assignment);
  });
  states_.push_back(state);
}

http::Response AzurePolicyStates::Answer(const AzureCall& call, std::size_t page_rows) const {
  const auto comparisons = ReadFilter(call.Query("$filter"));
  if (!comparisons) {
    return GatewayError(400, "InvalidFilterInQueryString", "Invalid $filter query parameter.");
  }
  std::vector<json> rows;
  for (const PolicyState& state : states_) {
    json row = Row(state);
    if (row["subscriptionId"] == call.subscription && Meets(row, *comparisons)) {
      rows.push_back(std::move(row));
    }
  }
  const std::size_t last = std::min(rows.size(), Number(call.Query("$top"), rows.size()));
  const std::size_t begin = std::min(Number(call.Query("$skiptoken"), 0), last);
  const std::size_t end = std::min(begin + page_rows, last);
  json value = json::array();
  for (std::size_t i = begin; i < end; ++i) {
    value.push_back(std::move(rows[i]));
  }
  json answer = {{"@odata.context", call.origin + "/subscriptions/" + call.subscription +
                                        "/providers/Microsoft.PolicyInsights/policyStates/$metadata#latest"},
                 {"@odata.count", end - begin},
                 {"value", std::move(value)}};
  if (end < last) {
    std::string link = call.origin + call.target.substr(0, call.target.find('?'));
    const char* separator = "?";
    for (const auto& [name, text] : call.query) {
      if (name != "$skiptoken") {
        link += separator + http::PercentEncode(name) + "=" + http::PercentEncode(text);
        separator = "&";
      }
    }
    answer["@odata.nextLink"] = link + separator + "%24skiptoken=" + std::to_string(end);
  }
  return AzureJson(200, answer);
}

}  // namespace support
