// Adds a Summary up, whatever its counts come from: rows, roll-ups, or other replicas' summaries.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "audit/reader.h"
#include "base/time.h"

namespace audit {

enum class Dimension { kRegistry, kRequirement, kNamespace, kUser };
inline constexpr std::size_t kDimensions = 4;

class SummaryBuilder {
 public:
  void AddHour(base::Time time, const Counts& counts);  // any time of the hour; nothing for no counts
  // Nothing for an empty value, and of `counts` only what was warned about and denied.
  void AddValue(Dimension dimension, std::string_view value, const Counts& counts);
  void Add(const Summary& summary);

  // One admission, with all its values. `record` is looked at unless it was allowed. Nothing for what is no admission.
  void AddRow(base::Time time, std::string_view decision, std::string_view namespace_name, std::string_view user, std::string_view record);

  Summary Build() &&;

 private:
  // Counted singly; a client chooses some of the values, and memory must end.
  static constexpr std::size_t kMaxSingly = 10'000;
  using Values = std::map<std::string, Counts, std::less<>>;

  std::map<base::Time, Counts> hours_;
  std::array<Values, kDimensions> values_;
  std::vector<Incomplete> incomplete_;
};

}  // namespace audit
