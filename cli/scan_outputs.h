// What is told of what runs by objects in the cluster: an object for each registry, and a report for each namespace. Made anew of each
// assessment, and brought about step by step, so that no change of thousands floods the API server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "cli/cluster.h"
#include "cli/cluster_failures.h"
#include "cli/running_assessment.h"
#include "cli/scan_config.h"
#include "kube/object_set.h"

namespace cli {

// Requests that write, of one call of Bring.
inline constexpr std::size_t kMaxScanWrites = 50;
// What is not installed is looked for again, and what is there read again, since others may write it too.
inline constexpr std::chrono::minutes kFindResourcesAgain{10};
inline constexpr std::chrono::hours kReadObjectsAgain{1};
// After a failure, unless the API server asks for more.
inline constexpr std::chrono::seconds kScanPause{30};
// More registries than this have no objects: kube::kMaxObjects are read, of which some may have to go.
inline constexpr std::size_t kMaxCompliances = kube::kMaxObjects / 2;

// Writes by kind of object ("registrycompliances", "reports") and what came of them ("written", "failed").
using ScanWrites = std::map<std::pair<std::string, std::string>, std::uint64_t>;

// For one thread, and one time of leadership.
class ScanOutputs {
 public:
  // All that is handed in must outlive it. `writes` is counted up.
  ScanOutputs(Cluster& cluster, const ScanConfig& config, const base::Clock& clock, const base::Log& log, ScanWrites& writes);

  // Objects are to be as `assessment` says; it is used until the next call.
  void Want(const RunningAssessment& assessment);
  // One step on the way there: at most kMaxScanWrites requests. Nothing when all is as it should be.
  void Bring();

  // Of the object of that registry, "" where none is known.
  std::string ComplianceUid(const std::string& login_server) const;

 private:
  using Instant = std::chrono::steady_clock::time_point;
  using Wanted = std::map<kube::ObjectSet::Key, nlohmann::json>;

  // The objects of one kind. It may have several APIs, of which the first that the cluster has is used.
  struct Kind {
    std::string object;
    std::vector<kube::ObjectSetOptions> apis;
    ClusterFailures failures;
    std::unique_ptr<kube::ObjectSet> set{};  // null: not installed, or not looked yet
    std::size_t api = 0;                     // of `apis`, the one that is used
    std::optional<Instant> read_at{};        // or found not to be there
    std::optional<Wanted> wanted{};          // none: to be made of the assessment
    bool pending = false;
    Instant not_before{};
  };

  bool Read(Kind& kind);
  Wanted Make(const Kind& kind) const;
  Wanted Compliances(const kube::ObjectSet& known) const;
  Wanted Reports(const Kind& kind) const;
  std::size_t Bring(Kind& kind, std::size_t max_writes);
  void Fail(Kind& kind, const kube::ApiError& error);

  Cluster& cluster_;
  const base::Clock& clock_;
  ScanWrites& writes_;
  const RunningAssessment* assessment_ = nullptr;
  std::vector<std::unique_ptr<Kind>> kinds_;
};

}  // namespace cli
