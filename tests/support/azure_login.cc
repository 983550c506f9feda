#include "tests/support/azure_login.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "tests/support/azure_answers.h"
#include "tests/support/signed_assertion.h"

namespace support {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

std::string HeaderOf(const http::Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (base::EqualsIgnoreAsciiCase(key, name)) {
      return value;
    }
  }
  return "";
}

std::string Field(const AzureCall& call, const std::string& name) {
  const auto found = call.form.find(name);
  return found == call.form.end() ? "" : found->second;
}

std::string Key(const std::string& tenant_id, const std::string& client_id) {
  return base::AsciiLower(tenant_id) + " " + base::AsciiLower(client_id);
}

// Resources of version 1 may end in a slash; they mean the same.
std::string WithoutSlash(std::string resource) {
  while (resource.ends_with('/')) {
    resource.pop_back();
  }
  return resource;
}

std::string SinceEpoch(base::Time time) { return std::to_string(std::chrono::floor<seconds>(time).time_since_epoch().count()); }

}  // namespace

AzureApplication TestApplication(const std::string& tenant_id, const std::string& client_id) {
  AzureApplication application;
  application.tenant_id = tenant_id;
  application.client_id = client_id;
  application.client_secret = std::string(kSecretMarker) + "~a+b/c=";  // what a form has to encode
  application.federated_token = "eyJhbGciOiJSUzI1NiJ9." + std::string(kSecretMarker) + ".c2lnbmF0dXJl";
  application.on_machine = true;
  application.system_assigned = true;
  return application;
}

void AzureLogin::Put(AzureApplication application) {
  const std::string key = Key(application.tenant_id, application.client_id);
  applications_[key] = std::move(application);
}

http::Response AzureLogin::Exchange(const AzureCall& call, const http::Request& request, const TokenLifetime& lifetime, base::Time now) {
  const auto refuse = [now](int status, const char* error, int number, const std::string& message) {
    return EntraError(status, error, number, message, now);
  };
  if (call.method != "POST" || HeaderOf(request, "Content-Type") != "application/x-www-form-urlencoded") {
    return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.");
  }
  if (Field(call, "grant_type") != "client_credentials") {
    return refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
  }
  const bool known_tenant = std::any_of(applications_.begin(), applications_.end(), [&](const auto& entry) {
    return base::EqualsIgnoreAsciiCase(entry.second.tenant_id, call.tenant);
  });
  if (!known_tenant) {
    return refuse(400, "invalid_request", 90002, "Tenant '" + call.tenant + "' not found.");
  }
  const std::string client_id = Field(call, "client_id");
  const auto found = applications_.find(Key(call.tenant, client_id));
  if (found == applications_.end()) {
    return refuse(400, "unauthorized_client", 700016,
                  "Application with identifier '" + client_id + "' was not found in the directory '" + call.tenant + "'.");
  }
  const AzureApplication& application = found->second;
  const std::string scope = Field(call, "scope");
  constexpr std::string_view kDefault = "/.default";
  if (!scope.ends_with(kDefault)) {
    return refuse(400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid.");
  }
  const std::string assertion = Field(call, "client_assertion");
  if (assertion.empty()) {
    if (application.client_secret.empty() || Field(call, "client_secret") != application.client_secret) {
      return refuse(401, "invalid_client", 7000215,
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the "
                    "client secret ID, for a secret added to app '" +
                        client_id + "'.");
    }
  } else if (Field(call, "client_assertion_type") != kAssertionType) {
    return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'client_assertion_type'.");
  } else if (!application.certificate_pem.empty() && assertion != application.federated_token) {
    const std::string fault = FaultOfAssertion(assertion, application.certificate_pem, request.url, application.client_id, now);
    if (!fault.empty()) {
      return refuse(401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion: " + fault + ".");
    }
    last_assertion_ = assertion;
  } else if (application.federated_token.empty() || assertion != application.federated_token) {
    return refuse(400, "invalid_request", 700213, "No matching federated identity record found for presented assertion subject.");
  }
  const std::string resource = WithoutSlash(scope.substr(0, scope.size() - kDefault.size()));
  const Token& token = Mint(application, resource, lifetime.expires_in, now);
  json answer = {{"token_type", "Bearer"},
                 {"expires_in", lifetime.expires_in.count()},
                 {"ext_expires_in", lifetime.expires_in.count()},
                 {"access_token", token.value}};
  if (lifetime.refresh_in) {
    answer["refresh_in"] = lifetime.refresh_in->count();
  }
  return AzureJson(200, answer);
}

http::Response AzureLogin::AskInstanceMetadata(const AzureCall& call, const http::Request& request, const TokenLifetime& lifetime,
                                               base::Time now) {
  if (!base::EqualsIgnoreAsciiCase(HeaderOf(request, "Metadata"), "true")) {
    return MetadataError(400, "invalid_request", "Required metadata header not specified");
  }
  if (call.Query("api-version") < "2018-02-01") {
    return MetadataError(400, "invalid_request", "The api-version parameter is missing or too old");
  }
  const std::string resource = WithoutSlash(call.Query("resource"));
  if (resource.empty()) {
    return MetadataError(400, "invalid_request", "Required audience parameter not specified");
  }
  const std::string client_id = call.Query("client_id");
  const AzureApplication* const application = FindOnMachine(client_id);
  if (application == nullptr) {
    return MetadataError(400, "invalid_request", "Identity not found");
  }
  constexpr seconds kLeastValidity = std::chrono::minutes(5);
  std::string& cached = cached_[resource + " " + client_id];
  auto token = tokens_.find(cached);
  if (token == tokens_.end() || token->second.expires < now + kLeastValidity) {
    cached = Mint(*application, resource, lifetime.expires_in, now).value;
    token = tokens_.find(cached);
  }
  const std::string left = std::to_string(std::chrono::floor<seconds>(token->second.expires - now).count());
  // Numbers as texts, as IMDS writes them.
  return AzureJson(200, {{"access_token", cached},
                         {"client_id", application->client_id},
                         {"expires_in", left},
                         {"expires_on", SinceEpoch(token->second.expires)},
                         {"ext_expires_in", left},
                         {"not_before", SinceEpoch(now)},
                         {"resource", resource},
                         {"token_type", "Bearer"}});
}

http::Response AzureLogin::AskIdentityEndpoint(const AzureCall& call, const http::Request& request, const TokenLifetime& lifetime,
                                               base::Time now) {
  if (HeaderOf(request, "X-IDENTITY-HEADER") != identity_header_) {
    return AzureJson(401, {{"statusCode", 401}, {"message", "The X-IDENTITY-HEADER header is missing or wrong."}});
  }
  const std::string resource = WithoutSlash(call.Query("resource"));
  const AzureApplication* const application = FindOnMachine(call.Query("client_id"));
  if (call.Query("api-version") != "2019-08-01" || resource.empty() || application == nullptr) {
    return AzureJson(400, {{"statusCode", 400}, {"message", "No managed identity was found for the specified parameters."}});
  }
  const Token& token = Mint(*application, resource, lifetime.expires_in, now);
  return AzureJson(200, {{"access_token", token.value},
                         {"client_id", application->client_id},
                         {"expires_on", SinceEpoch(token.expires)},
                         {"resource", resource},
                         {"token_type", "Bearer"}});
}

AzureLogin::Identity AzureLogin::Identify(const http::Request& request, base::Time now) const {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string authorization = HeaderOf(request, "Authorization");
  if (!authorization.starts_with(kBearer)) {
    return {};
  }
  const auto token = tokens_.find(std::string_view(authorization).substr(kBearer.size()));
  if (token == tokens_.end()) {
    return {Bearer::kUnknown, nullptr, ""};
  }
  if (token->second.expires <= now) {
    return {Bearer::kExpired, nullptr, ""};
  }
  return {Bearer::kValid, token->second.application, token->second.resource};
}

void AzureLogin::RevokeTokens() {
  tokens_.clear();
  cached_.clear();
}

const AzureApplication* AzureLogin::FindOnMachine(const std::string& client_id) const {
  const auto found = std::find_if(applications_.begin(), applications_.end(), [&](const auto& entry) {
    const AzureApplication& application = entry.second;
    return client_id.empty() ? application.system_assigned
                             : application.on_machine && base::EqualsIgnoreAsciiCase(application.client_id, client_id);
  });
  return found == applications_.end() ? nullptr : &found->second;
}

const AzureLogin::Token& AzureLogin::Mint(const AzureApplication& application, const std::string& resource, seconds lifetime,
                                          base::Time now) {
  // That a token has expired is told for a day; a simulation of years keeps no more.
  std::erase_if(tokens_, [&](const auto& entry) { return entry.second.expires + std::chrono::days(1) < now; });
  const std::string value = "eyJ0eXAiOiJKV1QifQ." + std::string(kSecretMarker) + "." + std::to_string(++handed_out_);
  return tokens_[value] = {value, &application, resource, now + lifetime};
}

}  // namespace support
