// What is wrong in a namespace as a report of the ecosystem's: Policy Reporter, Headlamp, Lens and others show these. Pure.
// https://github.com/openreports/reports-api, https://github.com/kubernetes-sigs/wg-policy-prototypes
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "scan/standing.h"

namespace scan {

// The two APIs, of which the second is the first's ancestor: the same object under two names.
struct ReportApi {
  std::string group, version, resource, kind;
};
const ReportApi& OpenReports();
const ReportApi& PolicyReports();

inline constexpr const char* kReportName = "acr-admission";

// Of one report: etcd holds 1.5 MiB of an object, and a person reads less. What is beyond is told in the last line.
inline constexpr std::size_t kMaxReportResults = 100;

// `standings` are one namespace's, strongest first; `passing` its workloads with which nothing is wrong. `stored` is the report that is
// there, null for none: a result that stands there already keeps its time. The same standings make the same report.
nlohmann::json MakeReport(const ReportApi& api, const std::string& namespace_name, const std::vector<Standing>& standings,
                          std::int64_t passing, const nlohmann::json& stored, base::Time now);

}  // namespace scan
