#include "cli/serve.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "audit/database_reader.h"
#include "audit/forwarder.h"
#include "audit/store.h"
#include "azure/live_inventory.h"
#include "azure/live_threads.h"
#include "base/periodic.h"
#include "base/wait.h"
#include "cli/audit_forwarding.h"
#include "cli/audit_permission.h"
#include "cli/audit_service.h"
#include "cli/audit_source.h"
#include "cli/audit_trail.h"
#include "cli/azure_source.h"
#include "cli/client_ca.h"
#include "cli/cluster.h"
#include "cli/cluster_scan.h"
#include "cli/cluster_state.h"
#include "cli/config.h"
#include "cli/denial_events.h"
#include "cli/fleet.h"
#include "cli/gauges.h"
#include "cli/idle_trim.h"
#include "cli/inputs.h"
#include "cli/log.h"
#include "cli/machine.h"
#include "cli/postgresql_names.h"
#include "cli/process.h"
#include "cli/readiness.h"
#include "cli/serving_identity.h"
#include "cli/verdict_changes.h"
#include "cli/version.h"
#include "kube/authorizer.h"
#include "policy/verdict_change.h"
#include "state/keeper.h"
#include "webhook/metrics.h"
#include "webhook/server.h"

namespace cli {
namespace {

// A look at unchanged files costs some system calls; a ConfigMap volume is a minute behind anyway.
constexpr std::chrono::milliseconds kFileInterval{2000};
// Standard-output lines are at most this late, and the write-ahead log is looked at this often.
constexpr std::chrono::milliseconds kAuditInterval{250};
// For a reader of standard output that is slow; one that has stopped holds up the audit thread this long at a time.
constexpr std::chrono::milliseconds kOutputPatience{50};
// After the drain: the last lines to standard output, the store's close, threads.
constexpr std::chrono::seconds kEndAfterDrain{2};

webhook::ServerOptions ServerOptionsOf(const Config& config, const std::string& client_ca_pem) {
  webhook::ServerOptions options;
  options.address = config.server.address;
  options.health_address = config.health.address;
  options.threads = config.server.threads > 0 ? config.server.threads : DefaultThreads();
  options.client_ca_pem = client_ca_pem;
  options.drain_delay = std::chrono::duration_cast<std::chrono::milliseconds>(config.server.drain_delay);
  options.max_connections = static_cast<std::size_t>(config.server.max_connections);
  options.memory_limit = MemoryLimit();
  options.cluster = config.cluster;
  options.replica = HostName();
  options.record_allowed = config.audit.record == AuditRecord::kAll;
  options.refuse_without_audit = config.audit.on_failure == AuditFailure::kRefuse;
  return options;
}

base::Result<std::unique_ptr<AuditTrail>> OpenAuditTrail(const Config& config, const base::Clock& clock, const base::Log& log) {
  audit::StoreOptions options;
  options.database = config.audit.database;
  options.durability = config.audit.durability == AuditDurability::kDisk ? audit::Durability::kDisk : audit::Durability::kProcess;
  options.retention_age = config.audit.retention_age;
  options.retention_bytes = config.audit.retention_bytes;
  // Where nothing is admitted without a record, a replica that can make none is not started: others are asked.
  options.opens_later = config.audit.on_failure == AuditFailure::kAdmit;
  options.waits_for = config.audit.postgresql ? audit::Forwarder::kConsumer : "";
  return AuditTrail::Open(options, config.audit.standard_output, audit::DescriptorOutput(STDOUT_FILENO, kOutputPatience), clock, HostName(),
                          log);
}

// The address that is really listened on: port 0 in the configuration is any.
std::string WithPort(const std::string& address, std::uint16_t port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

std::chrono::milliseconds FileInterval(const Config& config) {
  return std::min(kFileInterval, std::chrono::ceil<std::chrono::milliseconds>(config.inventory.refresh));
}

azure::LiveInventory::Options LiveOptionsOf(const InventoryConfig& inventory) {
  azure::LiveInventory::Options options;
  options.schedule.refresh = std::chrono::ceil<std::chrono::milliseconds>(inventory.refresh);
  options.schedule.discovery = std::chrono::ceil<std::chrono::milliseconds>(inventory.discovery);
  options.registry_suffixes = inventory.cloud.registry_suffixes;
  options.seed = std::random_device()();  // replicas that start together must not stay together
  return options;
}

// Everything between the configuration and the end. Members are destroyed in reverse order: threads before what they use.
class Service {
 public:
  Service(const Config& config, const azure::Environment& environment, const base::Clock& clock, base::Log log)
      : config_(config),
        environment_(environment),
        clock_(clock),
        log_(std::move(log)),
        started_(clock.Monotonic()),
        keeper_(KeeperOptionsOf(config), clock, log_),
        metrics_(std::string(kVersion)) {}

  ~Service() { metrics_.OnScrape(nullptr); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Reads all there is to read, and opens the audit log.
  base::Result<void> Load() {
    if (!config_.server.client_ca.empty()) {
      base::Result<std::string> pem = ReadClientCa(config_.server.client_ca);
      if (!pem) {
        return tl::unexpected(pem.error());
      }
      client_ca_pem_ = *std::move(pem);
    }
    if (config_.kubernetes) {
      base::Result<std::unique_ptr<Cluster>> cluster = Cluster::Create(*config_.kubernetes, environment_, clock_, log_);
      if (!cluster) {
        return tl::unexpected(cluster.error());
      }
      cluster_ = *std::move(cluster);
      cluster_state_ = std::make_unique<ClusterState>(*cluster_, *config_.kubernetes, keeper_, clock_, log_);
    }
    identity_ = std::make_unique<ServingIdentity>(config_.tls, cluster_.get(), clock_, log_);
    if (base::Result<void> loaded = identity_->Load(); !loaded) {
      return loaded;
    }
    policy::Facts saved;
    state::Beginnings beginnings = cluster_state_ ? cluster_state_->Beginnings() : state::Beginnings();
    beginnings.restored = [&](const policy::Facts& facts) { saved = facts; };
    if (base::Result<void> loaded = keeper_.Start(beginnings); !loaded) {
      return loaded;
    }
    if (config_.inventory.source == InventorySource::kAzure) {
      base::Result<std::unique_ptr<AzureSource>> source = AzureSource::Create(config_.inventory, environment_, clock_);
      if (!source) {
        return tl::unexpected(source.error());
      }
      azure_ = *std::move(source);
      inventory_ = std::make_unique<azure::LiveInventory>(LiveOptionsOf(config_.inventory), azure_->sources(), LiveHooks(), clock_);
    }
    if (config_.audit.enabled) {
      base::Result<std::unique_ptr<AuditTrail>> trail = OpenAuditTrail(config_, clock_, log_);
      if (!trail) {
        return tl::unexpected(trail.error());
      }
      trail_ = *std::move(trail);
      if (config_.audit.postgresql) {
        forwarding_ = std::make_unique<AuditForwarding>(trail_->store(), config_.audit.postgresql->server, ResolveNames(), clock_, log_);
      }
    }
    if (config_.scan) {
      scan_ = std::make_unique<ClusterScan>(*cluster_, *config_.scan, ScanWorld(), clock_, log_);
    }
    if (config_.audit.enabled && config_.audit.verdict_changes) {
      const std::shared_ptr<const state::State> first = keeper_.states().Current();
      verdict_changes_ = std::make_unique<VerdictChanges>(
          policy::JudgeSaved(saved, first->facts, *first->policy, clock_.Now(), KeeperOptionsOf(config_).hidden_members), config_.cluster,
          HostName(), [this](std::span<const audit::Record> records) { Record(records); }, clock_,
          [this] { return scan_ == nullptr || scan_->tells(); });
      verdict_changes_->Observe(first);
    }
    if (config_.audit.events) {
      denials_.emplace(trail_->store(), clock_, [this](const kube::Event& event) { cluster_->TellOfOthers(event); }, log_);
    }
    return {};
  }

  base::Result<void> Listen() {
    metrics_.OnScrape([this](webhook::Gauges& gauges) { Fill(gauges); });
    if (cluster_) {
      cluster_->Start();
      cluster_state_->Start();
    }
    if (scan_) {
      scan_->Start();
    }
    identity_->Start();
    files_ = std::make_unique<base::Periodic>("state", FileInterval(config_), [this] { PollFiles(); });
    if (inventory_) {
      refresh_ = std::make_unique<azure::LiveThreads>(*inventory_, [this] { azure_->Interrupt(); });
    }
    if (config_.audit.api) {
      StartAuditApi();
    }
    base::Result<std::unique_ptr<webhook::Server>> server = webhook::Server::Start(ServerOptionsOf(config_, client_ca_pem_), Inputs());
    if (!server) {
      return tl::unexpected(server.error());
    }
    server_ = *std::move(server);
    if (trail_) {
      records_ = std::make_unique<base::Periodic>("audit", kAuditInterval, [this] { RunAudit(); });
      if (forwarding_) {
        forwarding_->Start();
      }
    }
    LogStart();
    return {};
  }

  void Drain() {
    if (cluster_state_) {
      cluster_state_->Finish();
    }
    if (scan_) {
      scan_->Finish();
    }
    identity_->Settle();
    server_->Drain();
  }

  // After Drain: no request is there any more.
  void Close() {
    if (forwarding_) {
      forwarding_->Finish();  // beside all that follows
    }
    if (refresh_) {
      refresh_->Stop();
    }
    files_->Stop();
    keeper_.SaveNow();
    identity_->Leave();
    if (scan_) {
      scan_->Settle();
    }
    if (cluster_) {
      cluster_->Stop();
      cluster_state_->Stop();
    }
    if (scan_) {
      scan_->Stop();
    }
    identity_->Stop();
    if (fleet_) {
      fleet_->Stop();
    }
    if (audit_api_) {
      stop_queries_->Set();
      audit_api_->Stop();
    }
    if (trail_) {
      records_->Stop();
      if (verdict_changes_) {
        verdict_changes_->Run();
      }
      if (denials_) {
        denials_->Close();
      }
      trail_->Close();
    }
    if (forwarding_) {
      forwarding_->Stop();
    }
  }

 private:
  webhook::ServerInputs Inputs() {
    webhook::ServerInputs inputs{keeper_.states(), identity_->identities(), clock_, metrics_, {}, {}, log_, {}, {}};
    if (trail_) {
      inputs.commit = [this](std::span<const audit::Record> records) { return trail_->Commit(records); };
      inputs.lost = [this](std::span<const audit::Record> records) { trail_->Lost(records); };
    }
    if (inventory_) {
      inputs.freshen = [this](const std::vector<std::string>& login_servers, std::chrono::steady_clock::time_point until,
                              std::function<void()> done) { inventory_->Freshen(login_servers, until, std::move(done)); };
    }
    if (audit_api_) {
      inputs.audit_api = [this](webhook::AuditRequest request, std::function<void(webhook::AuditAnswer)> done) {
        audit_api_->Ask(std::move(request), std::move(done));
      };
    }
    inputs.not_ready = [this] { return NotReady(CurrentHealth()); };
    inputs.readiness_notes = [this] { return ReadinessNotes(CurrentHealth()); };
    return inputs;
  }

  void StartAuditApi() {
    authorizer_ = std::make_unique<kube::Authorizer>(cluster_->api(), clock_);
    AuditService::Sources sources;
    sources.replica = [this](const base::Clock& clock) { return audit::OpenDatabaseReader(config_.audit.database, kQueryDeadline, clock); };
    if (config_.audit.postgresql) {
      sources.cluster = [this](const base::Clock&) -> base::Result<std::unique_ptr<audit::Reader>> {
        return OpenClusterRecords(config_, kQueryDeadline, stop_queries_);
      };
      sources.cluster_name = config_.cluster;
    } else if (config_.audit.replicas) {
      fleet_ = std::make_unique<Fleet>(*config_.audit.replicas, FleetWorld());
      sources.cluster = [this](const base::Clock& clock) { return OpenFleet(clock); };
    }
    audit_api_ = std::make_unique<AuditService>(std::move(sources), AuditPermission(*authorizer_, *cluster_), clock_, log_);
  }

  ClusterScan::World ScanWorld() {
    ClusterScan::World world;
    world.state = [this] { return keeper_.states().Current(); };
    world.follow = [this]() -> base::Result<std::shared_ptr<RunningFollower>> {
      base::Result<ApiConnection> connection = cluster_->Connect();
      if (!connection) {
        return tl::unexpected(std::move(connection.error()));
      }
      auto threads = std::make_shared<RunningThreads>(*std::move(connection), config_.scan->excluded_namespaces, clock_);
      return std::shared_ptr<RunningFollower>(threads, &threads->follower());
    };
    world.identity = cluster_->pod().name + "_" + std::to_string(std::random_device()()) + std::to_string(std::random_device()());
    return world;
  }

  Fleet::World FleetWorld() {
    Fleet::World world{cluster_->token(), nullptr, clock_};
    if (config_.tls.managed) {
      world.authorities = [this] { return identity_->Authorities(); };
    }
    return world;
  }

  // This replica's own log is read where it is, also when nobody can be reached.
  base::Result<std::unique_ptr<audit::Reader>> OpenFleet(const base::Clock& clock) {
    auto own = audit::OpenDatabaseReader(config_.audit.database, kFleetDeadline, clock);
    if (!own) {
      return own;
    }
    const std::vector<std::string> addresses = OwnAddresses();
    return fleet_->OpenReader(
        {*std::move(own),
         [addresses](const std::string& address) { return std::find(addresses.begin(), addresses.end(), address) != addresses.end(); }},
        clock);
  }

  azure::LiveInventory::Hooks LiveHooks() {
    return {.offer =
                [this](policy::Observations learned, std::function<void()> merged) {
                  keeper_.Offer(std::move(learned), std::move(merged));
                  if (files_) {  // before Listen there is no state thread, and nothing that is urgent
                    files_->Wake();
                  }
                },
            .facts =
                [this] {
                  const std::shared_ptr<const state::State> current = keeper_.states().Current();
                  return std::shared_ptr<const policy::Facts>(current, &current->facts);
                },
            .log = log_,
            .needed_children = [this] { return policy::NeededChildKinds(*keeper_.states().Current()->policy); }};
  }

  // Any thread.
  Health CurrentHealth() const {
    Health health;
    health.state = keeper_.status();
    health.priming_over = clock_.Monotonic() - started_ >= config_.inventory.prime_timeout;
    identity_->Tell(health);
    health.azure_problem = inventory_ ? inventory_->status().problem : std::nullopt;
    health.audit_problem = trail_ ? trail_->problem() : std::nullopt;
    health.audit_age_doubt = trail_ ? trail_->age_doubt() : std::nullopt;
    health.forwarding_problem = forwarding_ ? forwarding_->status().problem : std::nullopt;
    return health;
  }

  void Fill(webhook::Gauges& gauges) const {
    const std::shared_ptr<const state::State> current = keeper_.states().Current();
    const std::shared_ptr<const certs::Identity> identity = identity_->identities().Current();
    FillGauges(current.get(), keeper_.status(), identity.get(), clock_.Now(), gauges);
    identity_->Tell(gauges);
    if (inventory_) {
      gauges.azure = AzureGauges(inventory_->status(), azure_->counters());
    }
    if (cluster_) {
      gauges.kubernetes = cluster_->Gauges();
    }
    if (scan_) {
      gauges.scan = scan_->Gauges();
    }
    if (trail_) {
      const audit::Store::Size size = trail_->Measure();
      gauges.audit = webhook::Gauges::Audit{size.rows, size.bytes, size.wal_bytes, size.set_aside, trail_->lost()};
      if (forwarding_) {
        gauges.forwarding = ForwardingGauges(forwarding_->status(), size);
      }
    }
  }

  void RunAudit() {
    if (verdict_changes_) {
      verdict_changes_->Run();
    }
    if (denials_) {  // before Maintain, as what is copied
      denials_->Run();
    }
    trail_->Run();
  }

  void PollFiles() {
    keeper_.Poll();
    if (verdict_changes_) {
      verdict_changes_->Observe(keeper_.states().Current());
    }
    identity_->PollFiles();
    trim_.Run();
  }

  // As records of admissions are: what the store refuses goes to standard output.
  void Record(std::span<const audit::Record> records) {
    if (!trail_->Commit(records)) {
      trail_->Lost(records);
    }
  }

  void LogStart() const {
    const state::Status status = keeper_.status();
    const std::string registries = status.primed ? std::to_string(status.registries) + " registries" : "no inventory yet";
    log_(base::LogLevel::kInfo, "serving on " + WithPort(config_.server.address, server_->port()) + ", health on " +
                                    WithPort(config_.health.address, server_->health_port()) + ", policy " + status.policy_digest + ", " +
                                    registries + ", version " + std::string(kVersion));
  }

  const Config& config_;
  const azure::Environment& environment_;
  const base::Clock& clock_;
  const base::Log log_;
  const std::chrono::steady_clock::time_point started_;
  std::string client_ca_pem_;
  std::unique_ptr<Cluster> cluster_;             // null: no API server is talked to
  state::Keeper keeper_;                         // Poll: the state thread
  std::unique_ptr<ClusterState> cluster_state_;  // as cluster_
  std::unique_ptr<ServingIdentity> identity_;    // PollFiles: the state thread
  std::unique_ptr<ClusterScan> scan_;            // null: what runs is not looked at
  webhook::Metrics metrics_;
  IdleTrim trim_{metrics_, clock_};                  // the state thread
  std::unique_ptr<AzureSource> azure_;               // null: the inventory is a file
  std::unique_ptr<azure::LiveInventory> inventory_;  // the same
  std::unique_ptr<AuditTrail> trail_;                // null: auditing is off
  std::unique_ptr<AuditForwarding> forwarding_;      // null: records stay here alone
  std::unique_ptr<VerdictChanges> verdict_changes_;  // null: they are not recorded. Observe: the state thread, Run: the audit thread
  std::optional<DenialEvents> denials_;              // none: they are not told in Events. RunAudit: the audit thread
  const std::shared_ptr<base::Event> stop_queries_ = std::make_shared<base::Event>();
  std::unique_ptr<kube::Authorizer> authorizer_;  // null: there is no audit API
  std::unique_ptr<Fleet> fleet_;                  // null: this replica's log alone answers
  std::unique_ptr<AuditService> audit_api_;       // as authorizer_
  std::unique_ptr<webhook::Server> server_;
  std::unique_ptr<base::Periodic> files_;
  std::unique_ptr<azure::LiveThreads> refresh_;
  std::unique_ptr<base::Periodic> records_;
};

}  // namespace

int RunServe(const ServeArguments& arguments, const Streams& streams, const base::Clock& clock, const azure::Environment& environment) {
  StopSignals signals;
  const base::Loaded<Config> config = LoadConfig(arguments.config);
  if (!config) {
    streams.err << base::ToString(config.error()) << '\n';
    return kExitError;
  }
  const base::Log log = MakeLog(config->log.level);
  Service service(*config, environment, clock, log);
  base::Result<void> started = service.Load();
  malloc_trim(0);  // what reading took, before there are requests
  if (started) {
    signals.Serving();  // from here on there may be requests, and a stop is a drain
    started = service.Listen();
  }
  if (!started) {
    log(base::LogLevel::kError, "cannot start: " + started.error().ToString());
    return kExitError;
  }
  signals.WaitUntilAsked();
  signals.EndWithin(std::chrono::ceil<std::chrono::seconds>(config->server.drain_delay) + 2 * kEndAfterDrain);
  log(base::LogLevel::kInfo, "stopping: draining");
  service.Drain();
  signals.EndWithin(kEndAfterDrain);
  service.Close();
  log(base::LogLevel::kInfo, "stopped");
  return kExitOk;
}

}  // namespace cli
