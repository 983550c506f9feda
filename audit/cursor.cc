#include "audit/cursor.h"

#include <charconv>

#include "base/hex.h"

namespace audit {
namespace {

constexpr std::size_t kLogDigits = 32;

}  // namespace

std::string LogCursor(std::string_view log_hex, std::int64_t sequence) { return std::string(log_hex) + "." + std::to_string(sequence); }

std::optional<LogPosition> ParseLogCursor(std::string_view text) {
  if (text.size() <= kLogDigits + 1 || text[kLogDigits] != '.') {
    return std::nullopt;
  }
  LogPosition position{std::string(text.substr(0, kLogDigits)), 0};
  const std::string_view digits = text.substr(kLogDigits + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), position.sequence);
  const bool whole = error == std::errc() && end == digits.data() + digits.size() && position.sequence >= 0;
  // Written again it is the same text: no other spelling of a number or a name is taken.
  if (!whole || !base::FromHex(position.log_hex) || LogCursor(position.log_hex, position.sequence) != text) {
    return std::nullopt;
  }
  return position;
}

}  // namespace audit
