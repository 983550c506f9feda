// The registries of a record as their column has them: each between spaces.
#pragma once

#include <string_view>
#include <vector>

namespace audit {

// Views into `registries`.
inline std::vector<std::string_view> RegistriesIn(std::string_view registries) {
  std::vector<std::string_view> list;
  while (!registries.empty()) {
    const std::string_view entry = registries.substr(0, registries.find(' '));
    if (!entry.empty()) {
      list.push_back(entry);
    }
    registries.remove_prefix(entry.size() + (entry.size() < registries.size() ? 1 : 0));
  }
  return list;
}

}  // namespace audit
