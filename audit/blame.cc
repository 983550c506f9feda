#include "audit/blame.h"

#include <algorithm>

#include "base/json.h"
#include "policy/decision.h"

namespace audit {
namespace {

using base::ArrayAt;
using base::TextAt;
using nlohmann::json;

void AddOnce(std::vector<std::string>& values, std::string value) {
  if (!value.empty() && std::find(values.begin(), values.end(), value) == values.end()) {
    values.push_back(std::move(value));
  }
}

}  // namespace

Blame BlameOf(std::string_view record) {
  Blame blame;
  const base::Result<json> parsed = base::ParseJson(record, "audit record");
  if (!parsed || !parsed->is_object()) {
    return blame;
  }
  const std::string decision = TextAt(*parsed, "decision");
  const std::string_view effect = decision == "Denied" ? "Deny" : decision == "Warned" ? "Warn" : "";
  if (effect.empty()) {
    return blame;
  }
  for (const json& image : ArrayAt(*parsed, "images")) {
    for (const json& finding : ArrayAt(image, "findings")) {
      if (TextAt(finding, "effect") == effect && TextAt(finding, "result") != "Compliant") {
        AddOnce(blame.requirements, TextAt(finding, "requirement"));
        AddOnce(blame.registries, TextAt(image, "registry"));
      }
    }
  }
  if (!TextAt(*parsed, "failure").empty()) {
    AddOnce(blame.requirements, std::string(policy::kNotUnderstood));
  }
  return blame;
}

}  // namespace audit
