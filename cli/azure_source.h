// Azure as the source of registries, put together by the configuration: one client, and for each identity its tokens and its
// readers.
#pragma once

#include <memory>
#include <vector>

#include "azure/arm.h"
#include "azure/credential.h"
#include "azure/interrupt.h"
#include "azure/live_inventory.h"
#include "azure/policy_states.h"
#include "azure/registry_reader.h"
#include "azure/token_cache.h"
#include "base/clock.h"
#include "base/result.h"
#include "cli/inventory_config.h"
#include "http/network_client.h"

namespace cli {

// Safe for concurrent use.
class AzureSource {
 public:
  // Sends nothing yet. An error names the identity whose settings are incomplete. `clock` must outlive it.
  static base::Result<std::unique_ptr<AzureSource>> Create(const InventoryConfig& inventory, const azure::Environment& environment,
                                                           const base::Clock& clock);
  AzureSource(const AzureSource&) = delete;
  AzureSource& operator=(const AzureSource&) = delete;

  // Valid as long as this.
  std::vector<azure::LiveInventory::Source> sources() const;

  // Of each identity, for what is no inventory. Valid as long as this.
  std::vector<azure::Arm*> arms() const;

  // Of all identities together.
  azure::Arm::Counters counters() const;

  bool Wait(std::chrono::milliseconds duration) { return interrupt_.Wait(duration); }
  // For the end of the program: every call to Azure that runs, or comes later, fails at once.
  void Interrupt();

 private:
  struct Identity {
    azure::Scope scope;
    std::unique_ptr<azure::TokenCache> tokens;
    std::unique_ptr<azure::Arm> arm;
    std::unique_ptr<azure::RegistryReader> reader;
    azure::StatesReader states;  // null: not read
  };

  AzureSource() = default;

  azure::Interrupt interrupt_;
  std::unique_ptr<http::NetworkClient> client_;
  std::vector<Identity> identities_;  // destroyed before what they use
};

}  // namespace cli
