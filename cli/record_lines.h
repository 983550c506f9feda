// Audit records in a collected standard output, one a line, as `serve` writes them.
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cli {

// Calls `record` for every line that begins as a record does, but not twice for one that stands there twice within some thousand lines,
// as after a restart of serve. Anchors and whatever else a collector holds between them are skipped. A line is at most as long as a
// record may be: what is longer is cut there. Constant memory. An error when reading ends before the end.
base::Result<void> ForEachRecordLine(std::istream& in, const std::function<void(std::string_view line)>& record);

}  // namespace cli
