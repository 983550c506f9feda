#include "azure/credential.h"

#include <utility>

#include "azure/client_certificate.h"
#include "azure/client_secret.h"
#include "azure/credential_settings.h"
#include "azure/entra_source.h"
#include "azure/managed_identity.h"
#include "azure/workload_identity.h"
#include "base/text.h"
#include "http/url.h"

namespace azure {
namespace {

using base::ErrorCode;
using Source = base::Result<std::unique_ptr<TokenSource>>;

// A cluster of another cloud than the configured one says so by the login service that it injects. Other hosts than a known
// cloud's own are that cloud's under another name.
base::Result<void> CheckAuthority(const Environment& environment, const Cloud& cloud) {
  std::string told = base::AsciiLower(environment("AZURE_AUTHORITY_HOST").value_or(""));
  told.erase(told.find_last_not_of('/') + 1);
  for (const char* const name : {"AzureCloud", "AzureUSGovernment", "AzureChinaCloud"}) {
    if (const auto known = FindCloud(name); known && known->authority == told && told != cloud.authority) {
      return base::Fail(ErrorCode::kInvalidArgument,
                        "AZURE_AUTHORITY_HOST is that of " + known->name + ", and the configured cloud is " + cloud.name,
                        "configure the cloud " + known->name);
    }
  }
  return {};
}

Prove ProofOf(CredentialKind kind, const CredentialSettings& settings, const EntraClient& client, const Cloud& cloud,
              const base::Clock& clock) {
  if (kind == CredentialKind::kWorkloadIdentity) {
    return FederatedToken(settings.federated_token_file.value);
  }
  if (kind == CredentialKind::kClientCertificate) {
    return ClientCertificate(settings.client_certificate_file.value, TokenUrl(cloud, client), client.client_id, clock);
  }
  const std::string& file = settings.client_secret_file.value;
  return file.empty() ? ClientSecretText(settings.client_secret.value) : ClientSecretFile(file);
}

Source MakeEntraSource(const EntraKind& kind, const CredentialSettings& settings, const Environment& environment, const Cloud& cloud,
                       http::Client& http, const base::Clock& clock) {
  if (!kind.IsComplete()) {
    return tl::unexpected(Incomplete(kind));
  }
  for (const auto& checked : {CheckId(settings.tenant_id), CheckId(settings.client_id), CheckAuthority(environment, cloud)}) {
    if (!checked) {
      return tl::unexpected(checked.error());
    }
  }
  const EntraClient client{settings.tenant_id.value, settings.client_id.value};
  return std::make_unique<EntraSource>(std::string(kind.name), client, cloud, ProofOf(kind.kind, settings, client, cloud, clock), http,
                                       clock);
}

base::Result<MetadataService> FindMetadataService(const CredentialSettings& settings, const Environment& environment) {
  if (settings.HasIdentityEndpoint()) {
    if (!http::ParseUrl(settings.identity_endpoint.value)) {
      return base::Fail(ErrorCode::kInvalidArgument, "IDENTITY_ENDPOINT is no URL", "the platform sets it: see that nothing else does");
    }
    return AppServiceMetadata(settings.identity_endpoint.value, settings.identity_header.value);
  }
  std::string host = environment("AZURE_POD_IDENTITY_AUTHORITY_HOST").value_or("");
  host.erase(host.find_last_not_of('/') + 1);
  if (host.empty()) {
    host = "http://169.254.169.254";
  } else if (!http::ParseUrl(host)) {
    return base::Fail(ErrorCode::kInvalidArgument, "AZURE_POD_IDENTITY_AUTHORITY_HOST is no URL",
                      "write it as http://169.254.169.254, or unset it");
  }
  return InstanceMetadata(host);
}

// What auto adds when IMDS, its last resort, does not answer.
std::string WhyNoOther(const std::vector<EntraKind>& kinds) {
  std::string text;
  for (const EntraKind& kind : kinds) {
    text += (text.empty() ? "; it was asked because no other credential is complete: " : ", ") + std::string(kind.name) + " has " +
            kind.Missing();
  }
  return text;
}

}  // namespace

Source MakeTokenSource(const CredentialOptions& options, const Environment& environment, const Cloud& cloud, http::Client& client,
                       const base::Clock& clock, Wait wait) {
  const CredentialSettings settings = ResolveSettings(options, environment);
  const std::vector<EntraKind> kinds = EntraKinds(settings);
  const bool automatic = options.kind == CredentialKind::kAuto;
  for (const EntraKind& kind : kinds) {
    const bool in_turn = kind.kind == CredentialKind::kWorkloadIdentity || !settings.HasIdentityEndpoint();
    if (kind.kind == options.kind || (automatic && in_turn && kind.IsComplete())) {
      return MakeEntraSource(kind, settings, environment, cloud, client, clock);
    }
  }
  Setting client_id = settings.client_id;
  if (!automatic) {
    client_id.value = options.client_id;  // AZURE_CLIENT_ID may be another credential's
  }
  if (auto checked = client_id.value.empty() ? base::Result<void>() : CheckId(client_id); !checked) {
    return tl::unexpected(std::move(checked.error()));
  }
  auto service = FindMetadataService(settings, environment);
  if (!service) {
    return tl::unexpected(std::move(service.error()));
  }
  if (automatic && !settings.HasIdentityEndpoint()) {
    service->unreachable += WhyNoOther(kinds);
  }
  return std::make_unique<ManagedIdentity>(*std::move(service), client_id.value, client, clock, std::move(wait));
}

}  // namespace azure
