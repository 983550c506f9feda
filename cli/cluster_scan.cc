#include "cli/cluster_scan.h"

#include <memory>
#include <utility>

#include "base/text.h"
#include "policy/verdict.h"
#include "scan/drift.h"
#include "scan/registry_compliance.h"

namespace cli {
namespace {

// For the end of a step that is under way, and two calls to the API server. Whoever waits longer than this for the Lease waits until it
// expires.
constexpr std::chrono::milliseconds kPatience{1'000};

double Seconds(base::Time time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

}  // namespace

ClusterScan::ClusterScan(Cluster& cluster, ScanConfig config, World world, const base::Clock& clock, base::Log log)
    : cluster_(cluster),
      config_(std::move(config)),
      world_(std::move(world)),
      clock_(clock),
      log_(std::move(log)),
      leadership_(cluster.api(), {cluster.namespace_name(), config_.lease, world_.identity}, clock, log_),
      lease_failures_(cluster, "scan", log_),
      follow_failures_(cluster, "scan", log_) {}

void ClusterScan::Step() {
  {
    base::MutexLock lock(mutex_);
    if (finished_) {
      return;
    }
  }
  if (const Instant now = clock_.Monotonic(); !ticked_at_ || now - *ticked_at_ >= kube::kRenewInterval) {
    ticked_at_ = now;
    leadership_.Tick();
    if (leadership_.problem()) {
      lease_failures_.Add(base::Printable(*leadership_.problem(), 1024));
    } else {
      lease_failures_.Clear();
    }
    base::MutexLock lock(mutex_);
    lease_is_known_ = !leadership_.problem();
  }
  bool finishing = false;
  {
    base::MutexLock lock(mutex_);
    finishing = finishing_;
  }
  if (finishing) {
    LeaveForGood();
  } else if (leadership_.Leads()) {
    Lead();
  } else {
    EndTerm();
  }
}

void ClusterScan::Lead() {
  if (!term_) {
    BeginTerm();
  }
  if (!term_) {
    return;
  }
  const RunningFollower& follower = *term_->follower;
  pods_.Log(follower.pods_problem(), log_);
  owners_.Log(follower.owners_problem(), log_);
  std::shared_ptr<const state::State> state = world_.state();
  // Before the inventory was read every registry would be unknown.
  if (follower.is_complete() && state && state->primed && IsDue(*state)) {
    Judge(std::move(state));
  }
  Write();
}

void ClusterScan::BeginTerm() {
  auto follower = world_.follow();
  if (!follower) {
    follow_failures_.Add("what runs in the cluster cannot be followed: " + follower.error().ToString());
    return;
  }
  follow_failures_.Clear();
  term_ = std::make_unique<Term>();
  term_->follower = *std::move(follower);
  term_->outputs = std::make_unique<ScanOutputs>(cluster_, config_, clock_, log_, writes_);
  base::MutexLock lock(mutex_);
  gauges_.leads = true;
}

void ClusterScan::EndTerm() {
  if (!term_) {
    return;
  }
  term_.reset();
  base::MutexLock lock(mutex_);
  gauges_.leads = false;
  gauges_.pods.reset();
  gauges_.violations.clear();
  gauges_.last_success_seconds.reset();
}

bool ClusterScan::IsDue(const state::State& state) const {
  if (!term_->judged_at) {
    return true;
  }
  const auto since = clock_.Monotonic() - *term_->judged_at;
  const bool changed = state.generation != term_->assessment.state->generation || term_->follower->index().version() != term_->version;
  return since >= kScanAgain || (changed && since >= kScanSpacing);
}

void ClusterScan::Judge(std::shared_ptr<const state::State> state) {
  term_->version = term_->follower->index().version();  // what comes after this is judged again
  term_->judged_at = clock_.Monotonic();
  const std::shared_ptr<const state::State> before = term_->assessment.state;
  term_->assessment = AssessRunning(term_->follower->index(), std::move(state), clock_.Now());
  const RunningAssessment& assessment = term_->assessment;
  if (before && before != assessment.state) {
    TellOfDrift(*before);
  }
  term_->outputs->Want(assessment);
  base::MutexLock lock(mutex_);
  gauges_.pods = assessment.pods;
  gauges_.violations.clear();
  for (auto& [namespace_name, requirement, workloads] : scan::CountByNamespace(assessment.standings, kMaxViolationSeries)) {
    gauges_.violations.push_back({namespace_name, requirement, workloads});
  }
  if (!term_->follower->pods_problem()) {
    gauges_.last_success_seconds = Seconds(assessment.time);
  }
}

void ClusterScan::TellOfDrift(const state::State& before) {
  const RunningAssessment& assessment = term_->assessment;
  for (const scan::Drift& drift : scan::DriftsOf(before.facts, assessment.state->facts, *assessment.state->policy)) {
    kube::Event event;
    const bool mended = drift.result == policy::FindingResult::kCompliant;
    event.type = mended ? kube::Event::Type::kNormal : kube::Event::Type::kWarning;
    event.reason = drift.gone                                             ? "RegistryGone"
                   : mended                                               ? "RegistryMended"
                   : drift.result == policy::FindingResult::kNonCompliant ? "RegistryDrifted"
                                                                          : "RegistryNotJudged";
    event.action = "Judge";
    event.note = drift.note;
    if (config_.registry_compliances) {
      event.regarding = {std::string(scan::kComplianceGroup) + "/" + scan::kComplianceVersion, scan::kComplianceKind, "",
                         drift.login_server, term_->outputs->ComplianceUid(drift.login_server)};
      cluster_.TellOfOthers(event);
    }
    const auto usage = assessment.usage.find(drift.login_server);
    if (usage == assessment.usage.end()) {
      continue;
    }
    for (const auto& [namespace_name, workload] : usage->second.namespaces) {
      event.regarding = {scan::ApiVersionOf(workload.kind), workload.kind, namespace_name, workload.name, ""};
      cluster_.TellOfOthers(event);
    }
  }
}

void ClusterScan::Write() {
  term_->outputs->Bring();
  base::MutexLock lock(mutex_);
  gauges_.writes.clear();
  for (const auto& [what, count] : writes_) {
    gauges_.writes.push_back({what.first, what.second, count});
  }
}

void ClusterScan::LeaveForGood() {
  EndTerm();
  leadership_.GiveUp();
  base::MutexLock lock(mutex_);
  finished_ = true;
  changed_.NotifyAll();
}

void ClusterScan::Start() {
  thread_ = std::make_unique<base::Periodic>("scan", kScanInterval, [this] { Step(); });
}

void ClusterScan::Finish() {
  {
    base::MutexLock lock(mutex_);
    finishing_ = true;
  }
  if (thread_) {
    thread_->Wake();
  }
}

void ClusterScan::Settle() {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  base::MutexLock lock(mutex_);
  while (thread_ && !finished_ && changed_.WaitUntil(mutex_, until)) {
  }
}

void ClusterScan::Stop() {
  if (thread_) {
    thread_->Stop();
  }
  term_.reset();
}

webhook::Gauges::Scan ClusterScan::Gauges() const {
  base::MutexLock lock(mutex_);
  return gauges_;
}

bool ClusterScan::leads() const {
  base::MutexLock lock(mutex_);
  return gauges_.leads;
}

bool ClusterScan::tells() const {
  base::MutexLock lock(mutex_);
  return gauges_.leads || !lease_is_known_;
}

}  // namespace cli
