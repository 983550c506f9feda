// How the program proves to Entra who it is. Each source exchanges something it has for an access token; none keeps one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "azure/cloud.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/result.h"
#include "base/time.h"
#include "http/client.h"

namespace azure {

struct Token {
  std::string value;  // secret: never logged, never part of a message
  base::Time expires{};
  base::Time refresh{};  // from when on a new one should be fetched: refresh_in, or well ahead of expiry
};

// Safe for concurrent use.
class TokenSource {
 public:
  virtual ~TokenSource() = default;

  // A new token for `scope` ("https://management.azure.com/.default"), fetched now, within `deadline`. Blocks. An error says
  // what Entra said (AADSTS code, message, correlation id) and what to do.
  virtual base::Result<Token> Fetch(const std::string& scope, std::chrono::milliseconds deadline) = 0;

  // "workload identity 0b8f… of tenant 72f9…": for messages.
  virtual std::string Describe() const = 0;
};

enum class CredentialKind { kAuto, kWorkloadIdentity, kManagedIdentity, kClientSecret, kClientCertificate };

// What is "" is taken from the environment, where a variable is named.
struct CredentialOptions {
  CredentialKind kind = CredentialKind::kAuto;
  std::string tenant_id;                // AZURE_TENANT_ID
  std::string client_id;                // AZURE_CLIENT_ID; with kManagedIdentity "" is the system-assigned one
  std::string client_secret_file;       // read at every exchange; else AZURE_CLIENT_SECRET, the secret itself
  std::string client_certificate_file;  // AZURE_CLIENT_CERTIFICATE_PATH; PEM with key; read at every exchange
  std::string federated_token_file;     // AZURE_FEDERATED_TOKEN_FILE; read at every exchange
};

using base::Environment;

// Waits that long, and tells whether to go on: false, at once, when the program is to end. Safe for concurrent use.
using Wait = std::function<bool(std::chrono::milliseconds duration)>;

// kAuto takes the first of workload identity, managed identity by IDENTITY_ENDPOINT, client secret, client certificate
// that the options and environment are complete for, and IMDS when none is. Only settings are judged: nothing is read or
// sent. `cloud` is copied; `client` and `clock` must outlive the source.
base::Result<std::unique_ptr<TokenSource>> MakeTokenSource(const CredentialOptions& options, const Environment& environment,
                                                           const Cloud& cloud, http::Client& client, const base::Clock& clock, Wait wait);

}  // namespace azure
