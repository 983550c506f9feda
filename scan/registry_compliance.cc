#include "scan/registry_compliance.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "policy/decision.h"

namespace scan {
namespace {

using nlohmann::json;
using policy::FindingResult;

constexpr std::size_t kMaxMessage = 1024;
constexpr const char* kAll = "Compliant";

struct Turn {
  const char* status;  // of a condition
  const char* reason;
};

Turn TurnOf(FindingResult result) {
  switch (result) {
    case FindingResult::kCompliant:
      return {"True", "Compliant"};
    case FindingResult::kNonCompliant:
      return {"False", "NonCompliant"};
    case FindingResult::kUnknown:
      break;
  }
  return {"Unknown", "CannotTell"};
}

std::string MessageOf(const policy::Finding& finding, policy::MessageDetail detail) {
  const std::string why = policy::WhyText(finding, detail);
  return base::Printable(finding.remedy.empty() ? why : why + "; to mend: " + finding.remedy, kMaxMessage);
}

// "does not meet private-link, restricted-network; could not be judged by customer-managed-key".
std::string Summary(const policy::Verdict& verdict) {
  std::string failed;
  std::string unknown;
  for (const policy::Finding& finding : verdict) {
    std::string& names = finding.result == FindingResult::kNonCompliant ? failed : unknown;
    if (finding.result != FindingResult::kCompliant) {
      names += (names.empty() ? "" : ", ") + finding.requirement;
    }
  }
  std::string text = failed.empty() ? "" : "does not meet " + failed;
  text += unknown.empty() ? "" : (text.empty() ? "" : "; ") + std::string("could not be judged by ") + unknown;
  return base::Printable(text.empty() ? "meets all requirements" : text, kMaxMessage);
}

// Kubernetes' rule for types of conditions allows what names of definitions may hold, but no blanks or other signs.
std::string TypeOf(const std::string& requirement) {
  std::string type = requirement;
  for (char& c : type) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    c = plain ? c : '_';
  }
  return type;
}

json Condition(const std::string& type, const Turn& turn, const std::string& message, const json& stored, base::Time now) {
  json condition = {{"type", type},
                    {"status", turn.status},
                    {"reason", turn.reason},
                    {"message", message},
                    {"lastTransitionTime", base::FormatTimeSeconds(now)}};
  for (const json& known : stored) {
    if (known.is_object() && known.value("type", json()) == type && known.value("status", json()) == turn.status &&
        known.contains("lastTransitionTime")) {
      condition["lastTransitionTime"] = known["lastTransitionTime"];
    }
  }
  return condition;
}

json StatusOf(const json& stored) {
  const auto status = stored.is_object() ? stored.find("status") : stored.end();
  return status != stored.end() && status->is_object() ? *status : json::object();
}

}  // namespace

json MakeCompliance(const policy::RegistryFacts& facts) {
  return {{"apiVersion", std::string(kComplianceGroup) + "/" + kComplianceVersion},
          {"kind", kComplianceKind},
          {"metadata", {{"name", facts.registry.login_server}, {"labels", {{"app.kubernetes.io/managed-by", "acr-admission"}}}}}};
}

json MakeComplianceStatus(const policy::RegistryFacts& facts, const policy::Policy& policy, const Usage& usage, const json& stored,
                          base::Time now) {
  const json before = StatusOf(stored);
  const json& known_conditions = base::ArrayAt(before, "conditions");
  json conditions = json::array();
  conditions.push_back(Condition(kAll, TurnOf(policy::WorstOf(facts.verdict)), Summary(facts.verdict), known_conditions, now));
  std::set<std::string> types = {kAll};
  for (const policy::Finding& finding : facts.verdict) {
    std::string type = TypeOf(finding.requirement);
    while (!types.insert(type).second) {
      type += '_';  // two of one type would be refused, with all others
    }
    conditions.push_back(Condition(type, TurnOf(finding.result), MessageOf(finding, policy.messages), known_conditions, now));
  }
  json status = {{"loginServer", facts.registry.login_server},
                 {"conditions", std::move(conditions)},
                 {"workloads", usage.workloads},
                 {"pods", usage.pods}};
  if (policy.messages == policy::MessageDetail::kFull) {
    status["resourceId"] = facts.registry.resource_id;
  }
  const auto told = base::ParseTime(base::TextAt(before, "observed"));
  json same = before;
  same.erase("observed");
  const bool keep = told && same == status && facts.observed() - *told < kObservedStep && *told <= facts.observed();
  status["observed"] = keep ? base::TextAt(before, "observed") : base::FormatTimeSeconds(facts.observed());
  json object = MakeCompliance(facts);
  object["status"] = std::move(status);
  return object;
}

}  // namespace scan
