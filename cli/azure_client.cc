#include "cli/azure_client.h"

#include <utility>

#include "cli/environment.h"
#include "cli/version.h"

namespace cli {

base::Result<std::unique_ptr<http::NetworkClient>> MakeAzureClient(const InventoryConfig& inventory, const azure::Environment& environment,
                                                                   const base::Clock& clock) {
  http::NetworkClientOptions options;
  options.version = kVersion;
  options.tls.ca_file = inventory.ca;
  options.proxy = ProxiesOf(environment);
  return http::NetworkClient::Create(std::move(options), clock);
}

}  // namespace cli
