// A Summary as JSON, for HTTP and the command line: docs/audit.md, "Summaries".
#pragma once

#include <vector>

#include "audit/reader.h"
#include "base/json_writer.h"

namespace audit {

// {"hours":[{"begin","allowed","warned","denied"}],"registries":[{"value","warned","denied"}],"requirements":…,"namespaces":…,
// "users":…,"incomplete":[{"replica","reason"}]}
void WriteSummary(base::JsonWriter& json, const Summary& summary);

// The value alone: the key is the caller's.
void WriteIncomplete(base::JsonWriter& json, const std::vector<Incomplete>& incomplete);

}  // namespace audit
