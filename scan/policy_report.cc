#include "scan/policy_report.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace scan {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxMessage = 512;
constexpr const char* kSource = "acr-admission";
constexpr const char* kOthers = "others";  // the policy of the line that stands for what has no room

// pass, fail, warn, error: a requirement that would refuse fails, one that is only warned of or audited is a warning, one that could
// not be judged an error.
const char* ResultOf(const Standing& standing) {
  if (standing.result == policy::FindingResult::kUnknown && !policy::IsDecisionsOwnName(standing.requirement)) {
    return "error";
  }
  return standing.effect == policy::Effect::kDeny ? "fail" : "warn";
}

const char* SeverityOf(const Standing& standing) {
  return standing.effect == policy::Effect::kDeny ? "high" : standing.effect == policy::Effect::kWarn ? "medium" : "low";
}

json ResourcesOf(const Standing& standing) {
  json resources = json::array();
  for (const Workload& workload : standing.workloads) {
    json resource = {{"kind", workload.kind}, {"namespace", workload.namespace_name}, {"name", workload.name}};
    if (const std::string version = ApiVersionOf(workload.kind); !version.empty()) {
      resource["apiVersion"] = version;
    }
    resources.push_back(std::move(resource));
  }
  return resources;
}

json ResultOf(const Standing& standing, base::Time now) {
  std::string message = standing.registry.empty() ? standing.why : standing.registry + ": " + standing.why;
  if (!standing.remedy.empty()) {
    message += "; to mend: " + standing.remedy;
  }
  return {{"source", kSource},
          {"policy", standing.requirement},
          {"category", "Container registries"},
          {"severity", SeverityOf(standing)},
          {"result", ResultOf(standing)},
          {"scored", true},
          {"message", base::Printable(message, kMaxMessage)},
          {"resources", ResourcesOf(standing)},
          {"properties", {{"registry", standing.registry}, {"workloads", std::to_string(standing.workload_count)}}},
          {"timestamp", {{"seconds", std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count()}, {"nanos", 0}}}};
}

json Others(std::size_t count, base::Time now) {
  return ResultOf({.requirement = kOthers,
                   .effect = policy::Effect::kAudit,
                   .result = policy::FindingResult::kNonCompliant,
                   .why = std::to_string(count) + " more lines; acr-admission scan shows all"},
                  now);
}

std::pair<std::string, std::string> KeyOf(const json& result) {
  const auto properties = result.find("properties");
  return {base::TextAt(result, "policy"), properties == result.end() ? "" : base::TextAt(*properties, "registry")};
}

// The times of results that stood there before.
void KeepTimes(json& results, const json& stored) {
  std::map<std::pair<std::string, std::string>, json> times;
  const auto known = stored.is_object() ? stored.find("results") : stored.end();
  if (known == stored.end() || !known->is_array()) {
    return;
  }
  for (const json& result : *known) {
    if (result.is_object() && result.contains("timestamp") && result["timestamp"].is_object()) {
      times.emplace(KeyOf(result), result["timestamp"]);
    }
  }
  for (json& result : results) {
    if (const auto time = times.find(KeyOf(result)); time != times.end()) {
      result["timestamp"] = time->second;
    }
  }
}

}  // namespace

const ReportApi& OpenReports() {
  static const ReportApi kApi = {"openreports.io", "v1alpha1", "reports", "Report"};
  return kApi;
}

const ReportApi& PolicyReports() {
  static const ReportApi kApi = {"wgpolicyk8s.io", "v1alpha2", "policyreports", "PolicyReport"};
  return kApi;
}

json MakeReport(const ReportApi& api, const std::string& namespace_name, const std::vector<Standing>& standings, std::int64_t passing,
                const json& stored, base::Time now) {
  json results = json::array();
  std::map<std::string_view, std::int64_t> summary = {{"pass", passing}, {"fail", 0}, {"warn", 0}, {"error", 0}, {"skip", 0}};
  for (const Standing& standing : standings) {
    ++summary[ResultOf(standing)];
    if (results.size() + 1 < kMaxReportResults || standings.size() == kMaxReportResults) {
      results.push_back(ResultOf(standing, now));
    }
  }
  if (results.size() < standings.size()) {
    results.push_back(Others(standings.size() - results.size(), now));
  }
  KeepTimes(results, stored);
  return {
      {"apiVersion", api.group + "/" + api.version},
      {"kind", api.kind},
      {"metadata", {{"name", kReportName}, {"namespace", namespace_name}, {"labels", {{"app.kubernetes.io/managed-by", "acr-admission"}}}}},
      {"scope", {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"name", namespace_name}}},
      {"summary", summary},
      {"results", std::move(results)}};
}

}  // namespace scan
