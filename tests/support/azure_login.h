// The fake Azure's identities: who may log in and how, and the tokens that were handed out.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/time.h"
#include "http/client.h"
#include "tests/support/azure_call.h"

namespace support {

// Part of every token and secret of the fake Azure, so that a test can look for leaks in whatever was put out. The one secret
// that cannot hold it is an assertion that the client signs itself.
inline constexpr std::string_view kSecretMarker = "fake-azure-secret-that-nobody-may-see";

// An application or a managed identity. What is "" it cannot log in with.
struct AzureApplication {
  std::string tenant_id;
  std::string client_id;
  std::string client_secret;
  std::string federated_token;                         // what a workload's service account token has to be
  std::string certificate_pem;                         // registered: assertions have to be signed with its key
  bool on_machine = false;                             // IMDS and the identity endpoint know it by its client id
  bool system_assigned = false;                        // and without one
  std::optional<std::set<std::string>> subscriptions;  // that it may read; all when absent
};

// One that can log in in every way but with a certificate.
AzureApplication TestApplication(const std::string& tenant_id = "72f988bf-86f1-41af-91ab-2d7cd011db47",
                                 const std::string& client_id = "0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b");

struct TokenLifetime {
  std::chrono::seconds expires_in{3599};
  std::optional<std::chrono::seconds> refresh_in;
};

// For one thread at a time. `now` is Azure's clock.
class AzureLogin {
 public:
  enum class Bearer { kMissing, kUnknown, kExpired, kValid };
  struct Identity {
    Bearer bearer = Bearer::kMissing;
    const AzureApplication* application = nullptr;  // when valid
    std::string resource;                           // that the token is for: "https://management.azure.com"
  };

  void Put(AzureApplication application);  // replaces one of the same tenant and client id

  // POST /{tenant}/oauth2/v2.0/token
  http::Response Exchange(const AzureCall& call, const http::Request& request, const TokenLifetime& lifetime, base::Time now);
  // GET /metadata/identity/oauth2/token: the same token for as long as it is good for five minutes.
  http::Response AskInstanceMetadata(const AzureCall& call, const http::Request& request, const TokenLifetime& lifetime, base::Time now);
  // GET /msi/token, which is what IDENTITY_ENDPOINT has to name.
  http::Response AskIdentityEndpoint(const AzureCall& call, const http::Request& request, const TokenLifetime& lifetime, base::Time now);

  // Whose the request's bearer token is.
  Identity Identify(const http::Request& request, base::Time now) const;

  void RevokeTokens();  // all that were handed out are unknown from now on

  const std::string& identity_header() const { return identity_header_; }
  std::uint64_t handed_out() const { return handed_out_; }
  const std::string& last_assertion() const { return last_assertion_; }  // signed by a client, and accepted

 private:
  struct Token {
    std::string value;
    const AzureApplication* application = nullptr;
    std::string resource;
    base::Time expires{};
  };

  const AzureApplication* FindOnMachine(const std::string& client_id) const;
  const Token& Mint(const AzureApplication& application, const std::string& resource, std::chrono::seconds lifetime, base::Time now);

  const std::string identity_header_ = std::string(kSecretMarker) + "-identity-header";
  std::map<std::string, AzureApplication> applications_;  // by tenant and client id; entries stay
  std::map<std::string, Token, std::less<>> tokens_;      // by value
  std::map<std::string, std::string> cached_;             // IMDS's, by resource and client id: the token's value
  std::uint64_t handed_out_ = 0;
  std::string last_assertion_;
};

}  // namespace support
