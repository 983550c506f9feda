// Azure's clouds: where Resource Manager and the login service are, and under which suffix registries answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace azure {

// Immutable. URLs are https, without a slash at the end.
struct Cloud {
  std::string name;                            // "AzureCloud"
  std::string resource_manager;                // "https://management.azure.com"; also the scope's base
  std::string authority;                       // "https://login.microsoftonline.com"
  std::vector<std::string> registry_suffixes;  // "azurecr.io"
};

// AzureCloud, AzureUSGovernment, AzureChinaCloud, by Azure's own names, case ignored.
base::Result<Cloud> FindCloud(std::string_view name);

// A custom cloud's URLs and suffixes, checked.
base::Result<Cloud> CheckCloud(Cloud cloud);

}  // namespace azure
