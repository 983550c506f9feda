// Where diagnostics go: a function that whoever needs it is given. `cli` fills it with spdlog; tests with what they like.
// Never the audit log, never anything secret, never at a rate that a client decides.
#pragma once

#include <functional>
#include <string_view>

namespace base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Safe for concurrent use.
using Log = std::function<void(LogLevel level, std::string_view message)>;

}  // namespace base
