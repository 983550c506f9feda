#include "cli/serving_identity.h"

#include <chrono>
#include <utility>

#include "base/time.h"

namespace cli {
namespace {

// Of each of two calls, at the end of a process that has two seconds for all.
constexpr std::chrono::milliseconds kLeaveDeadline{500};

double Seconds(base::Time time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

certs::ManagedIdentity::Hooks HooksFor(Cluster& cluster, const base::Log& log) {
  return {log, [&cluster](const certs::Notice& notice) {
            cluster.Tell(notice.warning ? kube::Event::Type::kWarning : kube::Event::Type::kNormal, notice.reason, notice.action,
                         notice.note);
          }};
}

}  // namespace

certs::PlanSettings PlanSettingsOf(const ManagedTlsConfig& config, const std::string& replica, const std::string& namespace_name) {
  const std::string name = config.service + "." + namespace_name;
  return {.replica = replica,
          .names = {name + ".svc", config.service, name, name + ".svc.cluster.local"},  // the API server asks for the first
          .validity = config.validity,
          .authority_validity = config.authority_validity,
          .before = config.overlap_before,
          .after = config.overlap_after};
}

ServingIdentity::Managed::Managed(const ManagedTlsConfig& config, Cluster& cluster, const base::Clock& clock, const base::Log& log)
    : store(cluster, config.secret),
      trust(cluster, config.webhook_configuration, config.service),
      identity(PlanSettingsOf(config, cluster.pod().name, cluster.namespace_name()), store, trust, HooksFor(cluster, log), clock) {}

ServingIdentity::ServingIdentity(const TlsConfig& tls, Cluster* cluster, const base::Clock& clock, const base::Log& log) : clock_(clock) {
  if (tls.managed) {
    managed_ = std::make_unique<Managed>(*tls.managed, *cluster, clock, log);
  } else {
    files_ = std::make_unique<certs::FileIdentity>(tls.certificate, tls.key, log);
  }
}

base::Result<void> ServingIdentity::Load() {
  if (files_) {
    return files_->Load();
  }
  PollCluster();
  return {};
}

const base::Snapshot<certs::Identity>& ServingIdentity::identities() const {
  return files_ ? files_->identities() : managed_->identity.identities();
}

base::Result<std::string> ServingIdentity::Authorities() const {
  std::string pem = managed_ ? managed_->identity.status().authorities : std::string();
  if (pem.empty()) {
    return base::Fail(base::ErrorCode::kUnavailable, "whom the replicas' certificates are from is not known yet");
  }
  return pem;
}

void ServingIdentity::PollFiles() {
  if (files_) {
    files_->Poll();
  }
}

void ServingIdentity::PollWhenDue() {
  const bool ready = managed_->identity.status().not_ready.empty();
  if (!ready || clock_.Monotonic() - polled_ >= certs::kPollInterval) {
    PollCluster();
  }
}

void ServingIdentity::PollCluster() {
  polled_ = clock_.Monotonic();
  polling_ = true;
  if (!settled_) {
    managed_->identity.Poll();
  }
  polling_ = false;
}

void ServingIdentity::Start() {
  if (managed_) {
    thread_ = std::make_unique<base::Periodic>("kube-identity", kLookInterval, [this] { PollWhenDue(); });
  }
}

void ServingIdentity::Leave() {
  if (!managed_ || polling_) {  // an API server that keeps a call waiting now would do so again
    return;
  }
  Stop();
  managed_->store.SetDeadline(kLeaveDeadline);
  managed_->identity.Leave();
}

void ServingIdentity::Stop() {
  if (thread_) {
    thread_->Stop();
  }
}

void ServingIdentity::Tell(Health& health) const {
  if (files_) {
    health.certificate_problem = files_->problem();
    return;
  }
  const certs::ManagedIdentity::Status status = managed_->identity.status();
  health.certificate_not_ready = status.not_ready;
  // What cannot be done may be about the Secret or caBundle: it does not mean that an older certificate serves.
  if (status.problem && status.not_ready.find(*status.problem) == std::string::npos) {
    health.certificate_notes.push_back(*status.problem);
  }
  if (status.configuration_present == false) {
    health.certificate_notes.emplace_back("there is no webhook configuration that calls this service: nothing is checked");
  }
  if (status.clock_ahead) {
    health.certificate_notes.push_back("this replica's clock differs from the API server's by " +
                                       std::to_string(std::chrono::abs(*status.clock_ahead).count()) + " s");
  }
}

void ServingIdentity::Tell(webhook::Gauges& gauges) const {
  if (files_) {
    return;
  }
  const certs::ManagedIdentity::Status status = managed_->identity.status();
  webhook::Gauges::Certificates& certificates = gauges.certificates.emplace();
  if (status.authority_not_after) {
    certificates.authority_not_after_seconds = Seconds(*status.authority_not_after);
  }
  certificates.configuration_present = status.configuration_present;
  // Counters are there from the start, so that their first increase is one.
  for (const char* what : {"ca_bundle", "clock", "expired", "secret_invalid", "secret_missing"}) {
    const auto found = status.repairs.find(what);
    certificates.repairs.push_back({what, found == status.repairs.end() ? 0 : found->second});
  }
  for (const char* what : {"ca", "leaf"}) {
    const auto found = status.rotations.find(what);
    certificates.rotations.push_back({what, found == status.rotations.end() ? 0 : found->second});
  }
}

}  // namespace cli
