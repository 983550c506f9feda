#include "cli/gauges.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <string_view>

namespace cli {
namespace {

double Seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

constexpr std::array kResults = {policy::FindingResult::kCompliant, policy::FindingResult::kNonCompliant, policy::FindingResult::kUnknown};

// Every requirement with every result, also at nought: a series that comes and goes cannot be alerted on.
std::vector<webhook::Gauges::Compliance> CountCompliance(const state::State& state) {
  std::map<std::string_view, std::map<policy::FindingResult, std::size_t>> counts;
  for (const policy::Requirement& requirement : state.policy->requirements) {
    if (requirement.effect != policy::Effect::kDisabled) {
      counts[requirement.name];
    }
  }
  for (const auto& facts : state.facts.Sorted()) {
    for (const policy::Finding& finding : facts->verdict) {
      ++counts[finding.requirement][finding.result];
    }
  }
  std::vector<webhook::Gauges::Compliance> compliance;
  for (auto& [requirement, by_result] : counts) {
    for (const policy::FindingResult result : kResults) {
      compliance.push_back({std::string(requirement), result, by_result[result]});
    }
  }
  return compliance;
}

// None where Azure Policy's states are not read. A requirement that takes its result from there cannot disagree with it.
std::vector<webhook::Gauges::Disagreements> CountDisagreements(const state::State& state) {
  std::vector<webhook::Gauges::Disagreements> disagreements;
  if (!state.policy->compliance_states) {
    return disagreements;
  }
  std::map<std::string_view, std::size_t> counts;
  for (const auto& [login_server, facts] : state.facts) {
    for (const policy::Finding& finding : facts->verdict) {
      counts[finding.requirement] += policy::DisagreesWithAzure(finding) ? 1 : 0;
    }
  }
  for (const policy::Requirement& requirement : state.policy->requirements) {
    const bool has_opinions = requirement.source == policy::FindingSource::kRegistry && !requirement.definition->id.empty();
    if (has_opinions && requirement.effect != policy::Effect::kDisabled) {
      disagreements.push_back({requirement.name, counts[requirement.name]});
    }
  }
  return disagreements;
}

}  // namespace

webhook::Gauges::Forwarding ForwardingGauges(const AuditForwarding::Status& status, const audit::Store::Size& size) {
  webhook::Gauges::Forwarding gauges;
  gauges.rows = status.rows;
  gauges.failures = status.failures;
  gauges.waiting = size.waiting;
  gauges.lost = static_cast<std::uint64_t>(size.lost) + status.refused;
  if (status.last_success) {
    gauges.last_success_seconds = Seconds(status.last_success->time_since_epoch());
  }
  return gauges;
}

webhook::Gauges::Azure AzureGauges(const azure::LiveInventory::Status& status, const azure::Arm::Counters& calls) {
  webhook::Gauges::Azure gauges;
  gauges.requests = calls.requests;
  for (const auto& [key, count] : status.reads) {
    gauges.reads.push_back({key.first, key.second, count});
  }
  gauges.subscriptions = status.subscriptions;
  gauges.subscriptions_failing = status.failing;
  gauges.registries_suspected = status.suspected;
  gauges.registries_forbidden = status.forbidden;
  gauges.registries_children_failing = status.children_failing;
  const azure::Confirmations::Counters& hosts = status.confirmations;
  gauges.hosts = {
      {"queued", hosts.queued}, {"joined", hosts.joined}, {"limited", hosts.limited}, {"absent", hosts.absent}, {"expired", hosts.expired}};
  gauges.hosts_waiting = status.waiting;
  return gauges;
}

void FillGauges(const state::State* current, const state::Status& status, const certs::Identity* identity, base::Time now,
                webhook::Gauges& gauges) {
  gauges.registries = status.registries;
  gauges.inventory_primed = status.primed;
  gauges.inventory_reload_failures = status.inventory_failures;
  gauges.inventory_stale = status.inventory_problem.has_value();
  gauges.policy_reload_failures = status.policy_failures;
  gauges.policy_stale = status.policy_problem.has_value();
  gauges.policy_last_good = status.policy_last_good;
  if (status.primed && status.registries > 0) {
    gauges.inventory_age_seconds = std::max(0.0, Seconds(now - status.inventory_observed));
  }
  if (identity != nullptr) {
    gauges.certificate_not_after_seconds = Seconds(identity->not_after.time_since_epoch());
  }
  if (current != nullptr) {
    gauges.compliance = CountCompliance(*current);
    gauges.disagreements = CountDisagreements(*current);
  }
}

}  // namespace cli
