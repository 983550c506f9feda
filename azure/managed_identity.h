// The identity of the machine, or of the service that runs the container: a metadata service on the machine hands out its
// tokens, without any secret of ours.
#pragma once

#include <string>

#include "azure/credential.h"
#include "azure/token_endpoint.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"

namespace azure {

// Where tokens come from.
struct MetadataService {
  std::string url;          // with a query that lacks only resource and client id
  http::Headers headers;    // what it wants to see, so that no forged request of another program's gets through
  std::string secret;       // the one among the headers; "" where there is none
  std::string unreachable;  // what to do when nothing answers
};

// Virtual machines, and so the nodes of AKS. `host` is "http://169.254.169.254" everywhere but in tests.
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
MetadataService InstanceMetadata(const std::string& host);

// App Service, Container Apps and what else sets IDENTITY_ENDPOINT and IDENTITY_HEADER.
// https://learn.microsoft.com/azure/app-service/overview-managed-identity
MetadataService AppServiceMetadata(const std::string& endpoint, const std::string& header);

class ManagedIdentity final : public TokenSource {
 public:
  // `client_id` "" is the system-assigned identity. `http` and `clock` must outlive it.
  ManagedIdentity(MetadataService service, std::string client_id, http::Client& http, const base::Clock& clock, Wait wait);

  // While the service says that it is busy or being updated, tries again within the deadline.
  base::Result<Token> Fetch(const std::string& scope, std::chrono::milliseconds deadline) override;
  std::string Describe() const override { return endpoint_.who(); }

 private:
  const MetadataService service_;
  const std::string client_id_;
  const base::Clock& clock_;
  const Wait wait_;
  TokenEndpoint endpoint_;
};

}  // namespace azure
