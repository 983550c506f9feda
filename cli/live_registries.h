// What Azure says of registries now, for a command that a person runs and waits for.
#pragma once

#include <set>
#include <string>

#include "azure/credential.h"
#include "base/clock.h"
#include "base/result.h"
#include "cli/inventory_config.h"
#include "cli/streams.h"
#include "policy/observations.h"

namespace cli {

// Everything that the configuration's identities see, with the `children` of those kinds. What could not be read is told on `streams.err`,
// each with what to do; an error when that is all. On a terminal a line there tells how far it is.
base::Result<policy::Observations> ReadLiveRegistries(const InventoryConfig& inventory, const std::set<std::string>& children,
                                                      const azure::Environment& environment, const Streams& streams,
                                                      const base::Clock& clock);

}  // namespace cli
