#pragma once

#include <string_view>

namespace cli {

inline constexpr std::string_view kVersion = ACR_VERSION;

}  // namespace cli
