#include "azure/entra_source.h"

#include <utility>
#include <vector>

#include "http/url.h"

namespace azure {

std::string TokenUrl(const Cloud& cloud, const EntraClient& client) {
  return cloud.authority + "/" + client.tenant_id + "/oauth2/v2.0/token";
}

EntraSource::EntraSource(std::string kind, const EntraClient& client, const Cloud& cloud, Prove prove, http::Client& http,
                         const base::Clock& clock)
    : client_id_(client.client_id),
      url_(TokenUrl(cloud, client)),
      prove_(std::move(prove)),
      endpoint_(std::move(kind) + " " + client.client_id + " of tenant " + client.tenant_id, http, clock) {}

base::Result<Token> EntraSource::Fetch(const std::string& scope, std::chrono::milliseconds deadline) {
  const auto proof = prove_();
  if (!proof) {
    return base::Fail(proof.error().code, Describe() + ": " + proof.error().message, proof.error().remedy);
  }
  std::vector<std::pair<std::string_view, std::string_view>> form = {
      {"client_id", client_id_}, {"grant_type", "client_credentials"}, {"scope", scope}};
  if (proof->kind == Proof::Kind::kSecret) {
    form.emplace_back("client_secret", proof->value);
  } else {
    form.emplace_back("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");  // RFC 7523
    form.emplace_back("client_assertion", proof->value);
  }
  http::Request request;
  request.method = "POST";
  request.url = url_;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = http::EncodeForm(form);
  request.deadline = deadline;
  return endpoint_.Ask(std::move(request), proof->value).token;
}

}  // namespace azure
