#include "webhook/review_response.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/text.h"

namespace webhook {
namespace {

// Audit annotations stand in the API server's own log beside everybody else's.
constexpr std::size_t kMaxAnnotationBytes = 1024;

// A usual answer; a denial's message is about 1 KiB.
constexpr std::size_t kUsualBytes = 512;

// Sorted, so that equal decisions read alike.
std::vector<std::string_view> Distinct(std::vector<std::string_view> items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  std::erase(items, std::string_view());
  return items;
}

std::vector<std::string_view> Registries(const policy::Decision& decision) {
  std::vector<std::string_view> registries;
  for (const policy::ImageDecision& image : decision.images) {
    registries.push_back(image.registry);
  }
  return Distinct(std::move(registries));
}

// What failed and weighs something: not what an exemption waived.
std::vector<std::string_view> FailedRequirements(const policy::Decision& decision) {
  std::vector<std::string_view> requirements;
  const auto add = [&requirements](const policy::ImageFinding& weighed) {
    if (weighed.effect != policy::Effect::kDisabled && weighed.finding->result != policy::FindingResult::kCompliant) {
      requirements.push_back(weighed.finding->requirement);
    }
  };
  if (decision.failure) {
    add(*decision.failure);
  }
  for (const policy::ImageDecision& image : decision.images) {
    std::for_each(image.findings.begin(), image.findings.end(), add);
  }
  return Distinct(std::move(requirements));
}

// "a,b,c", or "a,b,+1 more" when all of them would be too long: items are whole.
std::string Join(const std::vector<std::string_view>& items) {
  constexpr std::size_t kMoreBytes = 32;  // ",+10000 more", with room to spare
  std::string joined;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string item = base::Printable(items[i], kMaxAnnotationBytes - kMoreBytes);
    if (joined.size() + 1 + item.size() > kMaxAnnotationBytes - kMoreBytes) {
      return joined.append(joined.empty() ? "+" : ",+").append(std::to_string(items.size() - i)).append(" more");
    }
    joined.append(joined.empty() ? "" : ",").append(item);
  }
  return joined;
}

void WriteAnnotation(base::JsonWriter& json, std::string_view key, std::string_view value) {
  if (!value.empty()) {
    json.Key(key).String(value);
  }
}

// Everything up to and with `allowed`.
void BeginResponse(base::JsonWriter& json, const policy::Admission& admission, bool allowed) {
  json.BeginObject();
  json.Key("apiVersion").String(admission.api_version);
  json.Key("kind").String("AdmissionReview");
  json.Key("response").BeginObject();
  json.Key("uid").String(admission.uid);
  json.Key("allowed").Bool(allowed);
}

}  // namespace

std::string WriteResponse(const policy::Admission& admission, const policy::Decision& decision, const policy::Policy& policy,
                          const Told& told) {
  const bool denied = decision.kind == policy::DecisionKind::kDenied;
  std::string out;
  out.reserve(kUsualBytes);
  base::JsonWriter json(out);
  BeginResponse(json, admission, !denied);
  if (denied) {
    json.Key("status").BeginObject();
    json.Key("status").String("Failure");
    json.Key("message").String(told.message);
    json.Key("reason").String("Forbidden");
    json.Key("code").Int(403);
    json.EndObject();
  }
  if (!told.warnings.empty()) {
    json.Key("warnings").BeginArray();
    for (const std::string& warning : told.warnings) {
      json.String(warning);
    }
    json.EndArray();
  }
  json.Key("auditAnnotations").BeginObject();
  json.Key("decision").String(policy::ToString(decision.kind));
  WriteAnnotation(json, "registries", Join(Registries(decision)));
  WriteAnnotation(json, "requirements", Join(FailedRequirements(decision)));
  WriteAnnotation(json, "policy", policy.digest);
  json.EndObject();
  json.EndObject().EndObject();
  return out;
}

std::string WriteAllowed(const policy::Admission& admission) {
  std::string out;
  out.reserve(kUsualBytes);
  base::JsonWriter json(out);
  BeginResponse(json, admission, true);
  json.EndObject().EndObject();
  return out;
}

}  // namespace webhook
