// The HTTP client that Azure and Entra are asked with.
#pragma once

#include <memory>

#include "azure/credential.h"
#include "base/clock.h"
#include "base/result.h"
#include "cli/inventory_config.h"
#include "http/network_client.h"

namespace cli {

// Through the proxies that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, upper-case before lower-case, as Go's
// programs read them), believing the system's certificate authorities and those of `inventory.ca`. Opens no socket before
// it is asked to send. `clock` must outlive the client.
base::Result<std::unique_ptr<http::NetworkClient>> MakeAzureClient(const InventoryConfig& inventory, const azure::Environment& environment,
                                                                   const base::Clock& clock);

}  // namespace cli
