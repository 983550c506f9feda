#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/eight.h"
#include "base/utf8.h"

namespace base {
namespace {

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsPrintableAscii(std::string_view text) {
  return FindMarked(text, 0, [](Eight eight) { return eight.Below(' ') | eight.Equal(0x7f) | eight.NotAscii(); }) == text.size();
}

// Controls, and characters that are drawn as nothing or turn the text around them: a name must look like what it is.
bool IsDeceptive(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (Lower(a[i - 1]) == Lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  return lower;
}

bool EqualsIgnoreAsciiCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string Printable(std::string_view text, std::size_t max_bytes) {
  // What nearly everything is, and denials are made of dozens of such.
  if (text.size() <= max_bytes && IsPrintableAscii(text)) {
    return std::string(text);
  }
  constexpr std::string_view kCut = "…";
  std::string shown;
  shown.reserve(std::min(text.size(), max_bytes));
  std::size_t fits = 0;  // bytes of `shown` after which the cut mark still fits
  while (!text.empty()) {
    const Utf8Character next = DecodeUtf8(text);
    const std::string_view bytes = text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
    if (!next.valid || IsDeceptive(next.code_point)) {
      shown += '?';
    } else {
      shown += bytes;
    }
    if (shown.size() > max_bytes) {
      shown.resize(fits);
      if (max_bytes >= kCut.size()) {
        shown += kCut;
      }
      return shown;
    }
    if (shown.size() + kCut.size() <= max_bytes) {
      fits = shown.size();
    }
  }
  return shown;
}

std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongestWord = 64;  // the distance costs the product of the lengths
  if (word.size() > kLongestWord) {
    return {};
  }
  std::string_view nearest;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() <= kLongestWord) {
      const std::size_t distance = EditDistance(word, candidate);
      if (distance < least) {
        least = distance;
        nearest = candidate;
      }
    }
  }
  return nearest;
}

}  // namespace base
