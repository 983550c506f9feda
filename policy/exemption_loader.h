// The `exemptions` of the policy file.
#pragma once

#include <string_view>
#include <vector>

#include "base/yaml.h"
#include "policy/policy.h"

namespace policy {

// Requirements are named by their own names, or several at once as the policy names definitions and initiatives: by short name, GUID or
// id; each must be one of `requirements`.
std::vector<Exemption> ReadExemptions(base::YamlMapping& document, std::string_view file, const std::vector<Requirement>& requirements,
                                      const DefinitionSet& definitions, const RegistrySuffixes& suffixes, base::Problems& problems);

}  // namespace policy
