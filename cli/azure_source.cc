#include "cli/azure_source.h"

#include <string>
#include <utility>

#include "cli/azure_client.h"

namespace cli {

base::Result<std::unique_ptr<AzureSource>> AzureSource::Create(const InventoryConfig& inventory, const azure::Environment& environment,
                                                               const base::Clock& clock) {
  std::unique_ptr<AzureSource> source(new AzureSource());
  auto client = MakeAzureClient(inventory, environment, clock);
  if (!client) {
    return tl::unexpected(std::move(client.error()));
  }
  source->client_ = std::move(*client);
  azure::Interrupt& interrupt = source->interrupt_;
  const azure::Wait wait = [&interrupt](std::chrono::milliseconds duration) { return interrupt.Wait(duration); };
  const auto suffixes = policy::RegistrySuffixes().With(inventory.cloud.registry_suffixes);
  for (std::size_t i = 0; i < inventory.identities.size(); ++i) {
    auto tokens = azure::MakeTokenSource(inventory.identities[i].credential, environment, inventory.cloud, *source->client_, clock, wait);
    if (!tokens) {
      base::Error error = std::move(tokens.error());
      error.message = "inventory.azure[" + std::to_string(i) + "].credential: " + error.message;
      return tl::unexpected(std::move(error));
    }
    Identity identity;
    identity.scope = inventory.identities[i].scope;
    identity.tokens = std::make_unique<azure::TokenCache>(std::move(*tokens), clock);
    identity.arm = std::make_unique<azure::Arm>(inventory.cloud, *identity.tokens, *source->client_, clock);
    const azure::Pause pause = [&interrupt](std::chrono::milliseconds duration) { interrupt.Wait(duration); };
    identity.reader = azure::MakeRegistryReader(*identity.arm, clock, inventory.api_version, pause, suffixes);
    if (inventory.compliance_states) {
      identity.states = azure::MakeStatesReader(*identity.arm, clock, pause);
    }
    source->identities_.push_back(std::move(identity));
  }
  return source;
}

std::vector<azure::LiveInventory::Source> AzureSource::sources() const {
  std::vector<azure::LiveInventory::Source> sources;
  for (const Identity& identity : identities_) {
    sources.push_back({identity.arm->Identity(), identity.scope, identity.reader.get(), identity.states});
  }
  return sources;
}

std::vector<azure::Arm*> AzureSource::arms() const {
  std::vector<azure::Arm*> arms;
  for (const Identity& identity : identities_) {
    arms.push_back(identity.arm.get());
  }
  return arms;
}

azure::Arm::Counters AzureSource::counters() const {
  azure::Arm::Counters sum;
  for (const Identity& identity : identities_) {
    const azure::Arm::Counters one = identity.arm->counters();
    sum.requests += one.requests;
    sum.throttled += one.throttled;
    sum.failed += one.failed;
    sum.held_back += one.held_back;
  }
  return sum;
}

void AzureSource::Interrupt() {
  interrupt_.Set();
  client_->Stop();
}

}  // namespace cli
