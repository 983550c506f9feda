// What /metrics tells. Every metric: docs/metrics.md.
//
// Counting takes no lock: each io thread writes its own MetricsShard, and a scrape adds them up.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "policy/decision.h"
#include "webhook/audit_endpoint.h"

namespace webhook {

// One writing thread, any number of readers.
class Counter {
 public:
  void Add(std::uint64_t by = 1) { value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }
  void Subtract(std::uint64_t by) { value_.store(value_.load(std::memory_order_relaxed) - by, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// One writing thread, any number of readers.
class Histogram {
 public:
  // Upper bounds in microseconds; Prometheus' `le` in seconds.
  static constexpr std::array<std::int64_t, 14> kBounds = {50,     100,    200,    500,     1'000,   2'000,   5'000,
                                                           10'000, 20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000};

  void Observe(std::chrono::nanoseconds value);

  std::array<Counter, kBounds.size() + 1> buckets;  // each alone, not cumulative; the last is beyond all bounds
  Counter nanoseconds;
};

// Why a request got no decision.
enum class RefusedRequest : std::uint8_t {
  kBadHead,
  kHeadTooLarge,
  kNotFound,
  kMethod,
  kMediaType,
  kTransferCoding,
  kLengthRequired,
  kExpectation,
  kBodyTooLarge,
  kUnauthorized,
  kBodiesInFlight,
  kTruncated,
  kBadBody,
  kBadReview,
  kNotReady,
  kCallerTimeout,
  kHeadDeadline,
  kBodyDeadline,
  kWriteDeadline,
  kAuditFailure,
  kInternalError,
};
inline constexpr std::size_t kRefusedRequests = 21;
std::string_view ToString(RefusedRequest reason);

// Why a connection was refused or closed before it had anything answered.
enum class RefusedConnection : std::uint8_t { kTotal, kAddress, kEvicted, kHandshakeDeadline, kNoRequest, kAcceptError };
inline constexpr std::size_t kRefusedConnections = 6;
std::string_view ToString(RefusedConnection reason);

// What came of a denial that waited for fresher facts.
enum class Confirmation : std::uint8_t {
  kAllowed,  // it was no longer one
  kDenied,   // it still was
  kLate,     // the time was over before an answer came
};
inline constexpr std::size_t kConfirmations = 3;
std::string_view ToString(Confirmation result);

// What one io thread counts. Written by that thread alone.
class MetricsShard {
 public:
  void CountDecision(const policy::Decision& decision, bool dry_run);
  // `duration`: from the body's last byte to the answer's way out.
  void CountAnswer(unsigned status, std::chrono::nanoseconds duration);
  // Of the audit API, whose requests are counted nowhere else. `duration`: from the head's last byte.
  void CountAuditAnswer(AuditEndpoint endpoint, unsigned status, std::chrono::nanoseconds duration);
  void Count(RefusedRequest reason) { refused_requests[static_cast<std::size_t>(reason)].Add(); }
  void Count(RefusedConnection reason) { refused_connections[static_cast<std::size_t>(reason)].Add(); }
  void Count(Confirmation result) { confirmations[static_cast<std::size_t>(result)].Add(); }

  // Statuses that the server answers with; the last stands for any other.
  static constexpr std::array<unsigned, 14> kStatuses = {200, 400, 401, 404, 405, 411, 413, 415, 417, 431, 500, 501, 503, 0};
  // Requirements are named by the policy file, and change with it: beyond this many they are counted as "other".
  static constexpr std::size_t kRequirements = 64;
  struct RequirementCounts {
    std::string name;                              // set before it is counted in `requirements_used`
    std::array<std::array<Counter, 4>, 3> counts;  // by FindingResult, Effect
  };

  // Of statuses: 2xx, 4xx, 5xx.
  static constexpr std::array<std::string_view, 3> kAuditClasses = {"2xx", "4xx", "5xx"};

  std::array<std::array<Counter, 2>, 3> decisions;  // by DecisionKind, dry run
  std::array<RequirementCounts, kRequirements> requirements;
  std::atomic<std::size_t> requirements_used{0};
  std::array<Counter, kStatuses.size()> answers;
  std::array<Counter, kRefusedRequests> refused_requests;
  std::array<Counter, kRefusedConnections> refused_connections;
  Histogram request_duration;
  std::array<Counter, kConfirmations> confirmations;
  Histogram confirmation_duration;
  Counter connections_opened;
  Counter connections_closed;
  Counter handshake_failures;
  Counter body_bytes;  // in flight: goes up and down
  Counter audit_records;
  Counter audit_failures;
  Histogram audit_duration;
  std::array<std::array<Counter, kAuditClasses.size()>, kAuditEndpoints> audit_answers;
  Histogram audit_answer_duration;
  Counter audit_requests;  // under way: goes up and down

 private:
  RequirementCounts& Requirement(std::string_view name);
  void CountFinding(const policy::ImageFinding& finding);
};

// What is known elsewhere and looked up when it is asked for.
struct Gauges {
  struct Compliance {
    std::string requirement;
    policy::FindingResult result = policy::FindingResult::kUnknown;
    std::size_t registries = 0;
  };
  struct Disagreements {
    std::string requirement;
    std::size_t registries = 0;
  };
  struct AzureRead {
    std::string_view read;    // discover, list, settle, states, children, confirm, look_up
    std::string_view result;  // ok, not_found, forbidden, throttled, held_back, unavailable, rejected
    std::uint64_t count = 0;
  };
  struct AzureHosts {
    std::string_view outcome;
    std::uint64_t count = 0;
  };
  struct Azure {
    std::uint64_t requests = 0;  // to Resource Manager, Resource Graph and Policy Insights
    std::vector<AzureRead> reads;
    std::size_t subscriptions = 0;
    std::size_t subscriptions_failing = 0;
    std::size_t registries_suspected = 0;
    std::size_t registries_forbidden = 0;
    std::size_t registries_children_failing = 0;
    std::vector<AzureHosts> hosts;  // about which fresher facts were wanted, by what came of it
    std::size_t hosts_waiting = 0;
  };
  struct KubernetesCount {
    std::string label;
    std::uint64_t count = 0;
  };
  struct Kubernetes {
    std::vector<KubernetesCount> events;    // by what came of them
    std::vector<KubernetesCount> failures;  // by what it was for
  };
  // Of certificates that the replicas make themselves.
  struct Certificates {
    std::optional<double> authority_not_after_seconds;  // Unix time; none: not known yet
    std::optional<bool> configuration_present;          // none: not known yet
    std::vector<KubernetesCount> repairs;               // by what was wrong
    std::vector<KubernetesCount> rotations;             // by what was made anew
  };
  struct Audit {
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    std::int64_t wal_bytes = 0;
    std::int64_t set_aside = 0;  // damaged databases that are still there
    std::uint64_t lost = 0;      // records that neither the database nor standard output took
  };

  struct Forwarding {
    std::uint64_t rows = 0;
    std::uint64_t failures = 0;
    std::uint64_t lost = 0;
    std::int64_t waiting = 0;
    std::optional<double> last_success_seconds;  // Unix time; none: not since the start
  };

  // Of what runs, by the replica that looks at it.
  struct RunningViolations {
    std::string namespace_name, requirement;
    std::int64_t workloads = 0;
  };
  struct ScanWrites {
    std::string object, outcome;
    std::uint64_t count = 0;
  };
  struct Scan {
    bool leads = false;
    std::optional<std::size_t> pods;             // none: this replica does not look
    std::vector<RunningViolations> violations;   // the same
    std::optional<double> last_success_seconds;  // Unix time; the same
    std::vector<ScanWrites> writes;              // by what came of them
  };

  std::size_t registries = 0;
  bool inventory_primed = false;
  std::optional<double> inventory_age_seconds;  // of the oldest observation; none: nothing was observed yet
  std::uint64_t inventory_reload_failures = 0;
  bool inventory_stale = false;  // the newest file was refused
  std::uint64_t policy_reload_failures = 0;
  bool policy_stale = false;                            // the newest file was refused
  bool policy_last_good = false;                        // and so it was at the start: the cluster's last good one is in force
  std::optional<double> certificate_not_after_seconds;  // Unix time
  std::optional<Certificates> certificates;             // none: they come from files
  std::optional<Azure> azure;                           // none: the inventory is a file
  std::optional<Kubernetes> kubernetes;                 // none: no API server is talked to
  std::optional<Audit> audit;                           // none: auditing is off
  std::optional<Forwarding> forwarding;                 // none: records stay here alone
  std::optional<Scan> scan;                             // none: what runs is not looked at
  std::vector<Compliance> compliance;
  std::vector<Disagreements> disagreements;  // empty: Azure Policy's states are not read
};

class Metrics {
 public:
  explicit Metrics(std::string version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A shard for one more thread; lives as long as this.
  MetricsShard& AddShard() EXCLUDES(mutex_);

  // `fill` is called by whoever scrapes, on its thread, at every scrape. Null takes it away again (and waits for a scrape
  // that is calling it).
  void OnScrape(std::function<void(Gauges&)> fill) EXCLUDES(mutex_);

  // The text exposition format 0.0.4.
  std::string Expose() const EXCLUDES(mutex_);

  // Over all shards: tells a busy server from an idle one.
  std::uint64_t Answers() const EXCLUDES(mutex_);

 private:
  const std::string version_;
  mutable base::Mutex mutex_;
  std::vector<std::unique_ptr<MetricsShard>> shards_ GUARDED_BY(mutex_);
  std::function<void(Gauges&)> fill_ GUARDED_BY(mutex_);
};

}  // namespace webhook
