#include "cli/finding_text.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace cli {
namespace {

constexpr std::size_t kMaxText = 1024;  // of one value

std::string Shown(std::string_view text) { return base::Printable(text, kMaxText); }

// Evidence holds JSON text, cut where it is long; cut text is no JSON any more and goes out as a string.
nlohmann::json ActualValue(const policy::Evidence& evidence) {
  base::Result<nlohmann::json> value = base::ParseJson(evidence.actual, evidence.field);
  return value ? *std::move(value) : nlohmann::json(evidence.actual);
}

}  // namespace

nlohmann::json EvidenceRows(const policy::Finding& finding) {
  nlohmann::json rows = nlohmann::json::array();
  for (const policy::Evidence& item : finding.evidence) {
    rows.push_back({{"field", item.field}, {"actual", ActualValue(item)}, {"expected", item.expected}});
  }
  return rows;
}

std::string ReasonText(const policy::Finding& finding) {
  std::string text;
  for (const policy::Evidence& evidence : finding.evidence) {
    text += (text.empty() ? "" : "; ") + Shown(evidence.field) + " is " + Shown(evidence.actual) + ", expected " + Shown(evidence.expected);
  }
  if (!finding.reason.empty()) {
    text += (text.empty() ? "" : "; ") + Shown(finding.reason);
  }
  return text;
}

}  // namespace cli
