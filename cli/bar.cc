#include "cli/bar.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace cli {

std::string Bar(std::int64_t value, std::int64_t most, std::size_t width, const Terminal& terminal) {
  if (value <= 0 || most <= 0 || width == 0) {
    return {};
  }
  const double share = std::min(1.0, static_cast<double>(value) / static_cast<double>(most));
  if (!terminal.unicode) {
    return std::string(std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(share * static_cast<double>(width)))), '#');
  }
  constexpr std::size_t kEighths = 8;
  constexpr std::array<const char*, kEighths> kParts = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
  const auto eighths = std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(share * static_cast<double>(width * kEighths))));
  std::string bar;
  for (std::size_t i = 0; i < eighths / kEighths; ++i) {
    bar += "\u2588";
  }
  return bar + kParts[eighths % kEighths];
}

}  // namespace cli
