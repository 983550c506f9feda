// Where a page of a log ended, as the text that its reader hands out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace audit {

struct LogPosition {
  std::string log_hex;        // the log's name, 32 hexadecimal digits
  std::int64_t sequence = 0;  // of the last row that was handed out; 0: none yet
};

// "9d4a99365aa2bb4471e064a14d410e58.4886"
std::string LogCursor(std::string_view log_hex, std::int64_t sequence);

// Nothing for what LogCursor does not write.
std::optional<LogPosition> ParseLogCursor(std::string_view text);

}  // namespace audit
