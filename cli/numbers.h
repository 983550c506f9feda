// Numbers for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cli {

// "1,204"
std::string Grouped(std::int64_t number);

// "1 pod", "1,204 pods"
std::string Counted(std::int64_t number, std::string_view one, std::string_view several);

}  // namespace cli
