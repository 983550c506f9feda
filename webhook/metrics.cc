#include "webhook/metrics.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace webhook {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::array kDecisionKinds = {policy::DecisionKind::kAllowed, policy::DecisionKind::kWarned, policy::DecisionKind::kDenied};
constexpr std::array kResults = {policy::FindingResult::kCompliant, policy::FindingResult::kNonCompliant, policy::FindingResult::kUnknown};
constexpr std::array kEffects = {policy::Effect::kDisabled, policy::Effect::kAudit, policy::Effect::kWarn, policy::Effect::kDeny};

template <class Enum>
std::size_t Index(Enum value) {
  return static_cast<std::size_t>(value);
}

// Collects one family after the other.
class Families {
 public:
  void Begin(std::string_view name, std::string help, MetricType type) {
    families_.push_back(MetricFamily{"acr_admission_" + std::string(name), std::move(help), type, {}});
  }

  void Add(double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (families_.back().type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
    families_.back().metric.push_back(std::move(metric));
  }
  void Add(std::uint64_t value, Labels labels = {}) { Add(static_cast<double>(value), std::move(labels)); }

  void Counter(std::string_view name, std::string help, std::uint64_t value) {
    Begin(name, std::move(help), MetricType::Counter);
    Add(value);
  }
  void Gauge(std::string_view name, std::string help, double value) {
    Begin(name, std::move(help), MetricType::Gauge);
    Add(value);
  }

  const std::vector<MetricFamily>& all() const { return families_; }
  MetricFamily& last() { return families_.back(); }

 private:
  std::vector<MetricFamily> families_;
};

using Shards = std::vector<std::unique_ptr<MetricsShard>>;

template <class Read>  // const Counter& of a shard
std::uint64_t Sum(const Shards& shards, Read read) {
  std::uint64_t sum = 0;
  for (const auto& shard : shards) {
    sum += read(*shard).value();
  }
  return sum;
}

template <class Read>  // const Histogram& of a shard
void AddHistogram(Families& out, const Shards& shards, Read read) {
  ClientMetric metric;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) {
    cumulative += Sum(shards, [&](const MetricsShard& shard) -> const Counter& { return read(shard).buckets[i]; });
    ClientMetric::Bucket bucket;
    bucket.cumulative_count = cumulative;
    bucket.upper_bound =
        i < Histogram::kBounds.size() ? static_cast<double>(Histogram::kBounds[i]) / 1e6 : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back(bucket);
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum =
      static_cast<double>(Sum(shards, [&](const MetricsShard& shard) -> const Counter& { return read(shard).nanoseconds; })) / 1e9;
  out.last().metric.push_back(std::move(metric));
}

void AddDecisions(Families& out, const Shards& shards) {
  out.Begin("decisions_total", "Admissions decided.", MetricType::Counter);
  for (const auto kind : kDecisionKinds) {
    for (const bool dry_run : {false, true}) {
      out.Add(Sum(shards, [&](const MetricsShard& shard) -> const Counter& { return shard.decisions[Index(kind)][dry_run]; }),
              {{"decision", std::string(ToString(kind))}, {"dry_run", dry_run ? "true" : "false"}});
    }
  }
}

void AddFindings(Families& out, const Shards& shards) {
  std::map<std::string, std::array<std::array<std::uint64_t, 4>, 3>> sums;
  for (const auto& shard : shards) {
    const std::size_t used = shard->requirements_used.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) {
      const auto& requirement = shard->requirements[i];
      auto& sum = sums[requirement.name];
      for (const auto result : kResults) {
        for (const auto effect : kEffects) {
          sum[Index(result)][Index(effect)] += requirement.counts[Index(result)][Index(effect)].value();
        }
      }
    }
  }
  out.Begin("findings_total", "Findings that decisions were made from, one for each image and requirement.", MetricType::Counter);
  for (const auto& [name, sum] : sums) {
    for (const auto result : kResults) {
      for (const auto effect : kEffects) {
        if (sum[Index(result)][Index(effect)] > 0) {
          out.Add(sum[Index(result)][Index(effect)],
                  {{"requirement", name}, {"result", std::string(ToString(result))}, {"effect", std::string(ToString(effect))}});
        }
      }
    }
  }
}

void AddTraffic(Families& out, const Shards& shards) {
  out.Begin("requests_total", "Requests answered, by HTTP status.", MetricType::Counter);
  for (std::size_t i = 0; i < MetricsShard::kStatuses.size(); ++i) {
    const unsigned status = MetricsShard::kStatuses[i];
    out.Add(Sum(shards, [i](const MetricsShard& shard) -> const Counter& { return shard.answers[i]; }),
            {{"code", status == 0 ? "other" : std::to_string(status)}});
  }
  out.Begin("refused_requests_total", "Requests that got no decision, by reason.", MetricType::Counter);
  for (std::size_t i = 0; i < kRefusedRequests; ++i) {
    out.Add(Sum(shards, [i](const MetricsShard& shard) -> const Counter& { return shard.refused_requests[i]; }),
            {{"reason", std::string(ToString(static_cast<RefusedRequest>(i)))}});
  }
  out.Begin("request_duration_seconds", "From a request's last byte to its answer, audit commit and waits for fresher facts included.",
            MetricType::Histogram);
  AddHistogram(out, shards, [](const MetricsShard& shard) -> const Histogram& { return shard.request_duration; });

  const auto opened = Sum(shards, [](const MetricsShard& shard) -> const Counter& { return shard.connections_opened; });
  const auto closed = Sum(shards, [](const MetricsShard& shard) -> const Counter& { return shard.connections_closed; });
  out.Gauge("connections", "Open connections.", opened > closed ? static_cast<double>(opened - closed) : 0.0);
  out.Begin("connections_refused_total", "Connections refused, or closed before anything was answered on them, by reason.",
            MetricType::Counter);
  for (std::size_t i = 0; i < kRefusedConnections; ++i) {
    out.Add(Sum(shards, [i](const MetricsShard& shard) -> const Counter& { return shard.refused_connections[i]; }),
            {{"reason", std::string(ToString(static_cast<RefusedConnection>(i)))}});
  }
  out.Counter("tls_handshake_failures_total", "TLS handshakes that failed.",
              Sum(shards, [](const MetricsShard& shard) -> const Counter& { return shard.handshake_failures; }));
  out.Gauge("bodies_in_flight_bytes", "Bytes of request bodies in memory.",
            static_cast<double>(Sum(shards, [](const MetricsShard& shard) -> const Counter& { return shard.body_bytes; })));
}

void AddConfirmations(Families& out, const Shards& shards) {
  out.Begin("confirmations_total", "Denials that waited for fresher facts, by what came of it.", MetricType::Counter);
  for (std::size_t i = 0; i < kConfirmations; ++i) {
    out.Add(Sum(shards, [i](const MetricsShard& shard) -> const Counter& { return shard.confirmations[i]; }),
            {{"result", std::string(ToString(static_cast<Confirmation>(i)))}});
  }
  out.Begin("confirmation_duration_seconds", "How long denials waited for fresher facts.", MetricType::Histogram);
  AddHistogram(out, shards, [](const MetricsShard& shard) -> const Histogram& { return shard.confirmation_duration; });
}

void AddAudit(Families& out, const Shards& shards, const Gauges& gauges) {
  out.Counter("audit_records_total", "Audit records committed.",
              Sum(shards, [](const MetricsShard& shard) -> const Counter& { return shard.audit_records; }));
  out.Counter("audit_commit_failures_total", "Commits of audit records that failed.",
              Sum(shards, [](const MetricsShard& shard) -> const Counter& { return shard.audit_failures; }));
  out.Begin("audit_commit_duration_seconds", "How long commits of audit records took.", MetricType::Histogram);
  AddHistogram(out, shards, [](const MetricsShard& shard) -> const Histogram& { return shard.audit_duration; });
  if (gauges.audit) {
    out.Gauge("audit_rows", "Records in the audit log.", static_cast<double>(gauges.audit->rows));
    out.Gauge("audit_bytes", "Size of the audit log.", static_cast<double>(gauges.audit->bytes));
    out.Gauge("audit_wal_bytes", "Size of the audit log's write-ahead log.", static_cast<double>(gauges.audit->wal_bytes));
    out.Gauge("audit_databases_set_aside", "Damaged audit databases that lie beside the one in use.",
              static_cast<double>(gauges.audit->set_aside));
    out.Counter("audit_records_lost_total", "Audit records that neither the database nor standard output took.", gauges.audit->lost);
  }
  if (gauges.forwarding) {
    const Gauges::Forwarding& forwarding = *gauges.forwarding;
    out.Counter("audit_forwarded_total", "Audit records that PostgreSQL has.", forwarding.rows);
    out.Counter("audit_forward_failures_total", "Attempts to send audit records to PostgreSQL that failed.", forwarding.failures);
    out.Counter("audit_forward_lost_total", "Audit records that PostgreSQL will not have.", forwarding.lost);
    out.Gauge("audit_forward_waiting", "Audit records that PostgreSQL does not have yet.", static_cast<double>(forwarding.waiting));
    if (forwarding.last_success_seconds) {
      out.Gauge("audit_forward_success_timestamp_seconds", "When PostgreSQL last took what there was.", *forwarding.last_success_seconds);
    }
  }
}

void AddAuditApi(Families& out, const Shards& shards) {
  out.Begin("audit_api_requests_total", "Requests to the audit API answered, by endpoint and class of HTTP status.", MetricType::Counter);
  for (std::size_t endpoint = 0; endpoint < kAuditEndpoints; ++endpoint) {
    for (std::size_t i = 0; i < MetricsShard::kAuditClasses.size(); ++i) {
      out.Add(Sum(shards, [&](const MetricsShard& shard) -> const Counter& { return shard.audit_answers[endpoint][i]; }),
              {{"endpoint", std::string(ToString(static_cast<AuditEndpoint>(endpoint)))},
               {"code", std::string(MetricsShard::kAuditClasses[i])}});
    }
  }
  out.Begin("audit_api_request_duration_seconds", "From the last byte of a request to the audit API to its answer.", MetricType::Histogram);
  AddHistogram(out, shards, [](const MetricsShard& shard) -> const Histogram& { return shard.audit_answer_duration; });
  out.Gauge("audit_api_requests_in_flight", "Requests to the audit API whose answers are not written yet.",
            static_cast<double>(Sum(shards, [](const MetricsShard& shard) -> const Counter& { return shard.audit_requests; })));
}

void AddAzure(Families& out, const Gauges::Azure& azure) {
  out.Counter("azure_requests_total", "Requests sent to Resource Manager, Resource Graph and Policy Insights.", azure.requests);
  out.Begin("azure_reads_total", "Questions to Azure, by what was asked and what came of it.", MetricType::Counter);
  for (const auto& read : azure.reads) {
    out.Add(read.count, {{"read", std::string(read.read)}, {"result", std::string(read.result)}});
  }
  out.Gauge("azure_subscriptions", "Subscriptions that are read.", static_cast<double>(azure.subscriptions));
  out.Gauge("azure_subscriptions_failing", "Subscriptions whose last reading failed.", static_cast<double>(azure.subscriptions_failing));
  out.Gauge("azure_registries_suspected", "Registries that are missing from their list, and not settled yet.",
            static_cast<double>(azure.registries_suspected));
  out.Gauge("azure_registries_forbidden", "Registries that may not be read any more, kept at their true age.",
            static_cast<double>(azure.registries_forbidden));
  out.Gauge("azure_registries_children_failing", "Registries, children of which could not be read at the last try.",
            static_cast<double>(azure.registries_children_failing));
  out.Begin("azure_hosts_total", "Registry hosts about which denials wanted fresher facts, by what was done.", MetricType::Counter);
  for (const auto& host : azure.hosts) {
    out.Add(host.count, {{"outcome", std::string(host.outcome)}});
  }
  out.Gauge("azure_hosts_waiting", "Registry hosts that are waited for.", static_cast<double>(azure.hosts_waiting));
}

void AddKubernetes(Families& out, const Gauges::Kubernetes& kubernetes) {
  out.Begin("events_total", "Kubernetes Events, by what came of them.", MetricType::Counter);
  for (const auto& events : kubernetes.events) {
    out.Add(events.count, {{"result", events.label}});
  }
  out.Begin("kubernetes_failures_total", "What was wanted of the Kubernetes API and failed, by what it was for.", MetricType::Counter);
  for (const auto& failures : kubernetes.failures) {
    out.Add(failures.count, {{"what", failures.label}});
  }
}

void AddCertificates(Families& out, const Gauges::Certificates& certificates) {
  if (certificates.authority_not_after_seconds) {
    out.Gauge("certificate_authority_not_after_seconds", "When the certificate authority of the serving certificate expires, as Unix time.",
              *certificates.authority_not_after_seconds);
  }
  if (certificates.configuration_present) {
    out.Gauge("webhook_configuration_present", "Whether there is a webhook configuration that calls this service.",
              *certificates.configuration_present ? 1 : 0);
  }
  out.Begin("certificate_repairs_total", "What was wrong with the certificates and was mended by this replica.", MetricType::Counter);
  for (const auto& [label, count] : certificates.repairs) {
    out.Add(count, {{"what", label}});
  }
  out.Begin("certificate_rotations_total", "Certificates and authorities that this replica replaced.", MetricType::Counter);
  for (const auto& [label, count] : certificates.rotations) {
    out.Add(count, {{"what", label}});
  }
}

void AddScan(Families& out, const Gauges::Scan& scan) {
  out.Gauge("scan_leader", "Whether this replica looks at what runs.", scan.leads ? 1 : 0);
  if (scan.pods) {
    out.Gauge("scan_pods", "Pods that run.", static_cast<double>(*scan.pods));
    out.Begin("running_violations", "Workloads that run and are not as the policy wants them.", MetricType::Gauge);
    for (const auto& [namespace_name, requirement, workloads] : scan.violations) {
      out.Add(static_cast<double>(workloads), {{"namespace", namespace_name}, {"requirement", requirement}});
    }
  }
  if (scan.last_success_seconds) {
    out.Gauge("scan_last_success_timestamp_seconds", "When what runs was judged last, as Unix time.", *scan.last_success_seconds);
  }
  out.Begin("scan_writes_total", "Objects about what runs that were written or deleted, by what came of it.", MetricType::Counter);
  for (const auto& [object, outcome, count] : scan.writes) {
    out.Add(count, {{"object", object}, {"outcome", outcome}});
  }
}

void AddState(Families& out, const Gauges& gauges) {
  out.Gauge("registries", "Registries in the inventory.", static_cast<double>(gauges.registries));
  out.Gauge("inventory_primed", "Whether the inventory was read at least once.", gauges.inventory_primed ? 1 : 0);
  if (gauges.inventory_age_seconds) {
    out.Gauge("inventory_age_seconds", "Age of the oldest observation in the inventory.", *gauges.inventory_age_seconds);
  }
  out.Gauge("inventory_stale", "Whether the newest inventory was refused and an older one is in use.", gauges.inventory_stale ? 1 : 0);
  out.Counter("inventory_reload_failures_total", "Inventories that were refused.", gauges.inventory_reload_failures);
  out.Gauge("policy_stale", "Whether the newest policy was refused and an older one is in force.", gauges.policy_stale ? 1 : 0);
  out.Gauge("policy_last_good", "Whether the last good policy, kept in the cluster, is in force since the start's was refused.",
            gauges.policy_last_good ? 1 : 0);
  out.Counter("policy_reload_failures_total", "Policies that were refused.", gauges.policy_reload_failures);
  if (gauges.certificate_not_after_seconds) {
    out.Gauge("certificate_not_after_seconds", "When the serving certificate expires, as Unix time.",
              *gauges.certificate_not_after_seconds);
  }
  if (gauges.certificates) {
    AddCertificates(out, *gauges.certificates);
  }
  out.Begin("registry_compliance", "Registries by requirement and result.", MetricType::Gauge);
  for (const auto& compliance : gauges.compliance) {
    out.Add(static_cast<std::uint64_t>(compliance.registries),
            {{"requirement", compliance.requirement}, {"result", std::string(ToString(compliance.result))}});
  }
  if (!gauges.disagreements.empty()) {
    out.Begin("compliance_disagreements",
              "Registries of which one of the finding and Azure Policy's state is Compliant and the other NonCompliant.",
              MetricType::Gauge);
    for (const auto& disagreements : gauges.disagreements) {
      out.Add(static_cast<std::uint64_t>(disagreements.registries), {{"requirement", disagreements.requirement}});
    }
  }
}

}  // namespace

std::string_view ToString(RefusedRequest reason) {
  switch (reason) {
    case RefusedRequest::kBadHead:
      return "bad_head";
    case RefusedRequest::kHeadTooLarge:
      return "head_too_large";
    case RefusedRequest::kNotFound:
      return "not_found";
    case RefusedRequest::kMethod:
      return "method_not_allowed";
    case RefusedRequest::kMediaType:
      return "unsupported_media_type";
    case RefusedRequest::kTransferCoding:
      return "transfer_coding";
    case RefusedRequest::kLengthRequired:
      return "length_required";
    case RefusedRequest::kExpectation:
      return "expectation";
    case RefusedRequest::kBodyTooLarge:
      return "body_too_large";
    case RefusedRequest::kUnauthorized:
      return "unauthorized";
    case RefusedRequest::kBodiesInFlight:
      return "bodies_in_flight";
    case RefusedRequest::kTruncated:
      return "truncated";
    case RefusedRequest::kBadBody:
      return "bad_body";
    case RefusedRequest::kBadReview:
      return "bad_review";
    case RefusedRequest::kNotReady:
      return "not_ready";
    case RefusedRequest::kCallerTimeout:
      return "caller_timeout";
    case RefusedRequest::kHeadDeadline:
      return "head_deadline";
    case RefusedRequest::kBodyDeadline:
      return "body_deadline";
    case RefusedRequest::kWriteDeadline:
      return "write_deadline";
    case RefusedRequest::kAuditFailure:
      return "audit_failure";
    case RefusedRequest::kInternalError:
      return "internal_error";
  }
  return "";
}

std::string_view ToString(RefusedConnection reason) {
  switch (reason) {
    case RefusedConnection::kTotal:
      return "total";
    case RefusedConnection::kAddress:
      return "address";
    case RefusedConnection::kEvicted:
      return "evicted";
    case RefusedConnection::kHandshakeDeadline:
      return "handshake_deadline";
    case RefusedConnection::kNoRequest:
      return "no_request";
    case RefusedConnection::kAcceptError:
      return "accept_error";
  }
  return "";
}

std::string_view ToString(Confirmation result) {
  switch (result) {
    case Confirmation::kAllowed:
      return "allowed";
    case Confirmation::kDenied:
      return "denied";
    case Confirmation::kLate:
      return "late";
  }
  return "";
}

void Histogram::Observe(std::chrono::nanoseconds value) {
  const std::int64_t count = std::max<std::int64_t>(value.count(), 0);
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), count,
                                      [](std::int64_t limit, std::int64_t observed) { return limit * 1000 < observed; });
  buckets[static_cast<std::size_t>(bound - kBounds.begin())].Add();
  nanoseconds.Add(static_cast<std::uint64_t>(count));
}

void MetricsShard::CountDecision(const policy::Decision& decision, bool dry_run) {
  decisions[Index(decision.kind)][dry_run].Add();
  for (const auto& image : decision.images) {
    for (const auto& finding : image.findings) {
      CountFinding(finding);
    }
  }
  if (decision.failure) {
    CountFinding(*decision.failure);
  }
}

void MetricsShard::CountFinding(const policy::ImageFinding& finding) {
  Requirement(finding.finding->requirement).counts[Index(finding.finding->result)][Index(finding.effect)].Add();
}

MetricsShard::RequirementCounts& MetricsShard::Requirement(std::string_view name) {
  const std::size_t used = requirements_used.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < used; ++i) {
    if (requirements[i].name == name) {
      return requirements[i];
    }
  }
  if (used == kRequirements) {
    return requirements.back();
  }
  requirements[used].name = used + 1 < kRequirements ? std::string(name) : "other";
  requirements_used.store(used + 1, std::memory_order_release);
  return requirements[used];
}

void MetricsShard::CountAnswer(unsigned status, std::chrono::nanoseconds duration) {
  const auto known = std::find(kStatuses.begin(), kStatuses.end() - 1, status);
  answers[static_cast<std::size_t>(known - kStatuses.begin())].Add();
  request_duration.Observe(duration);
}

void MetricsShard::CountAuditAnswer(AuditEndpoint endpoint, unsigned status, std::chrono::nanoseconds duration) {
  audit_answers[Index(endpoint)][status < 400 ? 0 : status < 500 ? 1 : 2].Add();
  audit_answer_duration.Observe(duration);
}

Metrics::Metrics(std::string version) : version_(std::move(version)) {}
Metrics::~Metrics() = default;

MetricsShard& Metrics::AddShard() {
  base::MutexLock lock(mutex_);
  return *shards_.emplace_back(std::make_unique<MetricsShard>());
}

void Metrics::OnScrape(std::function<void(Gauges&)> fill) {
  base::MutexLock lock(mutex_);
  fill_ = std::move(fill);
}

std::string Metrics::Expose() const {
  base::MutexLock lock(mutex_);
  Gauges gauges;
  if (fill_) {
    fill_(gauges);
  }
  Families out;
  out.Begin("build_info", "Always 1; the label says which version runs.", MetricType::Gauge);
  out.Add(1.0, {{"version", version_}});
  AddDecisions(out, shards_);
  AddFindings(out, shards_);
  AddConfirmations(out, shards_);
  AddTraffic(out, shards_);
  AddAudit(out, shards_, gauges);
  AddAuditApi(out, shards_);
  AddState(out, gauges);
  if (gauges.azure) {
    AddAzure(out, *gauges.azure);
  }
  if (gauges.kubernetes) {
    AddKubernetes(out, *gauges.kubernetes);
  }
  if (gauges.scan) {
    AddScan(out, *gauges.scan);
  }
  return prometheus::TextSerializer().Serialize(out.all());
}

std::uint64_t Metrics::Answers() const {
  base::MutexLock lock(mutex_);
  std::uint64_t answers = 0;
  for (std::size_t i = 0; i < MetricsShard::kStatuses.size(); ++i) {
    answers += Sum(shards_, [i](const MetricsShard& shard) -> const Counter& { return shard.answers[i]; });
  }
  return answers;
}

}  // namespace webhook
