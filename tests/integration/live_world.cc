#include "tests/integration/live_world.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include <gtest/gtest.h>

#include "azure/cloud.h"
#include "azure/credential.h"
#include "policy/definition.h"
#include "policy/freshness.h"
#include "state/load.h"
#include "state/merge.h"

namespace support {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// What the webhook lets a denial wait.
constexpr seconds kPatience{1};

}  // namespace

LiveWorld::LiveWorld(Options options)
    : azure(clock, options.azure), client(azure, [this](milliseconds time) { clock.Advance(time); }), options_(std::move(options)) {
  SetPolicy(options_.policy.empty() ? std::string(policy::DefaultPolicyText()) : options_.policy);
}

void LiveWorld::SetPolicy(const std::string& text) {
  policy::DefinitionSet definitions = policy::DefinitionSet::WithBuiltIns();
  for (const auto& [name, condition] : options_.definitions) {
    auto definition = policy::ParseDefinition(
        R"({"properties": {"mode": "All", "policyRule": {"if": )" + condition + R"(, "then": {"effect": "audit"}}}})", name + ".json",
        name);
    ASSERT_TRUE(definition) << definition.error().ToString();
    ASSERT_TRUE(definitions.Add(*std::move(definition)));
  }
  auto loaded = policy::LoadPolicy(text, "policy.yaml", definitions, {}, options_.compliance_states);
  ASSERT_TRUE(loaded) << (loaded ? "" : base::ToString(loaded.error()));
  policy = *std::move(loaded);
  std::vector<policy::Registry> registries;
  for (const auto& known : facts->Sorted()) {
    registries.push_back(known->registry);
  }
  facts = std::make_shared<policy::Facts>(
      state::JudgeAll(std::move(registries), *policy, *facts, nullptr, clock.Now(), policy::HiddenMembers::kUnknown));
}

void LiveWorld::Start(policy::Facts saved) {
  const AzureApplication application = TestApplication();
  folder_.Write("secret", application.client_secret);
  azure::CredentialOptions credential;
  credential.kind = azure::CredentialKind::kClientSecret;
  credential.tenant_id = application.tenant_id;
  credential.client_id = application.client_id;
  credential.client_secret_file = folder_ / "secret";
  const azure::Cloud cloud = azure::FindCloud("AzureCloud").value();
  const auto pass = [this](milliseconds time) {
    clock.Advance(time);
    return true;
  };
  auto source = azure::MakeTokenSource(credential, [](const std::string&) { return std::nullopt; }, cloud, client, clock, pass);
  ASSERT_TRUE(source) << source.error().ToString();
  inventory.reset();
  offers_.clear();
  complete = false;
  facts = std::make_shared<policy::Facts>(std::move(saved));
  tokens_ = std::make_unique<azure::TokenCache>(*std::move(source), clock);
  arm_ = std::make_unique<azure::Arm>(cloud, *tokens_, client, clock);
  reader_ = azure::MakeRegistryReader(*arm_, clock, std::string(azure::kRegistryApiVersion), pass);
  azure::LiveInventory::Options options;
  options.registry_suffixes = cloud.registry_suffixes;
  options.seed = options_.seed;
  azure::LiveInventory::Hooks hooks{
      [this](policy::Observations learned, std::function<void()> merged) { offers_.emplace_back(std::move(learned), std::move(merged)); },
      [this] { return facts; }, [this](base::LogLevel, std::string_view message) { logged.emplace_back(message); },
      [this] { return policy::NeededChildKinds(*policy); }};
  inventory = std::make_unique<azure::LiveInventory>(
      options,
      std::vector<azure::LiveInventory::Source>{{arm_->Identity(), options_.scope, reader_.get(),
                                                 options_.compliance_states ? azure::MakeStatesReader(*arm_, clock, pass) : nullptr}},
      std::move(hooks), clock);
  Merge();
}

void LiveWorld::Merge() {
  while (!offers_.empty()) {
    auto [learned, merged] = std::move(offers_.front());
    offers_.pop_front();
    complete = complete || learned.complete;
    facts =
        std::make_shared<policy::Facts>(state::Merge(*facts, std::move(learned), *policy, clock.Now(), policy::HiddenMembers::kUnknown));
    if (on_merge) {
      on_merge();
    }
    if (merged) {
      merged();
    }
  }
}

bool LiveWorld::DoOne() {
  const bool done = inventory->ConfirmOnce() || inventory->RefreshOnce() || inventory->ReadStatesOnce() || inventory->ReadChildrenOnce();
  Merge();
  return done;
}

void LiveWorld::RunFor(std::chrono::microseconds time) {
  const auto end = clock.Monotonic() + time;
  while (clock.Monotonic() < end) {
    if (!DoOne()) {
      const auto next =
          std::min({inventory->NextRefresh(), inventory->NextConfirm(), inventory->NextStates(), inventory->NextChildren(), end});
      clock.Advance(std::max(std::chrono::ceil<std::chrono::microseconds>(next - clock.Monotonic()), std::chrono::microseconds(1)));
    }
  }
}

policy::Decision LiveWorld::Judge(const std::string& image, base::Time now) const {
  policy::Admission admission;  // no decision looks at it again
  policy::ImageUse use;
  use.image = image;
  use.field = {"spec.containers", 0, ".image"};
  admission.images.push_back(use);
  admission.operation = "CREATE";
  admission.namespace_name = "shop";
  return policy::Decide(*policy, *facts, admission, now);
}

policy::DecisionKind LiveWorld::DecideAtOnce(const std::string& image) const { return Judge(image, clock.Now()).kind; }

policy::DecisionKind LiveWorld::Decide(const std::string& image) {
  const std::vector<std::string> hosts = policy::NeedsFresh(Judge(image, clock.Now()), clock.Now());
  if (!hosts.empty()) {
    const auto until = clock.Monotonic() + kPatience;
    const auto done = std::make_shared<bool>(false);
    inventory->Freshen(hosts, until, [done] { *done = true; });
    while (!*done && clock.Monotonic() < until) {
      if (!inventory->ConfirmOnce()) {
        const auto next = std::min(inventory->NextConfirm(), until);
        clock.Advance(std::max(std::chrono::ceil<std::chrono::microseconds>(next - clock.Monotonic()), std::chrono::microseconds(1)));
      }
      Merge();
    }
  }
  return DecideAtOnce(image);
}

std::string TestSubscription(int number) {
  char text[40];
  std::snprintf(text, sizeof text, "%08d-0000-4000-8000-000000000000", number);
  return text;
}

}  // namespace support
