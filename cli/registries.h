// `registries`: each registry's verdict, its evidence, and what mends it.
#pragma once

#include <string>
#include <vector>

#include "azure/credential.h"
#include "base/clock.h"
#include "cli/inputs.h"
#include "cli/streams.h"

namespace cli {

struct RegistriesArguments {
  Inputs inputs;
  OutputFormat output = OutputFormat::kTable;
  std::vector<std::string> names;  // resource names or login servers, case ignored; empty: all
};

int RunRegistries(const RegistriesArguments& arguments, const Streams& streams, const base::Clock& clock,
                  const azure::Environment& environment);

}  // namespace cli
