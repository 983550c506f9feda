#include "tests/support/azure_world_client.h"

#include <string_view>

#include "http/url.h"

namespace support {
namespace {

using std::chrono::milliseconds;

bool IsAt(AzureService service, const http::Url& url) {
  switch (service) {
    case AzureService::kLogin:
      return url.https() && url.host == "login.microsoftonline.com";
    case AzureService::kInstanceMetadata:
      return !url.https() && url.host == "169.254.169.254";
    case AzureService::kIdentityEndpoint:
      return std::string_view(kIdentityEndpoint).starts_with(url.scheme + "://" + url.Authority() + "/");
    case AzureService::kResourceManager:
    case AzureService::kResourceGraph:
    case AzureService::kPolicyInsights:
      return url.https() && url.host == "management.azure.com";
  }
  return false;
}

}  // namespace

base::Result<http::Response> AzureWorldClient::Send(const http::Request& request) {
  const auto url = http::ParseUrl(request.url);
  if (!url) {
    return tl::unexpected(url.error());
  }
  const std::string where = request.method + " of " + url->HostAndPort() + ": ";
  const auto fail = [&where](const char* what) { return base::Fail(base::ErrorCode::kUnavailable, where + what); };
  const AzureCall call = ReadAzureCall(request);
  if (!IsAt(call.service, *url)) {
    return fail("connecting: nobody answers there");
  }
  const milliseconds latency(latency_);
  const auto fault = faults_.Take(call);
  if (fault == TransportFault::kDeadline || latency > request.deadline) {
    Pass(request.deadline);
    return fail("reading the answer: the time for it was over");
  }
  Pass(latency);
  if (fault == TransportFault::kUnreachable) {
    return fail("connecting: connection refused");
  }
  http::Response response = world_.Answer(request);
  if (fault == TransportFault::kDropped) {
    return fail("reading the answer: the peer closed the connection instead");
  }
  if (response.body.size() > request.max_response_bytes) {
    return fail("reading the answer: its body is too large");
  }
  return response;
}

void AzureWorldClient::Pass(milliseconds time) const {
  if (pass_time_ && time.count() > 0) {
    pass_time_(time);
  }
}

}  // namespace support
