// The `inventory` section of a configuration file that reads the fake Azure.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/azure_login.h"
#include "tests/support/fake_azure_server.h"
#include "tests/support/temp_folder.h"

namespace support {

// Writes what it names into `folder`, which is to be the configuration's: ca.crt, secret and token. `credential` is the
// configuration's, without tenant and client.
inline std::string AzureInventory(const FakeAzureServer& server, const AzureApplication& application, const TempFolder& folder,
                                  const std::string& credential = "kind: clientSecret, clientSecretFile: secret",
                                  const std::string& scope = "{}") {
  folder.Write("ca.crt", server.ca_pem());
  folder.Write("secret", application.client_secret);
  folder.Write("token", application.federated_token);
  return "inventory:\n  source: azure\n  ca: ca.crt\n  saved: inventory.saved\n  cloud: {name: FakeCloud, resourceManager: \"" +
         server.Origin() + "\", authority: \"" + server.Origin() + "\", registrySuffixes: [azurecr.io]}\n  azure:\n" +
         "    - credential: {tenantId: " + application.tenant_id + ", clientId: " + application.client_id + ", " + credential + "}\n" +
         "      scope: " + scope + "\n";
}

}  // namespace support
