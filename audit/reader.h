// The questions that an audit log answers, whoever keeps it: one replica's database, all replicas of a cluster, or PostgreSQL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace audit {

// What records must be like: everything that is set must hold. Of the texts, "" is any, and those marked * may end with '*', which
// makes what stands before it a beginning.
struct Filter {
  std::optional<base::Time> since = {};  // inclusive
  std::optional<base::Time> until = {};  // exclusive
  std::string namespace_name = {};       // *
  std::string decision = {};             // "Allowed", "Warned", "Denied", "VerdictChanged"
  std::string registry = {};             // * of any image, or whose verdict turned; case ignored
  std::string image = {};                // glob over any image as written: '*' any text, '?' one character
  std::string user = {};                 // *
  std::string uid = {};
  std::string cluster = {};  // exactly; a reader that asks other replicas, which are of one, refuses it
};

enum class Order { kNewestFirst, kOldestFirst };

// Of one page: what is asked for beyond it is cut. A page also ends with the row that makes it kMaxPageBytes or more.
inline constexpr std::int64_t kMaxPageRows = 1000;
inline constexpr std::size_t kMaxPageBytes = std::size_t{4} << 20;

struct Query {
  Filter filter = {};
  Order order = Order::kNewestFirst;
  std::string cursor = {};  // of the page before, in the same order; "" for the first
  std::int64_t limit = 100;
};

struct Row {
  base::Time time{};
  std::int64_t sequence = 0;  // its place in its log
  std::string record;         // the JSON object, as it was committed
};

// Who should have answered, and did not.
struct Incomplete {
  std::string replica;
  std::string reason;
};

struct Page {
  std::vector<Row> rows;
  // Where the next page begins: letters, digits, '.', ',' and '-' alone. Newest first, "" when there is no more; oldest first never "",
  // since more may be committed yet: a page with fewer rows than asked for, also with none, moves it on past what did not match.
  std::string next;
  std::vector<Incomplete> incomplete;
  std::string log = {};  // the name of the one log that the rows are of, 32 hexadecimal digits; "" from a reader of several
};

// Admissions, dry runs among them.
struct Counts {
  std::int64_t allowed = 0;
  std::int64_t warned = 0;
  std::int64_t denied = 0;

  Counts& operator+=(const Counts& other) {
    allowed += other.allowed;
    warned += other.warned;
    denied += other.denied;
    return *this;
  }
  bool IsZero() const { return allowed == 0 && warned == 0 && denied == 0; }
};

// One of that decision; none of what is no admission.
inline Counts CountsOf(std::string_view decision) { return {decision == "Allowed", decision == "Warned", decision == "Denied"}; }

// What the admissions come to that a filter selects (SummaryBuilder makes it). `by_…` count what was warned about and denied alone,
// each admission once for each value that it has, most denied first; by_registry and by_requirement have what it was denied or warned
// about for (audit/blame.h), and not what else its images are or lack. Beyond kMaxSummaryValues, and beyond what is counted singly
// before, values are counted together under kOtherValues, which comes last.
struct Summary {
  struct Hour {
    base::Time begin{};  // a full hour, UTC
    Counts counts;
  };
  struct Value {
    std::string value;
    Counts counts;
  };
  std::vector<Hour> hours;  // in order; hours without admissions are left out
  std::vector<Value> by_registry, by_requirement, by_namespace, by_user;
  std::vector<Incomplete> incomplete;
};
inline constexpr std::size_t kMaxSummaryValues = 1000;
inline constexpr const char* kOtherValues = "(other)";

// For one thread at a time.
class Reader {
 public:
  virtual ~Reader() = default;

  // An error (kInvalidArgument) for a limit below 1, and for a cursor that is none of this log's: a damaged log may have been set aside
  // and another begun, whose beginning is the cursor "".
  virtual base::Result<Page> Read(const Query& query) = 0;

  virtual base::Result<Summary> Summarise(const Filter& filter) = 0;

  // The cursor, for Order::kOldestFirst, behind all that is committed now: where --follow begins.
  virtual base::Result<std::string> End() = 0;
};

}  // namespace audit
