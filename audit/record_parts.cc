#include "audit/record_parts.h"

#include <nlohmann/json.hpp>

#include "audit/record.h"
#include "base/time.h"

namespace audit {
namespace {

using base::JsonWriter;

constexpr std::string_view kEllipsis = "…";

std::string_view CutAtCharacter(std::string_view text, std::size_t max) {
  std::size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

// Evidence::actual is JSON text; whatever else it should turn out to be must not break the record, nor its being one line.
void WriteActual(JsonWriter& json, std::string_view actual) {
  const bool one_line = actual.find_first_of("\r\n") == std::string_view::npos;
  if (one_line && actual.size() <= kMaxText && nlohmann::json::accept(actual)) {
    json.Raw(actual);
  } else {
    WriteTextOrNull(json, actual, kMaxText);
  }
}

}  // namespace

std::string Clipped(std::string_view text, std::size_t max) {
  return text.size() <= max ? std::string(text) : std::string(CutAtCharacter(text, max - kEllipsis.size())).append(kEllipsis);
}

bool IsCut(std::string_view text) {
  constexpr std::size_t kLongestRest = 3;  // bytes of a character that was cut through
  return text.size() + kLongestRest >= kMaxText && text.ends_with(kEllipsis);
}

void WriteText(JsonWriter& json, std::string_view text, std::size_t max) {
  if (text.size() <= max) {
    json.String(text);
  } else {
    json.String(Clipped(text, max));
  }
}

void WriteTextOrNull(JsonWriter& json, std::string_view text, std::size_t max) {
  if (text.empty()) {
    json.Null();
  } else {
    WriteText(json, text, max);
  }
}

void WriteEvidence(JsonWriter& json, const policy::Evidence& evidence) {
  json.BeginObject().Key("field");
  WriteText(json, evidence.field, kMaxText);
  json.Key("actual");
  WriteActual(json, evidence.actual);
  json.Key("expected");
  WriteText(json, evidence.expected, kMaxText);
  json.EndObject();
}

void WriteOpinion(JsonWriter& json, const policy::Finding& finding, const policy::ComplianceStates* states) {
  if (finding.source == policy::FindingSource::kAzurePolicy && finding.azure && states != nullptr) {
    json.Key("azurePolicy").BeginObject().Key("state").String(policy::ToString(finding.azure->state));
    json.Key("read").String(base::FormatTimeSeconds(states->asked)).EndObject();
  }
}

void WriteOrigin(base::JsonWriter& json, std::string_view policy_digest, std::string_view cluster, std::string_view replica) {
  json.Key("policy");
  WriteTextOrNull(json, policy_digest, kMaxDigest);
  json.Key("cluster");
  WriteTextOrNull(json, cluster, kMaxName);
  json.Key("replica");
  WriteTextOrNull(json, replica, kMaxName);
}

std::string_view ShortRule(std::string_view rule) {
  rule.remove_prefix(rule.find(':') + 1);  // "sha256:"
  return rule.substr(0, kRuleDigits);
}

}  // namespace audit
