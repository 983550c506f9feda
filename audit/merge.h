// Several logs read as one: what each answered and where the page before ended go in, a page comes out. Pure.
//
// Within a log the order is the log's own, whatever its clock did; between logs the time of the next row of each decides, so the
// whole is in order of time where clocks are. The order does not depend on where pages end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/reader.h"
#include "base/result.h"
#include "base/time.h"

namespace audit {

// Where reading one log goes on: behind the row of this number, in the order that is asked for. Newest first, 0 is its end.
struct LogPlace {
  std::string log;  // its name, 32 hexadecimal digits
  std::int64_t sequence = 0;
  bool missing = false;  // it did not answer to the page before
};

// Where reading all of them goes on.
struct MergeCursor {
  std::vector<LogPlace> places;  // each log once; the longest missing last
  // Oldest first: logs that have no place yet are read from this time on. None: from their beginning.
  std::optional<base::Time> since = {};

  const LogPlace* Find(std::string_view log) const;
};

// As many logs as a cursor names; of more, those that have been missing longest are forgotten. A cursor is at most 4 KiB, and so fits
// into a URL.
inline constexpr std::size_t kMaxCursorLogs = 75;

// As page cursors are: `<log>.<sequence>`, joined by ','; "-" in front of a log that is missing; and `t.<microseconds since 1970>`.
std::string ToString(const MergeCursor& cursor);
// "" is a cursor without places. Refused: whatever ToString does not write.
base::Result<MergeCursor> ParseMergeCursor(std::string_view text);

// What one log answered to the question where its place in the cursor leads, or to the question from the start if it has none.
struct LogPage {
  std::string log;
  std::vector<Row> rows;  // in the order asked for; not empty when there is more
  std::int64_t end = 0;   // where the next page of this log begins, as LogPlace::sequence
  bool more = false;      // rows may be there already beyond these
};

struct MergedPage {
  std::vector<Row> rows;
  MergeCursor next;
  bool more = false;  // of the logs that answered
  // Logs that have a place, and did not answer. Oldest first only those that answered before: a replica that was replaced is told of
  // once.
  std::vector<std::string> missing;
};

// At most `limit` rows, or as many as make up kMaxPageBytes, and fewer where a log's page has ended and it has more. At least one, if
// there is any. `pages` are of different logs. Newest first, a log that comes to a later page than the first has no place in it: it is
// the caller's to leave it out.
MergedPage MergePages(std::vector<LogPage> pages, const MergeCursor& from, Order order, std::int64_t limit);

}  // namespace audit
