// The fake Azure's Policy Insights: compliance as Azure Policy judged it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "http/client.h"
#include "tests/support/azure_call.h"

namespace support {

// One row: a resource and an assigned definition. Only what is assigned has rows.
struct PolicyState {
  std::string resource_id;
  std::string definition;           // its GUID
  std::string state = "Compliant";  // "Compliant", "NonCompliant", "Exempt", …
  std::string action = "audit";
  std::string assignment = "registries";
  base::Time timestamp{};
};

// For one thread at a time.
class AzurePolicyStates {
 public:
  // Replaces the row of the same resource, definition and assignment.
  void Put(const PolicyState& state);

  // POST /subscriptions/{s}/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults with $filter (comparisons by
  // `eq`, joined by `and`) and $top. Ids come lower-cased, as recorded.
  http::Response Answer(const AzureCall& call, std::size_t page_rows) const;

 private:
  std::vector<PolicyState> states_;
};

}  // namespace support
