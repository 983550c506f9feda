// `definitions import`: what Azure Policy has assigned about registries, as definition files and a policy file.
#pragma once

#include <string>
#include <vector>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/streams.h"

namespace cli {

// Something is assigned that could not be written; all else was.
inline constexpr int kExitLeftOut = 1;

struct DefinitionsImportArguments {
  std::string config;                                         // serve's, for its cloud and credentials
  std::vector<std::string> subscriptions, management_groups;  // none: those of the configuration's scopes
  std::string output;                                         // a folder
  std::string policy;                                         // what else is to be in the policy file; "": the default policy's sources
};

int RunDefinitionsImport(const DefinitionsImportArguments& arguments, const Streams& streams, const base::Clock& clock,
                         const azure::Environment& environment);

}  // namespace cli
