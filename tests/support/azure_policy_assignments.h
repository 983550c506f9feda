// The fake Azure's Microsoft.Authorization: assignments of policies with what they name, exemptions from them, and the
// management groups that they may stand on.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "http/client.h"
#include "tests/support/azure_call.h"
#include "tests/support/policy_bodies.h"

namespace support {

// For one thread at a time.
class AzurePolicyAssignments {
 public:
  // By management group's name, lower-case: the subscriptions below it, wherever they hang.
  using Groups = std::map<std::string, std::vector<std::string>>;

  // Instead of one of the same id.
  void Put(nlohmann::json body);
  void Erase(const std::string& id);

  // GET /subscriptions/{s}/providers/Microsoft.Authorization/policyAssignments and …/policyExemptions, without a filter: what
  // stands on the subscription, on parts of it, and on management groups above it.
  http::Response List(const AzureCall& call, const Groups& groups, std::size_t page_items) const;
  // GET of a definition or an initiative by its id.
  http::Response Get(const AzureCall& call) const;
  // GET /providers/Microsoft.Management/managementGroups/{g}/descendants.
  static http::Response ListDescendants(const AzureCall& call, const Groups& groups, std::size_t page_items);

 private:
  std::map<std::string, nlohmann::json> bodies_;  // by lower-case id
};

}  // namespace support
