// How far something is that a person waits for.
#pragma once

#include <string>

#include "cli/streams.h"

namespace cli {

// One line of `err` that is written over itself, on a terminal alone, and gone when this is.
class ProgressLine {
 public:
  explicit ProgressLine(const Streams& streams) : streams_(streams) {}
  ~ProgressLine() { Show({}); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const std::string& text) {
    if (streams_.progress) {
      streams_.err << '\r' << text << "\033[K" << std::flush;  // what stood there longer goes
    }
  }

 private:
  const Streams& streams_;
};

}  // namespace cli
