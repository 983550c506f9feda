// What Azure Policy has assigned about registries, as definition files and a policy file of ours. Pure.
//
// What is written means here what it means in Azure. What cannot be written so (a selector by location, a construct that is
// not supported) is left out and told; what is about other resources is left out without a word. docs/import.md tells people.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "base/time.h"
#include "policy/assigned_policies.h"

namespace policy {

// The first line of every policy file that is written, and of no other.
inline constexpr std::string_view kImportedPolicyHeader =
    "# Written by acr-admission definitions import; what is changed here is lost at the next import.";

struct ImportedPolicy {
  std::map<std::string, std::string> definitions;  // by file name, "no-anonymous-pull.json"
  std::string rules;                               // the policy file's keys `requirements` and `exemptions`, with comments
  std::vector<std::string> problems;               // what is assigned about registries and was left out, and why
  std::size_t requirements = 0, exemptions = 0;
};

// The same input gives the same bytes, whatever the order in which Azure told it. `now` decides which exemptions have expired,
// and when those expire that do not in Azure: with the end of the next year, so that a job that imports moves it on.
ImportedPolicy ImportPolicy(const AssignedPolicies& assigned, base::Time now);

// The text of the policy file: the header, `base_text` (a policy file without requirements and exemptions; `base_file` is its name
// for problems) and the rules.
base::Loaded<std::string> ComposeImportedPolicy(std::string_view base_text, std::string_view base_file, const ImportedPolicy& imported);

// What `base_text` is where nobody gave one: the default policy's sources.
std::string_view DefaultImportBase();

}  // namespace policy
