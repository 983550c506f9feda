#include "azure/managed_identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "http/url.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Before the second to the fifth try, as IMDS's documentation has it.
constexpr std::array kPauses = {seconds(2), seconds(6), seconds(14), seconds(30)};

// Metadata services are of version 1 of Entra's protocol: they know resources, and version 2's scopes are those with a suffix.
std::string_view ResourceOf(std::string_view scope) {
  constexpr std::string_view kSuffix = "/.default";
  return scope.ends_with(kSuffix) ? scope.substr(0, scope.size() - kSuffix.size()) : scope;
}

}  // namespace

MetadataService InstanceMetadata(const std::string& host) {
  return {host + "/metadata/identity/oauth2/token?api-version=2018-02-01",
          {{"Metadata", "true"}},
          "",
          "the instance metadata service is there on Azure's machines alone, and a network policy can keep pods from 169.254.169.254"};
}

MetadataService AppServiceMetadata(const std::string& endpoint, const std::string& header) {
  const bool has_query = endpoint.find('?') != std::string::npos;
  return {endpoint + (has_query ? "&" : "?") + "api-version=2019-08-01",
          {{"X-IDENTITY-HEADER", header}},
          header,
          "the platform sets IDENTITY_ENDPOINT, which names it: see that nothing else does"};
}

ManagedIdentity::ManagedIdentity(MetadataService service, std::string client_id, http::Client& http, const base::Clock& clock, Wait wait)
    : service_(std::move(service)),
      client_id_(std::move(client_id)),
      clock_(clock),
      wait_(std::move(wait)),
      endpoint_(client_id_.empty() ? "system-assigned managed identity" : "managed identity " + client_id_, http, clock) {}

base::Result<Token> ManagedIdentity::Fetch(const std::string& scope, milliseconds deadline) {
  const auto until = clock_.Monotonic() + deadline;
  http::Request request;
  request.url = service_.url + "&resource=" + http::PercentEncode(ResourceOf(scope));
  request.url += client_id_.empty() ? "" : "&client_id=" + http::PercentEncode(client_id_);
  request.headers = service_.headers;
  request.use_proxy = false;  // a proxy would be asked for its own machine's identity
  for (std::size_t tried = 0;; ++tried) {
    request.deadline = std::chrono::ceil<milliseconds>(until - clock_.Monotonic());
    TokenAnswer answer = endpoint_.Ask(request, service_.secret);
    if (answer.token || answer.status == 200) {
      return std::move(answer.token);
    }
    base::Error& error = answer.token.error();
    if (answer.status == 0) {
      error.remedy = service_.unreachable;
    } else if (error.remedy.empty() && error.code == base::ErrorCode::kInvalidArgument) {
      error.remedy =
          "assign the identity to the machine or service (`az vmss identity assign`), and name it by its client id where there are several";
    }
    const bool again = answer.status != 0 && error.code == base::ErrorCode::kUnavailable && tried < kPauses.size();
    if (!again) {
      return std::move(answer.token);
    }
    const milliseconds pause = std::max<milliseconds>(kPauses[tried], answer.retry_after);
    if (clock_.Monotonic() + pause >= until || !wait_(pause)) {
      return std::move(answer.token);
    }
  }
}

}  // namespace azure
