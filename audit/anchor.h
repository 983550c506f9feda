// Anchors: what the chain had come to, on lines between the records on standard output, so that a collector holds it
// where nobody who can write to the database can change it. The format is a contract: docs/audit.md.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/chain.h"
#include "base/result.h"
#include "base/time.h"

namespace audit {

// What an anchor says of retention, so that nobody else's deletions pass for its.
struct Deletions {
  std::int64_t at_most = 0;   // so many of the log's records are deleted, from its beginning until the next anchor
  bool first_of_run = false;  // exactly so many then, as the database said: what a run deletes itself, it counts
  auto operator<=>(const Deletions&) const = default;
};

// {"anchor":{"time":…,"replica":…,"log":…,"sequence":…,"chain":…,"deleted":…}} without a newline. No deletions: as older versions wrote it.
std::string AnchorLine(const Link& link, base::Time time, std::string_view replica, const std::optional<Deletions>& deletions = {});

struct Anchor {
  std::int64_t sequence = 0;
  Digest value{};
  std::string time, replica;                // as they were written
  std::optional<Deletions> deletions = {};  // none: of an older version
};

// The anchors of one log in a collected standard output, and what else is there.
struct Anchors {
  std::vector<Anchor> anchors;               // by sequence, then time; the same one is there once
  std::map<std::string, Anchor> other_logs;  // by the log's name in hex: the last anchor; the first kMaxOtherLogs of them
  std::int64_t unreadable = 0;               // lines that begin as an anchor does and are none: cut off, for example
};

inline constexpr std::size_t kMaxAnchors = 1'000'000;  // with one a minute, two years
inline constexpr std::size_t kMaxOtherLogs = 1'000;

// Lines that do not begin as an anchor does are skipped, however long. An error when there are too many.
base::Result<Anchors> ReadAnchors(std::istream& in, std::string_view log);

}  // namespace audit
