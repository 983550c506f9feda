// Registries as they might be: a change of some members, and what the policy would say of them then. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "base/time.h"
#include "policy/policy.h"
#include "policy/registry.h"

namespace scan {

struct AsIfMember {
  std::string path;                // as people and definitions write it: "publicNetworkAccess", "sku.name"
  std::vector<std::string> steps;  // member names from the top of the ARM body
  nlohmann::json value;
};

struct AsIf {
  std::string login_server;  // lower-case
  std::vector<AsIfMember> members;
};

// "contoso.azurecr.io: publicNetworkAccess=Enabled, networkRuleSet.ipRules=[]": a path is an alias of registries below their type, or
// one of the fields location, identity.type and tags.NAME; a value is JSON, and otherwise the word that it is. An error names what it
// is about, and what was probably meant.
base::Result<AsIf> ParseAsIf(std::string_view text);

// `facts` with those registries changed and judged again; nothing is remembered of when they were compliant, so that no grace hides what
// follows. An error for a registry that is not known, or a member that its body has no place for.
base::Result<policy::Facts> ApplyAsIf(const policy::Facts& facts, const std::vector<AsIf>& changes, const policy::Policy& policy,
                                      base::Time now, policy::HiddenMembers hidden);

}  // namespace scan
