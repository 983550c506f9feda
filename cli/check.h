// `check`: decides manifests as the webhook would when they are applied.
#pragma once

#include <string>
#include <vector>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/inputs.h"
#include "cli/streams.h"

namespace cli {

struct CheckArguments {
  Inputs inputs;
  OutputFormat output = OutputFormat::kTable;
  std::string namespace_name = "default";  // of objects that name none
  std::vector<std::string> files;          // "-": standard input
};

int RunCheck(const CheckArguments& arguments, const Streams& streams, const base::Clock& clock, const azure::Environment& environment);

}  // namespace cli
