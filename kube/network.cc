#include "kube/network.h"

#include <utility>

namespace kube {

base::Result<std::unique_ptr<http::NetworkClient>> MakeNetworkClient(const Config& config, std::string version, http::ProxySettings proxy,
                                                                     const base::Clock& clock) {
  const bool own_authorities = !config.ca_file.empty() || !config.ca_pem.empty();
  http::NetworkClientOptions options;
  options.version = std::move(version);
  options.tls = {.ca_file = config.ca_file,
                 .ca_pem = config.ca_pem,
                 .system = own_authorities ? http::SystemTrust::kNotUsed : http::SystemTrust::kUsed,
                 .client_certificate_pem = config.client_certificate_pem,
                 .client_key_pem = config.client_key_pem};
  options.proxy = std::move(proxy);
  return http::NetworkClient::Create(std::move(options), clock);
}

}  // namespace kube
