// The command that mends a finding, complete enough to be pasted.
#pragma once

#include <string>

#include "policy/registry.h"
#include "policy/verdict.h"

namespace cli {

// The finding's remedy, with the registry's subscription in each `az acr` command, which a message to a developer leaves out;
// "" when nothing is known to mend it or nothing is to be mended.
std::string RemedyCommand(const policy::Finding& finding, const policy::Registry& registry);

}  // namespace cli
