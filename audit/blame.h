// What of a record it was denied, or warned about, for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace audit {

// Each value once, in the record's order.
struct Blame {
  std::vector<std::string> registries;  // of the images with such findings
  // Of the findings with the effect that the decision came to: of a denial those that deny. policy::kNotUnderstood for an object that
  // was not understood.
  std::vector<std::string> requirements;
};

// Nothing for an allowed record, or a text that is none.
Blame BlameOf(std::string_view record);

}  // namespace audit
