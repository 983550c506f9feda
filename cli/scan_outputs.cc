#include "cli/scan_outputs.h"

#include <algorithm>

#include "base/text.h"
#include "kube/object.h"
#include "scan/policy_report.h"
#include "scan/registry_compliance.h"

namespace cli {
namespace {

using nlohmann::json;

constexpr const char* kOurs = "app.kubernetes.io/managed-by=acr-admission";
constexpr const char* kManager = "acr-admission";
constexpr const char* kReports = "reports";
constexpr int kNotFound = 404;           // of an API that is not installed, whatever the answer says
constexpr std::size_t kMaxShown = 1024;  // of what the API server says

const scan::ReportApi& ReportApiOf(std::size_t api) { return api == 0 ? scan::OpenReports() : scan::PolicyReports(); }

kube::ObjectSetOptions ReportsOf(const scan::ReportApi& api) {
  return {.collection = {api.group, api.version, api.resource, ""}, .label_selector = kOurs, .manager = kManager};
}

}  // namespace

ScanOutputs::ScanOutputs(Cluster& cluster, const ScanConfig& config, const base::Clock& clock, const base::Log& log, ScanWrites& writes)
    : cluster_(cluster), clock_(clock), writes_(writes) {
  const auto add = [&](const char* object, std::vector<kube::ObjectSetOptions> apis) {
    kinds_.push_back(std::unique_ptr<Kind>(new Kind{object, std::move(apis), ClusterFailures(cluster, "scan", log)}));
    for (const char* outcome : {"written", "failed"}) {
      writes_.try_emplace({object, outcome}, 0);
    }
  };
  if (config.registry_compliances) {
    add(scan::kComplianceResource, {{.collection = {scan::kComplianceGroup, scan::kComplianceVersion, scan::kComplianceResource, ""},
                                     .label_selector = kOurs,
                                     .manager = kManager,
                                     .has_status = true}});
  }
  if (config.reports) {
    add(kReports, {ReportsOf(ReportApiOf(0)), ReportsOf(ReportApiOf(1))});
  }
}

void ScanOutputs::Want(const RunningAssessment& assessment) {
  assessment_ = &assessment;
  for (const auto& kind : kinds_) {
    kind->wanted.reset();
    kind->pending = true;
  }
}

void ScanOutputs::Bring() {
  std::size_t left = kMaxScanWrites;
  for (const auto& kind : kinds_) {
    if (kind->pending && clock_.Monotonic() >= kind->not_before && Read(*kind)) {
      left -= std::min(left, Bring(*kind, left));
    }
  }
}

std::string ScanOutputs::ComplianceUid(const std::string& login_server) const {
  for (const auto& kind : kinds_) {
    if (kind->object == scan::kComplianceResource && kind->set) {
      const json* const object = kind->set->Find({"", login_server});
      return object == nullptr ? "" : kube::TextOf(kube::MetadataOf(*object), "uid");
    }
  }
  return "";
}

// Whether the cluster has such objects, and they were read.
bool ScanOutputs::Read(Kind& kind) {
  const Instant now = clock_.Monotonic();
  if (kind.read_at && now - *kind.read_at < (kind.set ? Instant::duration(kReadObjectsAgain) : Instant::duration(kFindResourcesAgain))) {
    return kind.set != nullptr;
  }
  for (std::size_t api = 0; api < kind.apis.size(); ++api) {
    auto set = std::make_unique<kube::ObjectSet>(cluster_.api(), kind.apis[api]);
    const auto loaded = set->Load();
    if (loaded) {
      kind.set = std::move(set);
      kind.api = api;
      kind.wanted.reset();
      kind.read_at = now;
      return true;
    }
    if (loaded.error().status != kNotFound) {
      Fail(kind, loaded.error());
      return false;
    }
  }
  kind.set.reset();
  kind.read_at = now;
  return false;
}

std::size_t ScanOutputs::Bring(Kind& kind, std::size_t max_writes) {
  if (!kind.wanted) {
    kind.wanted = Make(kind);
  }
  const kube::ObjectSet::Progress progress = kind.set->Bring(*kind.wanted, max_writes);
  writes_[{kind.object, "written"}] += progress.written - progress.failed;
  writes_[{kind.object, "failed"}] += progress.failed;
  kind.pending = progress.left > 0;
  if (progress.error) {
    Fail(kind, *progress.error);
    if (progress.written >= max_writes) {
      kind.not_before = {};  // what it was about is one object of many
    }
    if (progress.error->status == kNotFound || progress.error->kind == kube::ApiError::Kind::kConflict) {
      kind.read_at.reset();  // the API may be gone, or another replica has written meanwhile
    }
  } else {
    kind.failures.Clear();
  }
  if (!kind.pending) {
    kind.wanted.reset();
  }
  return progress.written;
}

void ScanOutputs::Fail(Kind& kind, const kube::ApiError& error) {
  kind.failures.Add(kind.object + " cannot be kept: " + base::Printable(error.ToString(), kMaxShown));
  kind.not_before = clock_.Monotonic() + std::max<Instant::duration>(kScanPause, error.retry_after);
}

ScanOutputs::Wanted ScanOutputs::Make(const Kind& kind) const { return kind.object == kReports ? Reports(kind) : Compliances(*kind.set); }

ScanOutputs::Wanted ScanOutputs::Compliances(const kube::ObjectSet& known) const {
  static const scan::Usage kNone;
  Wanted wanted;
  for (const auto& facts : assessment_->state->facts.Sorted()) {
    if (wanted.size() >= kMaxCompliances) {
      break;
    }
    const std::string& login_server = facts->registry.login_server;
    const auto usage = assessment_->usage.find(login_server);
    const json* const stored = known.Find({"", login_server});
    wanted[{"", login_server}] =
        scan::MakeComplianceStatus(*facts, *assessment_->state->policy, usage == assessment_->usage.end() ? kNone : usage->second,
                                   stored == nullptr ? json() : *stored, assessment_->time);
  }
  return wanted;
}

ScanOutputs::Wanted ScanOutputs::Reports(const Kind& kind) const {
  std::map<std::string, std::vector<scan::Standing>> standings;
  for (const scan::Standing& standing : assessment_->standings) {
    standings[standing.namespace_name].push_back(standing);
  }
  Wanted wanted;
  for (const auto& [namespace_name, passing] : assessment_->passing) {
    const kube::ObjectSet::Key key(namespace_name, scan::kReportName);
    const json* const stored = kind.set->Find(key);
    wanted[key] = scan::MakeReport(ReportApiOf(kind.api), namespace_name, standings[namespace_name], passing,
                                   stored == nullptr ? json() : *stored, assessment_->time);
  }
  return wanted;
}

}  // namespace cli
