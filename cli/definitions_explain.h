// `definitions test`: what a definition, or an initiative, says of each registry, condition by condition.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/streams.h"

namespace cli {

struct DefinitionsTestArguments {
  std::string file;                     // of a definition or an initiative; "-": standard input
  std::string registries;               // an inventory file
  std::string definitions;              // a folder, for an initiative's definitions; "": the built-in ones
  std::vector<std::string> parameters;  // each a JSON object, or NAME=VALUE
  OutputFormat output = OutputFormat::kTable;
  std::vector<std::string> names;  // resource names or login servers, case ignored; empty: all
};

// Ends with kExitError where something could not be read; what the definition says is no error.
int RunDefinitionsTest(const DefinitionsTestArguments& arguments, const Streams& streams, const base::Clock& clock);

}  // namespace cli
