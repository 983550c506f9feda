// The `inventory` section of the configuration file: where the registries come from.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "azure/cloud.h"
#include "azure/credential.h"
#include "azure/registry_reader.h"
#include "base/problem.h"
#include "base/yaml.h"

namespace cli {

enum class InventorySource { kFile, kAzure };

// One identity that reads registries, and where it looks.
struct AzureIdentity {
  azure::CredentialOptions credential;
  azure::Scope scope;
};

// Paths as in Config.
struct InventoryConfig {
  InventorySource source = InventorySource::kFile;
  std::string saved;                                            // "": what was read is not kept for a restart
  std::chrono::microseconds refresh = std::chrono::seconds(2);  // the source is read, or the file looked at, so often; kAzure: 60 s
  std::chrono::microseconds prime_timeout = std::chrono::seconds(30);

  // Of kFile.
  std::string file;

  // Of kAzure.
  azure::Cloud cloud;
  std::string api_version{azure::kRegistryApiVersion};  // of registries
  std::string ca;                                       // "": the system's certificate authorities alone
  std::chrono::microseconds discovery = std::chrono::minutes(10);
  bool compliance_states = false;         // Azure Policy's states are read too
  std::vector<AzureIdentity> identities;  // one at least
};

// Each identity has tokens, a throttle and a share of the refresh threads of its own.
inline constexpr std::size_t kMaxIdentities = 16;

// Of each of an identity's lists. A directory holds at most so many management groups; who has more subscriptions names these.
// https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
inline constexpr std::size_t kMaxScopeMembers = 10'000;

// Every decision compares with each.
inline constexpr std::size_t kMaxRegistrySuffixes = 16;

// `node` is the section, `file` and `folder` are the configuration file's. Whether the files can be read, and whether the
// credentials are complete, is found where they are used.
InventoryConfig ReadInventory(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder,
                              base::Problems& problems);

// The files that the inventory is read from or with, each with its key: "inventory.azure[0].credential.clientSecretFile".
std::vector<std::pair<std::string, std::string>> FilesOf(const InventoryConfig& inventory);

}  // namespace cli
