#include "cli/postgresql_config.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "cli/config_values.h"

namespace cli {
namespace {

using base::YamlMapping;

constexpr std::int64_t kLastPort = 65535;
constexpr std::chrono::microseconds kShortestRetention = std::chrono::days(1);  // whole days are dropped
constexpr std::chrono::microseconds kLongestRetention = std::chrono::days(3650);

// Where Debian, and so the image, keeps the authorities that are believed by default.
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

// A name, an address, or the folder of a socket: libpq would take a comma for a list, and @ for an abstract socket.
bool IsHost(std::string_view host) {
  return host.starts_with('/') ? host.find(',') == std::string_view::npos : std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == ':' || c == '_';
  });
}

void RefuseOverSocket(YamlMapping& tls) {
  for (const std::string_view key : {"ca", "certificate", "key"}) {
    if (const base::YamlNode* member = tls.Member(key)) {
      tls.AddProblem(*member, key, "is of no use over a Unix socket; leave it out");
    }
  }
}

void ReadTls(YamlMapping& tls, const std::filesystem::path& folder, audit::postgresql::Server* server) {
  const bool socket = server->host.starts_with('/');
  bool verify = !socket;
  if (ReadChoice(tls, "mode", &verify, {{"verify-full", true}, {"disable", false}}) && verify == socket) {
    tls.AddProblem(*tls.Member("mode"), "mode",
                   socket ? "verify-full is of no use over a Unix socket; leave it out"
                          : "disable is for a Unix socket alone; give its folder as host, or leave it out");
  }
  if (socket) {
    RefuseOverSocket(tls);
    return;
  }
  ReadPath(tls, "ca", folder, &server->ca);
  const bool has_certificate = ReadPath(tls, "certificate", folder, &server->certificate);
  if (ReadPath(tls, "key", folder, &server->key) != has_certificate) {
    tls.AddProblem(tls.node(), "", "has one of certificate and key; expected both or none");
  }
}

}  // namespace

PostgresqlConfig ReadPostgresql(const base::YamlNode& node, const std::string& file, const std::filesystem::path& folder,
                                base::Problems& problems) {
  PostgresqlConfig config;
  audit::postgresql::Server& server = config.server;
  YamlMapping section(node, file, "audit.postgresql", problems);
  if (section.Required("host", &server.host) && !IsHost(server.host)) {
    section.AddProblem(*section.Member("host"), "host",
                       "expected a name, an address, or the folder of a Unix socket, got " + base::Quoted(server.host));
  }
  std::int64_t port = server.port;
  section.Optional("port", &port, 1, kLastPort);
  server.port = static_cast<int>(port);
  section.Required("database", &server.database);
  section.Required("user", &server.user);
  ReadPath(section, "passwordFile", folder, &server.password_file);
  server.ca = server.host.starts_with('/') ? "" : kSystemAuthorities;
  if (const base::YamlNode* member = section.Member("tls")) {
    YamlMapping tls(*member, file, section.PathOf("tls"), problems);
    ReadTls(tls, folder, &server);
    tls.Finish();
  }
  std::chrono::microseconds retention{};
  if (section.Optional("retention", &retention, kShortestRetention, kLongestRetention)) {
    config.retention = retention;
  }
  section.Finish();
  return config;
}

}  // namespace cli
