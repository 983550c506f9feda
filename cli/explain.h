// `explain`: what an image reference means, and which rule of the policy meets it.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/inputs.h"
#include "cli/streams.h"

namespace cli {

struct ExplainArguments {
  Inputs inputs;
  OutputFormat output = OutputFormat::kTable;
  std::vector<std::string> images;  // "-": standard input, one a line; a line that begins with '"' is a JSON string
};

int RunExplain(const ExplainArguments& arguments, const Streams& streams, const base::Clock& clock);

}  // namespace cli
