// The roll-ups: for each hour, what was decided. Summaries are made of them, and stay true when retention takes the rows that were
// counted. docs/audit.md, "Summaries".
//
// Rows are read by the connection that reads, and added up by the one that writes, in one transaction with the cursor: each row is
// counted once, whenever the process ends.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "audit/reader.h"
#include "audit/sqlite.h"

namespace audit {

inline constexpr const char* kHourlyConsumer = "hourly";  // of the cursor

// A client chooses what registries its images are from: of one hour, namespace and dimension so many values are counted singly, and
// the rest under kOtherValues.
inline constexpr std::int64_t kHourlyValues = 64;

// As stored. kAll counts every admission of a namespace; the others, by value, those that were not allowed.
enum class HourlyDimension { kAll = 0, kRegistry = 1, kRequirement = 2, kUser = 3 };

struct HourlyKey {
  std::int64_t hour = 0;  // since 1970
  std::string namespace_name;
  HourlyDimension dimension = HourlyDimension::kAll;
  std::string value;

  auto operator<=>(const HourlyKey&) const = default;
};
using HourlyCounts = std::map<HourlyKey, Counts>;

// What rows come to that are not counted yet.
class HourlySource {
 public:
  // `reader` must outlive it.
  static sqlite::Outcome<HourlySource> Prepare(sqlite::Connection& reader);

  struct Step {
    HourlyCounts counts;
    std::int64_t upto = 0;  // the last row that is in them
    bool more = false;
  };
  // Of rows behind `counted`, as many as can be added without holding up a commit for long.
  sqlite::Outcome<Step> Next(std::int64_t counted);

 private:
  sqlite::Statement rows_;
};

// The table. Its calls belong into a transaction.
class HourlyTable {
 public:
  // `writer` must outlive it.
  static sqlite::Outcome<HourlyTable> Prepare(sqlite::Connection& writer);

  sqlite::Outcome<void> Add(const HourlyCounts& counts);

  // Removes the oldest of it, a few hundred rows: of hours before `hour`, or when all of it takes more than about `max_bytes`. False:
  // there was nothing to remove.
  sqlite::Outcome<bool> Prune(std::int64_t hour, std::int64_t max_bytes);

  // After a transaction that may have come to nothing.
  void Forget() { bytes_ = -1; }

 private:
  sqlite::Outcome<bool> AddTo(const HourlyKey& key, std::string_view value, const Counts& counts);
  sqlite::Outcome<void> Insert(const HourlyKey& key, std::string_view value, const Counts& counts);
  sqlite::Outcome<std::int64_t> Bytes();

  sqlite::Statement update_, count_, insert_, oldest_, size_, remove_, total_;
  std::int64_t bytes_ = -1;  // of all rows; -1: not counted yet
};

}  // namespace audit
