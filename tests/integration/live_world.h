// The product's way from Azure to a decision, in simulated time: credential, tokens, throttle, reader, live inventory, merged
// facts and the default policy are the real ones; Azure is tests/support's, and one thread does what the program's threads do.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "azure/arm.h"
#include "azure/live_inventory.h"
#include "azure/registry_reader.h"
#include "azure/token_cache.h"
#include "policy/decision.h"
#include "policy/observations.h"
#include "policy/policy.h"
#include "tests/support/azure_world_client.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_folder.h"

namespace support {

class LiveWorld {
 public:
  struct Options {
    azure::Scope scope;
    std::string policy = {};  // "": the default policy
    // Further definitions: their name, and what stands in `policyRule.if`.
    std::vector<std::pair<std::string, std::string>> definitions = {};
    std::uint64_t seed = 1;
    AzureSettings azure = {};
    bool compliance_states = false;
  };
  LiveWorld() : LiveWorld(Options()) {}
  explicit LiveWorld(Options options);

  // What `serve` does when it finds another policy.
  void SetPolicy(const std::string& text);
  // As `serve` starts, with what an earlier run left behind.
  void Start(policy::Facts saved = {});
  // Everything that is due happens, until so much time has passed.
  void RunFor(std::chrono::microseconds time);

  // What a Pod with that image gets, as the webhook would have it: a denial that fresher facts could turn waits for them, for
  // at most a second.
  policy::DecisionKind Decide(const std::string& image);
  // The same without waiting.
  policy::DecisionKind DecideAtOnce(const std::string& image) const;

  // Null when it is unknown.
  const policy::RegistryFacts* Find(const std::string& name) const { return facts->Find(name + ".azurecr.io"); }
  std::chrono::microseconds AgeOf(const std::string& name) const { return clock.Now() - Find(name)->registry.observed; }

  FakeClock clock;
  AzureWorld azure;
  AzureWorldClient client;
  std::shared_ptr<const policy::Policy> policy;
  std::shared_ptr<const policy::Facts> facts = std::make_shared<policy::Facts>();
  bool complete = false;
  std::vector<std::string> logged;
  std::function<void()> on_merge;  // after every change of the facts
  std::unique_ptr<azure::LiveInventory> inventory;

 private:
  bool DoOne();
  void Merge();
  policy::Decision Judge(const std::string& image, base::Time now) const;

  const Options options_;
  TempFolder folder_;
  std::unique_ptr<azure::TokenCache> tokens_;
  std::unique_ptr<azure::Arm> arm_;
  std::unique_ptr<azure::RegistryReader> reader_;
  std::deque<std::pair<policy::Observations, std::function<void()>>> offers_;
};

// The n-th subscription.
std::string TestSubscription(int number);

}  // namespace support
