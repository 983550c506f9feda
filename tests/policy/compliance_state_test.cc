// Azure Policy's own states: as a second opinion beside a finding, and as its source where a requirement says so.
#include "policy/compliance_state.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/policy.h"

namespace policy {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr base::Time kEvaluated{std::chrono::hours(20)};
constexpr base::Time kAsked{std::chrono::hours(23)};
constexpr base::Time kObserved{std::chrono::hours(24)};
constexpr const char* kPrivateLink = "/providers/microsoft.authorization/policydefinitions/e8eef0a8-67cf-4eb4-9386-14b0e78733d4";

// Compliant with private-link, if it is evaluated here.
Registry Contoso() {
  return {.login_server = "contoso.azurecr.io",
          .name = "contoso",
          .resource_id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso",
          .observed = kObserved,
          .body = RegistryBody(R"({"type": "Microsoft.ContainerRegistry/registries", "properties": {"dataEndpointEnabled": true,
                      "privateEndpointConnections": [{"properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}]}})")};
}

Policy PolicyOf(std::string_view requirements, bool compliance_states = true) {
  const auto loaded = LoadPolicy("apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements: " + std::string(requirements),
                                 "policy.yaml", DefinitionSet::WithBuiltIns(), {}, compliance_states);
  EXPECT_TRUE(loaded) << (loaded ? "" : base::ToString(loaded.error()));
  return loaded ? **loaded : Policy();
}

ComplianceStates StatesOf(ComplianceState state) { return {kAsked, {{kPrivateLink, {state, kEvaluated}}}}; }

Finding FindingBy(const Policy& policy, const ComplianceStates* states) {
  return Judge(Contoso(), policy, nullptr, base::Time(), HiddenMembers::kUnknown, states).at(0);
}

Finding ByAzure(std::optional<ComplianceState> state) {
  const ComplianceStates states = state ? StatesOf(*state) : ComplianceStates{kAsked, {}};
  return FindingBy(PolicyOf("[{definition: private-link, source: azurePolicy}]"), &states);
}

TEST(ComplianceState, IsReadFromAzuresWords) {
  const std::vector<std::pair<std::string, ComplianceState>> words = {{"Compliant", ComplianceState::kCompliant},
                                                                      {"noncompliant", ComplianceState::kNonCompliant},
                                                                      {"Exempt", ComplianceState::kExempt},
                                                                      {"Conflict", ComplianceState::kConflicting},
                                                                      {"Conflicting", ComplianceState::kConflicting},
                                                                      {"Error", ComplianceState::kOther},
                                                                      {"", ComplianceState::kOther}};
  for (const auto& [word, state] : words) {
    EXPECT_EQ(ParseComplianceState(word), state) << word;
  }
}

TEST(ComplianceState, IsASecondOpinionThatDecidesNothing) {
  const Policy policy = PolicyOf("[{definition: private-link}, {definition: dedicated-data-endpoints}]");
  const ComplianceStates states = StatesOf(ComplianceState::kNonCompliant);
  const Verdict with = Judge(Contoso(), policy, nullptr, base::Time(), HiddenMembers::kUnknown, &states);
  EXPECT_EQ(with.at(0).result, FindingResult::kCompliant);
  EXPECT_THAT(with.at(0).evidence, IsEmpty());
  EXPECT_EQ(with.at(0).last_compliant, kObserved);
  ASSERT_TRUE(with.at(0).azure);
  EXPECT_EQ(with.at(0).azure->state, ComplianceState::kNonCompliant);
  EXPECT_EQ(with.at(0).azure->time, kEvaluated);
  EXPECT_EQ(with.at(1).azure, std::nullopt) << "Azure has no such definition";
  EXPECT_EQ(FindingBy(policy, nullptr).azure, std::nullopt);
}

TEST(ComplianceState, DisagreesWhereOneSaysCompliantAndTheOtherNonCompliant) {
  const auto disagrees = [](FindingResult result, std::optional<ComplianceState> state) {
    Finding finding;
    finding.result = result;
    if (state) {
      finding.azure = ComplianceOpinion{*state, kEvaluated};
    }
    return DisagreesWithAzure(finding);
  };
  EXPECT_TRUE(disagrees(FindingResult::kCompliant, ComplianceState::kNonCompliant));
  EXPECT_TRUE(disagrees(FindingResult::kNonCompliant, ComplianceState::kCompliant));
  EXPECT_FALSE(disagrees(FindingResult::kCompliant, ComplianceState::kCompliant));
  EXPECT_FALSE(disagrees(FindingResult::kNonCompliant, ComplianceState::kNonCompliant));
  EXPECT_FALSE(disagrees(FindingResult::kNonCompliant, std::nullopt));
  EXPECT_FALSE(disagrees(FindingResult::kUnknown, ComplianceState::kCompliant));
  for (const ComplianceState state : {ComplianceState::kExempt, ComplianceState::kConflicting, ComplianceState::kOther}) {
    EXPECT_FALSE(disagrees(FindingResult::kNonCompliant, state));
  }
}

TEST(AzurePolicySource, CompliantIsCompliantSinceAzureWasAsked) {
  const Finding finding = ByAzure(ComplianceState::kCompliant);
  EXPECT_EQ(finding.result, FindingResult::kCompliant);
  EXPECT_EQ(finding.source, FindingSource::kAzurePolicy);
  EXPECT_EQ(finding.reason, "");
  EXPECT_EQ(finding.last_compliant, kAsked);
}

TEST(AzurePolicySource, NonCompliantIsNonCompliantWhateverTheRegistryIs) {
  const Finding finding = ByAzure(ComplianceState::kNonCompliant);
  EXPECT_EQ(finding.result, FindingResult::kNonCompliant);
  ASSERT_EQ(finding.evidence.size(), 1U);
  EXPECT_EQ(finding.evidence[0].field, "Azure Policy compliance state");
  EXPECT_EQ(finding.evidence[0].actual, "\"NonCompliant\"");
  EXPECT_EQ(finding.evidence[0].expected, "Compliant");
  EXPECT_THAT(finding.remedy, HasSubstr("az "));
  EXPECT_FALSE(DisagreesWithAzure(finding));
}

TEST(AzurePolicySource, AnExemptionOfAzuresIsCompliantAndSaysSo) {
  const Finding finding = ByAzure(ComplianceState::kExempt);
  EXPECT_EQ(finding.result, FindingResult::kCompliant);
  EXPECT_EQ(finding.reason, "exempt in Azure Policy");
}

TEST(AzurePolicySource, AnythingElseIsUnknownAndSaysWhy) {
  const std::vector<std::pair<std::optional<ComplianceState>, std::string>> reasons = {
      {std::nullopt, "Azure Policy has no state of it: the definition is not assigned there"},
      {ComplianceState::kConflicting, "its state there is Conflicting"},
      {ComplianceState::kOther, "none of Compliant, NonCompliant and Exempt"}};
  for (const auto& [state, reason] : reasons) {
    const Finding finding = ByAzure(state);
    EXPECT_EQ(finding.result, FindingResult::kUnknown) << reason;
    EXPECT_THAT(finding.reason, HasSubstr(reason));
    EXPECT_THAT(finding.evidence, IsEmpty());
    EXPECT_EQ(finding.last_compliant, std::nullopt);
  }
}

TEST(AzurePolicySource, IsUnknownWhereStatesAreNotReadOrNotYet) {
  const Finding not_yet = FindingBy(PolicyOf("[{definition: private-link, source: azurePolicy}]"), nullptr);
  EXPECT_EQ(not_yet.result, FindingResult::kUnknown);
  EXPECT_THAT(not_yet.reason, HasSubstr("have not been read yet"));
  const Finding off = FindingBy(PolicyOf("[{definition: private-link, source: azurePolicy}]", false), nullptr);
  EXPECT_EQ(off.result, FindingResult::kUnknown);
  EXPECT_THAT(off.reason, HasSubstr("inventory.complianceStates is not true"));
}

TEST(AzurePolicySource, FindsTheDefinitionByItsIdInAnyCase) {
  auto definition = std::make_shared<Definition>(*DefinitionSet::WithBuiltIns().Find("private-link"));
  definition->id = "/providers/Microsoft.Authorization/policyDefinitions/E8EEF0A8-67CF-4EB4-9386-14B0E78733D4";
  Policy policy = PolicyOf("[{definition: private-link, source: azurePolicy}]");
  policy.requirements[0].definition = definition;
  const ComplianceStates states = StatesOf(ComplianceState::kCompliant);
  EXPECT_EQ(FindingBy(policy, &states).result, FindingResult::kCompliant);
}

// Whoever may define policies in a subscription chooses their names, and could speak for this one.
TEST(AzurePolicySource, ADefinitionOfTheSameNameInASubscriptionIsAnotherOne) {
  const ComplianceStates states{kAsked, {{std::string("/subscriptions/s") + kPrivateLink, {ComplianceState::kCompliant, kEvaluated}}}};
  const Finding finding = FindingBy(PolicyOf("[{definition: private-link, source: azurePolicy}]"), &states);
  EXPECT_EQ(finding.result, FindingResult::kUnknown);
  EXPECT_EQ(finding.azure, std::nullopt);
}

}  // namespace
}  // namespace policy
