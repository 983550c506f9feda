// Which registry hosts are Azure Container Registries, and whose login server they stand for.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace policy {

// Suffixes of every known cloud: each is an ACR host everywhere, so that a registry of another cloud is unknown, not
// "some other registry". Source: azure-cli's cloud.py and cloud-provider-azure's credential provider.
inline constexpr std::array<std::string_view, 8> kKnownRegistrySuffixes = {
    "azurecr.io",                 // AzureCloud
    "azurecr.us",                 // AzureUSGovernment
    "azurecr.cn",                 // AzureChinaCloud
    "azurecr.de",                 // AzureGermanCloud, closed
    "azurecr.sovcloud-azure.fr",  // Bleu
    "azurecr.sovcloud-azure.de",  // Delos
    "azurecr.eaglex.ic.gov",      // USNat
    "azurecr.microsoft.scloud",   // USSec
};

// The suffixes under which hosts are registries of Azure's: every known cloud's, and those that a custom cloud brings.
// A value, immutable.
class RegistrySuffixes {
 public:
  RegistrySuffixes() = default;  // the known ones

  // These and `further`: domains in lower case, without a dot before them. What is known already stays what it is, also
  // where a further suffix is its parent.
  RegistrySuffixes With(const std::vector<std::string>& further) const;

  // The one that `host` (in lower case, no port) is or lies under, or "". Valid while this is.
  std::string_view Of(std::string_view host) const;

 private:
  std::vector<std::string> further_;  // the longest first: one may lie under another
};

struct RegistryHost {
  enum class Kind {
    kAcr,      // `login_server` is the registry
    kOther,    // not under a registry suffix
    kInvalid,  // under a registry suffix, but no login server: `error` says why; nothing may be pulled from it
  };
  Kind kind = Kind::kOther;
  std::string login_server;  // "contoso.azurecr.io", also for "contoso.westeurope.geo.azurecr.io"
  std::string error;
};

// `registry` as in ImageReference::registry (folded already).
RegistryHost ClassifyRegistryHost(std::string_view registry, const RegistrySuffixes& suffixes = {});

// Whether the host, port or not, is a registry suffix or lies under one.
bool IsUnderRegistrySuffix(std::string_view registry, const RegistrySuffixes& suffixes = {});

}  // namespace policy
