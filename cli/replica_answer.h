// What a replica answers when it is asked for its own log over HTTP. Pure. What is not as it has to be is refused whole: a replica of
// another version, or something else that listens at its address, must not put anything into an admin's answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merge.h"
#include "audit/reader.h"
#include "base/result.h"

namespace cli {

// What it was asked for.
struct AskedPage {
  audit::Order order = audit::Order::kNewestFirst;
  std::string log = {};                    // whose; "": any
  std::optional<std::int64_t> place = {};  // as audit::LogPlace::sequence; none: from its start
  std::int64_t limit = 0;
};

// A page of one log, from what its reader says: `next` as audit::Page::next. Sequences must be in order and lead on from the place. The
// page of another log than the one that was asked for is an error too (kNotFound).
base::Result<audit::LogPage> MakeLogPage(const AskedPage& asked, std::string log, std::vector<audit::Row> rows, const std::string& next);

// The same from the answer to GET /audit/v1/decisions?scope=replica. Records are taken as they are, byte by byte; each is whole JSON on
// one line, begins with its time and is no longer than records are.
base::Result<audit::LogPage> ReadReplicaPage(std::string body, const AskedPage& asked);

// The answer to GET /audit/v1/summary?scope=replica. Its `incomplete` is left out.
base::Result<audit::Summary> ReadReplicaSummary(std::string body);

// The message of an answer that is no 200: {"error":"…"}; "" where there is none. Fit to be shown.
std::string ReadReplicaError(std::string_view body);

}  // namespace cli
