#include "cli/numbers.h"

#include <cstddef>

namespace cli {

std::string Grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string Counted(std::int64_t number, std::string_view one, std::string_view several) {
  return Grouped(number) + " " + std::string(number == 1 ? one : several);
}

}  // namespace cli
