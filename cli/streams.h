// Where a command reads and writes: the process's own streams, or a test's.
#pragma once

#include <istream>
#include <ostream>

#include "cli/terminal.h"

namespace cli {

enum class OutputFormat { kTable, kJson };

// What commands end with.
inline constexpr int kExitOk = 0;
inline constexpr int kExitDenied = 1;  // `check` alone
inline constexpr int kExitBroken = 1;  // `audit verify` alone
inline constexpr int kExitError = 2;   // wrong usage, or something could not be read

struct Streams {
  std::istream& in;
  std::ostream& out;  // the command's result and nothing else
  std::ostream& err;
  Terminal terminal;      // of `out`
  bool progress = false;  // `err` is a terminal, where a line can be written over
};

}  // namespace cli
