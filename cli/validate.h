// `validate`: everything that `serve` would load, and every problem in it.
#pragma once

#include <string>

#include "base/clock.h"
#include "cli/streams.h"

namespace cli {

struct ValidateArguments {
  std::string config;
};

// Opens no socket and creates no file.
int RunValidate(const ValidateArguments& arguments, const Streams& streams, const base::Clock& clock);

}  // namespace cli
