#include "azure/credential_settings.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace azure {
namespace {

constexpr std::size_t kMaxIdBytes = 253;     // a tenant may be named by a domain
constexpr std::size_t kMaxShownBytes = 200;  // of a setting, in a message

}  // namespace

bool IsEntraId(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= kMaxIdBytes && alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}

CredentialSettings ResolveSettings(const CredentialOptions& options, const Environment& environment) {
  const auto setting = [&](const std::string& option, std::string_view what, std::string_view key, std::string_view variable) {
    std::string value = option.empty() && !variable.empty() ? environment(std::string(variable)).value_or("") : option;
    return Setting{std::move(value), what, key, variable};
  };
  return {
      .tenant_id = setting(options.tenant_id, "tenant id", "tenantId", "AZURE_TENANT_ID"),
      .client_id = setting(options.client_id, "client id", "clientId", "AZURE_CLIENT_ID"),
      .federated_token_file =
          setting(options.federated_token_file, "federated token file", "federatedTokenFile", "AZURE_FEDERATED_TOKEN_FILE"),
      .client_secret_file = setting(options.client_secret_file, "client secret file", "clientSecretFile", ""),
      .client_secret = setting("", "client secret", "clientSecretFile", "AZURE_CLIENT_SECRET"),
      .client_certificate_file =
          setting(options.client_certificate_file, "client certificate file", "clientCertificateFile", "AZURE_CLIENT_CERTIFICATE_PATH"),
      .identity_endpoint = setting("", "identity endpoint", "", "IDENTITY_ENDPOINT"),
      .identity_header = setting("", "identity header", "", "IDENTITY_HEADER"),
  };
}

bool EntraKind::IsComplete() const {
  return std::all_of(needs.begin(), needs.end(), [](const Setting* setting) { return !setting->value.empty(); });
}

std::string EntraKind::Missing() const {
  std::string text;
  for (const Setting* const setting : needs) {
    if (setting->value.empty()) {
      text += (text.empty() ? "no " : " and no ") + std::string(setting->what);
    }
  }
  return text;
}

std::vector<EntraKind> EntraKinds(const CredentialSettings& settings) {
  const Setting* const tenant = &settings.tenant_id;
  const Setting* const client = &settings.client_id;
  const Setting* const secret = settings.client_secret_file.value.empty() ? &settings.client_secret : &settings.client_secret_file;
  return {{CredentialKind::kWorkloadIdentity, "workload identity", {tenant, client, &settings.federated_token_file}},
          {CredentialKind::kClientSecret, "client secret", {tenant, client, secret}},
          {CredentialKind::kClientCertificate, "client certificate", {tenant, client, &settings.client_certificate_file}}};
}

base::Error Incomplete(const EntraKind& kind) {
  std::string remedy;
  for (const Setting* const setting : kind.needs) {
    if (setting->value.empty()) {
      remedy += (remedy.empty() ? "set " : ", and ") + std::string(setting->key) + " or " + std::string(setting->variable);
    }
  }
  if (kind.kind == CredentialKind::kWorkloadIdentity) {
    remedy += "; AKS sets all of them in pods labelled azure.workload.identity/use: \"true\"";
  }
  return {base::ErrorCode::kInvalidArgument, std::string(kind.name) + " has " + kind.Missing(), std::move(remedy)};
}

base::Result<void> CheckId(const Setting& setting) {
  if (IsEntraId(setting.value)) {
    return {};
  }
  return base::Fail(base::ErrorCode::kInvalidArgument,
                    base::Printable(setting.value, kMaxShownBytes) + " is no " + std::string(setting.what),
                    "write " + std::string(setting.key) + " or " + std::string(setting.variable) + " as 8-4-4-4-12 hexadecimal digits");
}

}  // namespace azure
