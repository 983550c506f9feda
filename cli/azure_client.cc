#include "cli/azure_client.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "cli/version.h"

namespace cli {
namespace {

std::string EitherCase(const azure::Environment& environment, const std::string& name) {
  std::string value = environment(name).value_or("");
  return value.empty() ? environment(base::AsciiLower(name)).value_or("") : value;
}

}  // namespace

base::Result<std::unique_ptr<http::NetworkClient>> MakeAzureClient(const InventoryConfig& inventory, const azure::Environment& environment,
                                                                   const base::Clock& clock) {
  http::NetworkClientOptions options;
  options.version = kVersion;
  options.tls.ca_file = inventory.ca;
  options.proxy = {.https_proxy = EitherCase(environment, "HTTPS_PROXY"),
                   .http_proxy = EitherCase(environment, "HTTP_PROXY"),
                   .no_proxy = EitherCase(environment, "NO_PROXY")};
  return http::NetworkClient::Create(std::move(options), clock);
}

}  // namespace cli
