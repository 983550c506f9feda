// One step of UTF-8 decoding, by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace base {

struct Utf8Character {
  bool valid = false;
  std::size_t bytes = 1;  // to step over; 1 where invalid, so that decoding goes on at the next byte
  char32_t code_point = 0;
};

// REQUIRES: text is not empty.
inline Utf8Character DecodeUtf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return {true, 1, first};
  }
  std::size_t length = 0;
  char32_t value = 0;
  char32_t least = 0;
  if ((first & 0xe0) == 0xc0) {
    length = 2;
    value = first & 0x1f;
    least = 0x80;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3;
    value = first & 0x0f;
    least = 0x800;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4;
    value = first & 0x07;
    least = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return {};
    }
    value = (value << 6) | (byte(i) & 0x3fu);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
    return {};
  }
  return {true, length, value};
}

// Whether all of it is UTF-8.
inline bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character next = DecodeUtf8(text);
    if (!next.valid) {
      return false;
    }
    text.remove_prefix(next.bytes);
  }
  return true;
}

}  // namespace base
