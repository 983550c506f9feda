// Tokens from Entra by OAuth 2.0's client credentials grant. The kinds of credential differ only in what they prove
// themselves with.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "azure/cloud.h"
#include "azure/credential.h"
#include "azure/token_endpoint.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"

namespace azure {

// An application or user-assigned identity, and the tenant that it logs in to.
struct EntraClient {
  std::string tenant_id, client_id;
};

struct Proof {
  enum class Kind { kSecret, kAssertion };  // a JWT that somebody signed is an assertion
  Kind kind = Kind::kSecret;
  std::string value;  // secret
};

// Makes a proof for one exchange; files are read now, since they are replaced while the program runs. Safe for concurrent use.
using Prove = std::function<base::Result<Proof>()>;

// "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token"
std::string TokenUrl(const Cloud& cloud, const EntraClient& client);

class EntraSource final : public TokenSource {
 public:
  // `kind` is how messages call the credential: "client secret". `http` and `clock` must outlive it.
  EntraSource(std::string kind, const EntraClient& client, const Cloud& cloud, Prove prove, http::Client& http, const base::Clock& clock);

  base::Result<Token> Fetch(const std::string& scope, std::chrono::milliseconds deadline) override;
  std::string Describe() const override { return endpoint_.who(); }

 private:
  const std::string client_id_;
  const std::string url_;
  const Prove prove_;
  TokenEndpoint endpoint_;
};

}  // namespace azure
