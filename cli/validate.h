// `validate`: everything that `serve` would load, and every problem in it.
#pragma once

#include <string>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/streams.h"

namespace cli {

struct ValidateArguments {
  std::string config;
};

// Opens no socket and creates no file. Credentials are judged as settings, also those of the environment: whether a secret
// is right, Entra alone can tell.
int RunValidate(const ValidateArguments& arguments, const Streams& streams, const base::Clock& clock,
                const azure::Environment& environment);

}  // namespace cli
