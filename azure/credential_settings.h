// What a credential needs, and where each of it is set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "azure/credential.h"
#include "base/result.h"

namespace azure {

// One value of the configuration or, where that has none, of the environment. "" when neither has it.
struct Setting {
  std::string value;
  std::string_view what, key, variable;  // how messages call it, the configuration's key, the environment's variable
};

struct CredentialSettings {
  Setting tenant_id, client_id, federated_token_file, client_secret_file, client_secret, client_certificate_file;
  Setting identity_endpoint, identity_header;  // the platform's, never configured

  bool HasIdentityEndpoint() const { return !identity_endpoint.value.empty() && !identity_header.value.empty(); }
};

CredentialSettings ResolveSettings(const CredentialOptions& options, const Environment& environment);

// A kind of credential that logs in to Entra itself, and what it cannot do without.
struct EntraKind {
  CredentialKind kind;
  std::string_view name;
  std::vector<const Setting*> needs;

  bool IsComplete() const;
  std::string Missing() const;  // "no tenant id and no client id"
};

// In the order in which they are taken. They refer to `settings`.
std::vector<EntraKind> EntraKinds(const CredentialSettings& settings);

// What is missing, and where to set it.
base::Error Incomplete(const EntraKind& kind);

// Whether the text may be a tenant's or a client's id, which becomes part of URLs and messages.
bool IsEntraId(std::string_view text);
base::Result<void> CheckId(const Setting& setting);

}  // namespace azure
