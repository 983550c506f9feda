// What it costs to judge registries: 50 definitions over 10,000 registries is what a large tenant has.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "policy/policy.h"
#include "tests/support/fake_clock.h"
#include "tests/support/registry_bodies.h"

namespace {

using nlohmann::json;

constexpr std::size_t kRegistries = 10'000;
constexpr std::size_t kDefinitions = 50;

// As security teams write them: tags, locations, network rules, names, and functions over them.
constexpr std::array kRules = {
    R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"}, {"field": "tags['team']", "exists": "false"}]})",
    R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
                  {"field": "location", "notIn": ["westeurope", "northeurope", "swedencentral", "global"]}]})",
    R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
                  {"count": {"field": "Microsoft.ContainerRegistry/registries/networkRuleSet.ipRules[*]",
                             "where": {"value": "[ipRangeContains('10.0.0.0/8', current())]", "equals": false}}, "greater": 20}]})",
    R"({"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
                  {"value": "[toLower(concat(field('name'), '-', field('location')))]", "like": "prod*"}]})",
    R"({"anyOf": [{"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
                             {"field": "Microsoft.ContainerRegistry/registries/sku.name", "notEquals": "Premium"}]},
                  {"allOf": [{"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
                             {"field": "Microsoft.ContainerRegistry/registries/policies.retentionPolicy.status", "equals": "enabled"},
                             {"field": "Microsoft.ContainerRegistry/registries/policies.retentionPolicy.days", "less": 7}]}]})",
};

policy::Policy FiftyRequirements() {
  policy::Policy policy;
  const auto& built_in = policy::BuiltInDefinitions();
  for (std::size_t i = 0; i < kDefinitions; ++i) {
    policy::Requirement requirement;
    requirement.name = "requirement-" + std::to_string(i);
    if (i % 2 == 0) {
      requirement.definition = built_in[i / 2 % built_in.size()];
    } else {
      const json file = {{"mode", "Indexed"},
                         {"policyRule", {{"if", json::parse(kRules[i / 2 % kRules.size()])}, {"then", {{"effect", "audit"}}}}}};
      auto definition = policy::ParseDefinition(file.dump(), "definition.json", requirement.name);
      if (!definition) {
        std::cerr << definition.error().ToString() << '\n';
        std::exit(1);  // NOLINT(concurrency-mt-unsafe): no other thread runs
      }
      requirement.definition = *std::move(definition);
    }
    requirement.parameters = policy::BindParameters(*requirement.definition, json::object()).value_or(json::object());
    policy.requirements.push_back(std::move(requirement));
  }
  return policy;
}

std::vector<policy::Registry> Registries(std::size_t count, base::Time observed) {
  const std::array<json, 6> wrong = {json::object(),
                                     support::WithoutCustomerManagedKey(),
                                     support::WithOpenNetwork(),
                                     support::WithoutPrivateEndpoint(),
                                     support::WithoutDataEndpoint(),
                                     support::WithAdminUser()};
  std::vector<policy::Registry> registries;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = "registry" + std::to_string(i);
    const json body = support::RegistryBody("sub-" + std::to_string(i % 300), "rg", name, wrong[i % wrong.size()]);
    registries.push_back({name + ".azurecr.io", name, body["id"], observed, body.dump()});
  }
  return registries;
}

// All registries by all definitions, from the text that ARM sent to the findings.
void JudgeAll(benchmark::State& state) {
  const policy::Policy policy = FiftyRequirements();
  const support::FakeClock clock;
  const std::vector<policy::Registry> registries = Registries(kRegistries, clock.Now());
  std::size_t non_compliant = 0;
  for (auto _ : state) {
    non_compliant = 0;
    for (const policy::Registry& registry : registries) {
      for (const policy::Finding& finding : policy::Judge(registry, policy, nullptr, clock.Now())) {
        non_compliant += finding.result == policy::FindingResult::kNonCompliant ? 1 : 0;
      }
    }
  }
  state.counters["non-compliant"] = static_cast<double>(non_compliant);
}
BENCHMARK(JudgeAll)->Unit(benchmark::kMillisecond);

// A definition is read once, when its file changes.
void ReadDefinition(benchmark::State& state) {
  const json file = {{"mode", "Indexed"}, {"policyRule", {{"if", json::parse(kRules.back())}, {"then", {{"effect", "audit"}}}}}};
  const std::string text = file.dump();
  for (auto _ : state) {
    benchmark::DoNotOptimize(policy::ParseDefinition(text, "definition.json", "definition"));
  }
}
BENCHMARK(ReadDefinition)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
