// `definitions`: what registries are judged by.
#pragma once

#include "cli/inputs.h"
#include "cli/streams.h"

namespace cli {

struct DefinitionsListArguments {
  Inputs inputs;
  OutputFormat output = OutputFormat::kTable;
};

// `definitions list`: every definition that a policy may name, and, where a policy is given, whether it requires it.
int RunDefinitionsList(const DefinitionsListArguments& arguments, const Streams& streams);

}  // namespace cli
