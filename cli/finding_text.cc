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

}  // namespace

Style StyleOf(policy::FindingResult result) {
  switch (result) {
    case policy::FindingResult::kCompliant:
      return Style::kGood;
    case policy::FindingResult::kNonCompliant:
      return Style::kBad;
    case policy::FindingResult::kUnknown:
      return Style::kWarning;
  }
  return Style::kPlain;
}

nlohmann::json JsonOrText(const std::string& text) {
  base::Result<nlohmann::json> value = base::ParseJson(text, "value");
  return value ? *std::move(value) : nlohmann::json(text);
}

nlohmann::json EvidenceRows(const std::vector<policy::Evidence>& evidence) {
  nlohmann::json rows = nlohmann::json::array();
  for (const policy::Evidence& item : evidence) {
    rows.push_back({{"field", item.field}, {"actual", JsonOrText(item.actual)}, {"expected", item.expected}});
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
