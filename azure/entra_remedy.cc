#include "azure/entra_remedy.h"

#include <algorithm>
#include <array>

namespace azure {
namespace {

struct Remedy {
  std::string_view number;
  std::string_view text;
};

constexpr std::string_view kFederation =
    "give the identity a federated credential whose issuer is the cluster's OIDC issuer, whose subject is "
    "system:serviceaccount:<namespace>:<service account> and whose audience is api://AzureADTokenExchange "
    "(`az identity federated-credential create`); a new one takes some minutes to work";
constexpr std::string_view kSecret =
    "make a new secret (`az ad app credential reset --append`) and put its value, not its id, into the secret file";
constexpr std::string_view kCertificate =
    "register the certificate with the application (`az ad app credential reset --append --cert`) and see that it has not expired";
constexpr std::string_view kTenant =
    "check the tenant id (`az account show --query tenantId`) and that the configured cloud is the tenant's";
constexpr std::string_view kApplication =
    "check the client id, and that it is the identity's client id, not its object id, and of this tenant";
constexpr std::string_view kClock =
    "check this machine's clock; a federated token that has expired is one that the kubelet no longer renews";

// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
constexpr std::array kRemedies = {
    Remedy{"50034", kApplication},
    Remedy{"50196", "something starts this program over and over: Entra asks it to pause"},
    Remedy{"53003", "a Conditional Access policy for workload identities blocks it: see the service principal's sign-in log"},
    Remedy{"700016", kApplication},
    Remedy{"70021", kFederation},
    Remedy{"700211", kFederation},
    Remedy{"700212", kFederation},
    Remedy{"700213", kFederation},
    Remedy{"700024", kClock},
    Remedy{"70025", kFederation},
    Remedy{"700027", kCertificate},
    Remedy{"7000112", "the application is disabled: enable it in Entra"},
    Remedy{"7000215", kSecret},
    Remedy{"7000222", kSecret},
    Remedy{"7000229", "the application has no service principal in this tenant: `az ad sp create --id <client id>`"},
    Remedy{"90002", kTenant},
    Remedy{"900023", kTenant},
};

}  // namespace

std::string EntraRemedy(std::string_view code) {
  constexpr std::string_view kPrefix = "AADSTS";
  if (!code.starts_with(kPrefix)) {
    return {};
  }
  const std::string_view number = code.substr(kPrefix.size());
  if (number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos) {
    return {};  // from outside: not to be made part of an address
  }
  const auto* const known = std::find_if(kRemedies.begin(), kRemedies.end(), [&](const Remedy& remedy) { return remedy.number == number; });
  return known != kRemedies.end() ? std::string(known->text) : "see https://login.microsoftonline.com/error?code=" + std::string(number);
}

}  // namespace azure
