// The `requirements` of the policy file.
#pragma once

#include <string_view>
#include <vector>

#include "base/yaml.h"
#include "policy/policy.h"

namespace policy {

struct LoadedRequirements {
  std::vector<Requirement> requirements;   // in the file's order, those of an initiative in its own; no two of one name
  std::vector<InitiativeUse> initiatives;  // in the file's order
};

// A requirement is of a definition, or of an initiative: then it stands for one requirement of each of the initiative's definitions that
// is loaded.
LoadedRequirements ReadRequirements(base::YamlMapping& document, std::string_view file, const DefinitionSet& definitions,
                                    base::Problems& problems);

}  // namespace policy
