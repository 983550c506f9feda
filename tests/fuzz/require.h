// What a fuzzer demands of what it reads, beside not to crash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <source_location>
#include <string_view>

#include "base/utf8.h"

namespace fuzz {

// Ends the process, which libFuzzer takes for a finding.
inline void Require(bool holds, std::string_view what = {}, std::source_location where = std::source_location::current()) {
  if (!holds) {
    std::cerr << where.file_name() << ':' << where.line() << ": " << what << '\n';
    std::abort();
  }
}

// Whether it can be shown to a person and put into a line of a log: there, of bounded length, UTF-8 without control characters.
inline void RequireShowable(std::string_view text, std::size_t max_bytes = 4096,
                            std::source_location where = std::source_location::current()) {
  Require(!text.empty() && text.size() <= max_bytes, text, where);
  for (std::string_view rest = text; !rest.empty();) {
    const base::Utf8Character next = base::DecodeUtf8(rest);
    Require(next.valid && next.code_point >= 0x20 && next.code_point != 0x7f, text, where);
    rest.remove_prefix(next.bytes);
  }
}

// What libFuzzer brings, where its first byte chooses the reader: that byte, 0 when there is none, and what is behind it.
struct Asked {
  Asked(const std::uint8_t* data, std::size_t size)
      : reader(size == 0 ? '\0' : static_cast<char>(data[0])),
        bytes(std::string_view(reinterpret_cast<const char*>(data), size).substr(size == 0 ? 0 : 1)) {}

  char reader;
  std::string_view bytes;
};

}  // namespace fuzz
