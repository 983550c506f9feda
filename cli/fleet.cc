#include "cli/fleet.h"

#include <utility>

namespace cli {

Fleet::Fleet(const ReplicasConfig& config, World world)
    : config_(config),
      authorities_(std::move(world.authorities)),
      deadline_(world.deadline),
      resolver_(std::move(world.lookup)),
      clients_({.server_name = config.server_name,
                .port = config.port,
                .trust = [this] { return Trust(); },
                .make = world.make ? std::move(world.make) : NetworkAddressClients(world.clock)},
               world.token) {}

std::unique_ptr<audit::Reader> Fleet::OpenReader(OwnLog own, const base::Clock& clock) {
  return std::make_unique<FleetReader>(
      FleetReader::World{[this](std::chrono::milliseconds deadline) { return Find(deadline); }, clients_, clock, deadline_},
      std::move(own));
}

void Fleet::Stop() {
  stop_.Set();
  clients_.Stop();
}

base::Result<std::vector<std::string>> Fleet::Find(std::chrono::milliseconds deadline) {
  auto addresses = resolver_.Resolve(config_.host, {std::chrono::steady_clock::now() + deadline, &stop_});
  if (!addresses) {
    return base::Fail(base::ErrorCode::kUnavailable, "audit.replicas.service: " + addresses.error().message,
                      "name a headless Service of this cluster that has ready replicas; outside of the cluster its name is not known");
  }
  return addresses;
}

base::Result<http::TlsSettings> Fleet::Trust() const {
  http::TlsSettings settings;
  if (authorities_) {
    auto pem = authorities_();
    if (!pem) {
      return tl::unexpected(std::move(pem.error()));
    }
    settings.ca_pem = *std::move(pem);
  }
  settings.ca_file = config_.ca;
  const bool named = !settings.ca_pem.empty() || !settings.ca_file.empty();
  settings.system = named ? http::SystemTrust::kNotUsed : http::SystemTrust::kUsed;
  return settings;
}

}  // namespace cli
