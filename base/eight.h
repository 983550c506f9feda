// Eight characters at a time, in a register: for texts that nearly always are what is looked for.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace base {

// Marks of characters. The first that is marked is meant; those behind it may be marked wrongly.
// https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
class Eight {
 public:
  using Marks = std::uint64_t;
  static constexpr std::size_t kSize = sizeof(std::uint64_t);

  // REQUIRES: at < text.size(). Beyond its end stand spaces.
  Eight(std::string_view text, std::size_t at) {
    if (text.size() - at >= kSize) {
      std::memcpy(&bits_, text.data() + at, kSize);
    } else {
      bits_ = kEach * ' ';
      std::memcpy(&bits_, text.data() + at, text.size() - at);
    }
  }

  Marks Below(unsigned char bound) const { return (bits_ - kEach * bound) & ~bits_ & kHighBits; }  // REQUIRES: bound <= 0x80
  Marks Equal(unsigned char c) const {
    const std::uint64_t different = bits_ ^ (kEach * c);
    return (different - kEach) & ~different & kHighBits;
  }
  Marks NotAscii() const { return bits_ & kHighBits; }

  // REQUIRES: marks != 0.
  static std::size_t First(Marks marks) { return static_cast<std::size_t>(std::countr_zero(marks)) / kBitsPerCharacter; }

 private:
  static_assert(std::endian::native == std::endian::little, "the first character is the lowest byte");
  static constexpr std::size_t kBitsPerCharacter = 8;
  static constexpr std::uint64_t kEach = 0x0101010101010101;
  static constexpr std::uint64_t kHighBits = 0x8080808080808080;

  std::uint64_t bits_ = 0;
};

// Where the first character stands, from `at` on, that `marks_of`, of an Eight, marks; the text's size if none does. REQUIRES: it marks
// no space.
template <class MarksOf>
std::size_t FindMarked(std::string_view text, std::size_t at, MarksOf marks_of) {
  for (; at < text.size(); at += Eight::kSize) {
    if (const Eight::Marks marks = marks_of(Eight(text, at)); marks != 0) {
      return at + Eight::First(marks);
    }
  }
  return text.size();
}

}  // namespace base
