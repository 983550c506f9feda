#include "cli/gauges.h"

#include <map>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace cli {
namespace {

policy::Finding FindingOf(const std::string& requirement, policy::FindingResult result) {
  policy::Finding finding;
  finding.requirement = requirement;
  finding.result = result;
  return finding;
}

state::State StateWith(const std::vector<policy::FindingResult>& results) {
  auto policy = std::make_shared<policy::Policy>();
  policy->requirements.push_back({"private-link", nullptr, {}, policy::Effect::kDeny});
  policy->requirements.push_back({"premium-sku", nullptr, {}, policy::Effect::kDisabled});
  state::State state;
  state.policy = policy;
  for (const policy::FindingResult result : results) {
    auto facts = std::make_shared<policy::RegistryFacts>();
    facts->registry.login_server = "r" + std::to_string(state.facts.size()) + ".azurecr.io";
    facts->verdict = {FindingOf("private-link", result)};
    state.facts.Add(facts);
  }
  return state;
}

TEST(Gauges, CountRegistriesByRequirementAndResultAlsoWhereThereAreNone) {
  const state::State state =
      StateWith({policy::FindingResult::kCompliant, policy::FindingResult::kCompliant, policy::FindingResult::kUnknown});
  webhook::Gauges gauges;
  FillGauges(&state, {}, nullptr, {}, gauges);
  ASSERT_EQ(gauges.compliance.size(), 3U);
  for (const auto& series : gauges.compliance) {
    EXPECT_EQ(series.requirement, "private-link");
    const std::size_t expected = series.result == policy::FindingResult::kCompliant ? 2
                                 : series.result == policy::FindingResult::kUnknown ? 1
                                                                                    : 0;
    EXPECT_EQ(series.registries, expected) << policy::ToString(series.result);
  }
}

TEST(Gauges, TellWhatReadingAzureCostsAndBrings) {
  azure::LiveInventory::Status status;
  status.reads[{"list", "ok"}] = 7;
  status.subscriptions = 3;
  status.failing = 1;
  status.confirmations.queued = 5;
  status.confirmations.limited = 2;
  azure::Arm::Counters calls;
  calls.requests = 9;
  const webhook::Gauges::Azure gauges = AzureGauges(status, calls);
  EXPECT_EQ(gauges.requests, 9u);
  ASSERT_EQ(gauges.reads.size(), 1u);
  EXPECT_EQ(gauges.reads[0].read, "list");
  EXPECT_EQ(gauges.reads[0].count, 7u);
  EXPECT_EQ(gauges.subscriptions_failing, 1u);
  std::map<std::string_view, std::uint64_t> hosts;
  for (const auto& host : gauges.hosts) {
    hosts[host.outcome] = host.count;
  }
  EXPECT_EQ(hosts["queued"], 5u);
  EXPECT_EQ(hosts["limited"], 2u);
}

TEST(Gauges, CountDisagreementsWithAzurePolicyWhereItsStatesAreRead) {
  auto policy = std::make_shared<policy::Policy>();
  const policy::DefinitionSet definitions = policy::DefinitionSet::WithBuiltIns();
  for (const char* name : {"private-link", "zone-redundant", "premium-sku", "dedicated-data-endpoints", "export-disabled"}) {
    policy->requirements.push_back({name, definitions.Find(name), {}, policy::Effect::kDeny});
  }
  policy->requirements[2].effect = policy::Effect::kDisabled;
  policy->requirements[4].source = policy::FindingSource::kAzurePolicy;
  state::State state = StateWith({policy::FindingResult::kCompliant});
  auto contoso = std::make_shared<policy::RegistryFacts>();
  contoso->registry.login_server = "contoso.azurecr.io";
  contoso->verdict = {FindingOf("private-link", policy::FindingResult::kCompliant)};
  contoso->verdict[0].azure = policy::ComplianceOpinion{policy::ComplianceState::kNonCompliant, {}};
  state.facts.Add(contoso);
  state.policy = policy;
  webhook::Gauges off;
  FillGauges(&state, {}, nullptr, {}, off);
  EXPECT_TRUE(off.disagreements.empty());

  policy->compliance_states = true;
  webhook::Gauges on;
  FillGauges(&state, {}, nullptr, {}, on);
  ASSERT_EQ(on.disagreements.size(), 2U);
  EXPECT_EQ(on.disagreements[0].requirement, "private-link");
  EXPECT_EQ(on.disagreements[0].registries, 1U);
  EXPECT_EQ(on.disagreements[1].requirement, "zone-redundant");
  EXPECT_EQ(on.disagreements[1].registries, 0U);
}

TEST(Gauges, TellHowOldTheInventoryIsOnceThereIsOne) {
  const support::FakeClock clock;
  state::Status status;
  webhook::Gauges before;
  FillGauges(nullptr, status, nullptr, clock.Now(), before);
  EXPECT_FALSE(before.inventory_age_seconds);
  EXPECT_FALSE(before.inventory_primed);

  status.primed = true;
  status.registries = 7;
  status.inventory_observed = clock.Now() - std::chrono::seconds(90);
  status.inventory_problem = "bad";
  webhook::Gauges after;
  FillGauges(nullptr, status, nullptr, clock.Now(), after);
  EXPECT_DOUBLE_EQ(after.inventory_age_seconds.value(), 90.0);
  EXPECT_EQ(after.registries, 7U);
  EXPECT_TRUE(after.inventory_stale);
  EXPECT_FALSE(after.policy_stale);
}

TEST(Gauges, TellWhenTheCertificateEnds) {
  certs::Identity identity;
  identity.not_after = base::Time(std::chrono::seconds(1'800'000'000));
  webhook::Gauges gauges;
  FillGauges(nullptr, {}, &identity, {}, gauges);
  EXPECT_DOUBLE_EQ(gauges.certificate_not_after_seconds.value(), 1.8e9);
}

TEST(Gauges, TellThatTheLastGoodPolicyIsInForce) {
  state::Status status;
  webhook::Gauges gauges;
  FillGauges(nullptr, status, nullptr, {}, gauges);
  EXPECT_FALSE(gauges.policy_last_good);
  status.policy_problem = "policy.yaml:1:1: bad";
  status.policy_last_good = true;
  FillGauges(nullptr, status, nullptr, {}, gauges);
  EXPECT_TRUE(gauges.policy_last_good);
  EXPECT_TRUE(gauges.policy_stale);
}

TEST(Gauges, TellHowRecordsGetOnToPostgresql) {
  AuditForwarding::Status status;
  status.rows = 5;
  status.failures = 2;
  status.refused = 1;
  EXPECT_FALSE(ForwardingGauges(status, {}).last_success_seconds);
  status.last_success = base::Time(std::chrono::seconds(17));
  const webhook::Gauges::Forwarding gauges = ForwardingGauges(status, {.waiting = 4, .lost = 3});
  EXPECT_EQ(gauges.rows, 5u);
  EXPECT_EQ(gauges.failures, 2u);
  EXPECT_EQ(gauges.waiting, 4);
  EXPECT_EQ(gauges.lost, 4u);
  EXPECT_EQ(gauges.last_success_seconds, 17.0);
}

}  // namespace
}  // namespace cli
