#include "cli/fleet_source.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "cli/cluster.h"
#include "cli/fleet.h"
#include "cli/identity_store.h"

namespace cli {
namespace {

// Of managed certificates: a successor is trusted for ten minutes before any replica shows a certificate of it.
constexpr std::chrono::minutes kAuthoritiesInterval{1};

class FleetSource final : public audit::Reader {
 public:
  // `cluster` keeps `clock`.
  FleetSource(const Config& config, std::unique_ptr<base::Clock> clock, std::unique_ptr<Cluster> cluster)
      : clock_(std::move(clock)),
        cluster_(std::move(cluster)),
        secret_(config.tls.managed ? config.tls.managed->secret : ""),
        fleet_(*config.audit.replicas, WorldOf()),
        reader_(fleet_.OpenReader({}, *clock_)) {}

  base::Result<audit::Page> Read(const audit::Query& query) override { return reader_->Read(query); }
  base::Result<audit::Summary> Summarise(const audit::Filter& filter) override { return reader_->Summarise(filter); }
  base::Result<std::string> End() override { return reader_->End(); }

 private:
  Fleet::World WorldOf() {
    Fleet::World world{cluster_->token(), nullptr, *clock_};
    if (!secret_.empty()) {
      world.authorities = [this] { return Authorities(); };
    }
    return world;
  }

  // While the Secret cannot be read, what it last held goes on.
  base::Result<std::string> Authorities() {
    const auto now = clock_->Monotonic();
    if (!read_ || now >= *read_ + kAuthoritiesInterval) {
      auto pem = ReadAuthorities(*cluster_, secret_);
      if (!pem && authorities_.empty()) {
        return pem;
      }
      authorities_ = pem ? *std::move(pem) : std::move(authorities_);
      read_ = now;
    }
    return authorities_;
  }

  const std::unique_ptr<base::Clock> clock_;
  const std::unique_ptr<Cluster> cluster_;
  const std::string secret_;
  std::string authorities_;
  std::optional<std::chrono::steady_clock::time_point> read_;
  Fleet fleet_;
  const std::unique_ptr<audit::Reader> reader_;
};

}  // namespace

base::Result<std::unique_ptr<audit::Reader>> OpenFleetSource(const Config& config, const base::Environment& environment,
                                                             const std::string& service_account) {
  auto clock = std::make_unique<base::SystemClock>();
  auto cluster = Cluster::Create(*config.kubernetes, environment, *clock, [](base::LogLevel, std::string_view) {}, service_account);
  if (!cluster) {
    return base::Fail(cluster.error().code, "audit.replicas: " + cluster.error().message,
                      "run this in a pod of the webhook (kubectl exec), or ask one log with --database");
  }
  if (const auto token = (*cluster)->token().Get(); !token || token->empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "audit.replicas: there is no token that tells the replicas who asks",
                      "run this in a pod of the webhook (kubectl exec), or with a kubeconfig that has a token");
  }
  return std::make_unique<FleetSource>(config, std::move(clock), *std::move(cluster));
}

}  // namespace cli
