#include "cli/replicas_config.h"

#include <arpa/inet.h>

#include <charconv>
#include <string_view>
#include <system_error>

#include "cli/config_values.h"

namespace cli {
namespace {

using base::YamlMapping;

// A name and not an address: of an address the client could not be told where to go, and a certificate has none.
bool IsDnsName(const std::string& text) {
  in_addr address{};
  return kube::IsSubdomainName(text) && inet_pton(AF_INET, text.c_str(), &address) != 1;
}

void ReadService(YamlMapping& section, ReplicasConfig* config) {
  std::string service;
  if (!section.Required("service", &service)) {
    return;
  }
  const std::size_t colon = service.rfind(':');
  std::string host = service.substr(0, colon);
  const std::string_view port = colon == std::string::npos ? std::string_view() : std::string_view(service).substr(colon + 1);
  std::uint16_t number = 0;
  const auto [last, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (!IsDnsName(host) || error != std::errc() || last != port.data() + port.size() || number == 0) {
    section.AddProblem(
        *section.Member("service"), "service",
        "expected NAME:PORT of a headless Service such as acr-admission-replicas.acr-admission.svc:8443, got " + base::Quoted(service));
    return;
  }
  config->host = std::move(host);
  config->port = number;
}

}  // namespace

ReplicasConfig ReadReplicas(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder, bool managed,
                            base::Problems& problems) {
  ReplicasConfig config;
  YamlMapping section(node, file, "audit.replicas", problems);
  ReadService(section, &config);
  if (section.Required("serverName", &config.server_name) && !IsDnsName(config.server_name)) {
    section.AddProblem(*section.Member("serverName"), "serverName",
                       "expected a DNS name that is in the replicas' certificates, such as acr-admission.acr-admission.svc, got " +
                           base::Quoted(config.server_name));
  }
  if (ReadPath(section, "ca", folder, &config.ca) && managed) {
    section.AddProblem(*section.Member("ca"), "ca",
                       "is of no use with tls.mode managed: the replicas' own authority is believed; leave it out");
  }
  section.Finish();
  return config;
}

}  // namespace cli
